"""Import the object that `pkg.mod:attribute` names: a user-defined model, data set, preprocessing or degradation."""

from __future__ import annotations

import importlib
from types import ModuleType

from pytest_failaware.core.errors import ConfigError, did_you_mean
from pytest_failaware.core.text import describe_error


def load_attribute(target: str, where: str) -> object:
    """Return the object that `pkg.mod:attribute` names; the attribute may be dotted, as in `zoo:Small.build`.

    Args:
        target: the text as the user typed it.
        where: the option or ini key with this text, such as `--failaware-arch`.

    Raises:
        ConfigError: the text has another form, the module or the attribute is missing, or the import failed.
    """
    module_name, _, attribute = target.partition(":")
    if not all(part.isidentifier() for part in f"{module_name}.{attribute}".split(".")):
        raise ConfigError(f"{where}={target}: not of the form pkg.mod:attribute; write it as in 'mypkg.models:build'")
    member: object = _import(module_name, f"{where}={target}")
    for name in attribute.split("."):
        member = _member(member, name, f"{where}={target}")
    return member


def _import(name: str, place: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise _broken(name, place, error) from error
        raise ConfigError(
            f"{place}: no module named {missing!r}; correct the name, or add its folder to PYTHONPATH or to pytest's "
            "ini key pythonpath"
        ) from error
    except (Exception, SystemExit) as error:  # the user's code runs here, and a script may even call sys.exit
        raise _broken(name, place, error) from error


def _broken(name: str, place: str, error: BaseException) -> ConfigError:
    return ConfigError(f"{place}: importing {name!r} raised {describe_error(error)}; repair the module")


def _member(owner: object, name: str, place: str) -> object:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        kind = "module" if isinstance(owner, ModuleType) else type(owner).__name__
        label = getattr(owner, "__name__", "")
        file = f" ({owner.__file__})" if isinstance(owner, ModuleType) and owner.__file__ else ""
        known = [other for other in dir(owner) if not other.startswith("__")]
        hint = did_you_mean(name, known, "define it there, or name another")
        raise ConfigError(f"{place}: {kind} {label!r}{file} has no attribute {name!r}; {hint}") from error

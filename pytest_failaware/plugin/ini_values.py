"""Read our keys from the ini: text and lists from an ini file, values with their types from a TOML file.

`getini` alone is not enough: pytest 8 makes text of every value, and pytest 9 refuses a number for a key of type text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_failaware.config.ini_files import Table, needs_pytest_9, table_of
from pytest_failaware.config.misspelt import report_remedy
from pytest_failaware.config.nearer import inis_with_keys
from pytest_failaware.config.options import INI_KEYS, OPTIONS, PREFIX
from pytest_failaware.core.errors import ConfigError, choices

if TYPE_CHECKING:
    import pytest

_TABLES: Final = (("pytest",), ("tool",), ("tool", "pytest"), ("tool", "pytest", "ini_options"))
"""The tables of a TOML file in which people look for our keys."""

_KEY: Final = re.compile(r"^(failaware_\w+)\s*[=:]", re.MULTILINE)  # in an ini file or in an -o


def ini_values(config: pytest.Config) -> dict[str, object]:
    """Return the value of each key of ours from the ini and -o, by the key without its prefix; None for a key not set.

    Raises:
        ConfigError: a value cannot be read.
    """
    typed = _toml_table(config)
    for text in ini_overrides(config):
        typed.pop(key_of(text), None)
    return {key.removeprefix(PREFIX): typed[key] if key in typed else _read(config, key) for key in _known_keys()}


def check_ini(config: pytest.Config, version: str) -> None:
    """Refuse a misspelt key, for which pytest would only warn, unless a conftest.py or plugin has added that key.

    Args:
        config: the configuration of pytest.
        version: the version of pytest.

    Raises:
        ConfigError: a key is unknown, or this version of pytest does not read its table.
    """
    if int(version.partition(".")[0]) < 9:
        _refuse_typed_tables(config.rootpath, version)
    _refuse_near_keys(config)
    known = _known_keys()
    for place, key in _keys(config):
        if key in known:
            continue
        try:
            config.getini(key)
        except ValueError:
            raise ConfigError(f"{place}: unknown key {key!r}; {report_remedy(key) or choices(key, known)}") from None


def ini_value(config: pytest.Config, key: str) -> object:
    """Return the value of one key, named without its prefix, from the ini and -o.

    Raises:
        ConfigError: the value cannot be read.
    """
    name = f"{PREFIX}{key}"
    typed = _toml_table(config)
    is_overridden = any(key_of(text) == name for text in ini_overrides(config))
    return typed[name] if name in typed and not is_overridden else _read(config, name)


def keys_in_use(config: pytest.Config) -> set[str]:
    """Return the keys of ours that the ini or -o sets."""
    return {key for _, key in _keys(config)} & set(_known_keys())


def ini_overrides(config: pytest.Config) -> tuple[str, ...]:
    """Return the text KEY=VALUE of each -o."""
    return tuple(config.getoption("override_ini", None) or ())


def key_of(override: str) -> str:
    """Return the key that the text of an -o sets."""
    return override.partition("=")[0].strip()


def _known_keys() -> list[str]:
    return [option.ini for option in OPTIONS if option.ini] + [f"{PREFIX}{key}" for key in INI_KEYS]


def _keys(config: pytest.Config) -> list[tuple[str, str]]:
    """Return the place and the name of every key that looks like ours."""
    typed = [("-o", key) for text in ini_overrides(config) for key in _KEY.findall(text)]
    path = config.inipath
    if path is None:
        return typed
    is_toml = path.suffix == ".toml"
    keys = list(_toml_table(config)) if is_toml else _KEY.findall(path.read_text(encoding="utf-8"))
    return [(path.name, key) for key in keys if key.startswith(PREFIX)] + typed


def _toml_table(config: pytest.Config) -> dict[str, object]:
    """Return the table of pytest's keys if the ini is a TOML file, else an empty table."""
    path = config.inipath
    return dict(table_of(path) or {}) if path is not None and path.suffix == ".toml" else {}


def _refuse_near_keys(config: pytest.Config) -> None:
    """Refuse a table or key that is meant for us and that pytest ignores: `[pytest.failaware]`, `failaware-strict`."""
    path = config.inipath
    if path is None:
        return
    is_toml = path.suffix == ".toml"
    document = tomllib.loads(path.read_text(encoding="utf-8-sig")) if is_toml else {}
    tables: list[Table] = [dict(table_of(path) or {})]
    for names in _TABLES if is_toml else ():
        tables.append(_within(document, names))
    for key in (key for table in tables for key in table):
        name = key.lower().replace("-", "_")
        if name.rstrip("_") == PREFIX.rstrip("_") or (name.startswith(PREFIX) and key != name):
            raise ConfigError(f"{path.name}: {key!r} sets nothing; write each key as {_meant(name)}")


def _meant(name: str) -> str:
    """Return how to write a key that is nearly spelled like one of ours."""
    return f"{name} = …" if name in _known_keys() else f"{PREFIX}NAME = …, as in {PREFIX}strict = true"


def _within(table: Table, names: tuple[str, ...]) -> Table:
    """Return the inner table at this path of names, empty if there is none."""
    for name in names:
        inner = table.get(name)
        table = inner if isinstance(inner, Mapping) else {}
    return table


def _read(config: pytest.Config, key: str) -> object:
    try:
        value: object = config.getini(key)
    except ValueError as error:  # pytest 8 raises it; later versions end with a usage error
        raise ConfigError(f"{key}: {error}; write another value") from error
    return value


def _refuse_typed_tables(folder: Path, version: str) -> None:
    """Refuse keys of ours in a table that this version of pytest silently ignores."""
    for path in inis_with_keys(folder):
        if needs_pytest_9(path):
            raise ConfigError(
                f"{path.name}: only pytest 9 and later read this table, and this is pytest {version}; put the keys "
                "into [tool.pytest.ini_options] of pyproject.toml, or update pytest"
            )

"""Where code comes from: libraries that a version identifies, Python, or a file."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

VERSIONED: Final = ("torch", "torchvision", "timm")
"""Packages whose code a version number identifies."""
INSTALLED: Final = ("site-packages", "dist-packages")
_PYTHON: Final = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
_HERE: Final = Path(__file__).parents[2]


def full_name(code: object) -> str:
    """The module and the name in it, as far as a class, a function or a module knows them."""
    name = module_name(code)
    return name if isinstance(code, ModuleType) else f"{name}.{getattr(code, '__qualname__', code)}".lstrip(".")


def module_name(code: object) -> str:
    """The module that code belongs to; a function that has none is a method of something that has."""
    if isinstance(code, ModuleType):
        return code.__name__
    for holder in (code, getattr(code, "__objclass__", None), type(getattr(code, "__self__", None))):
        if isinstance(name := getattr(holder, "__module__", None), str) and holder is not type(None):
            return name
    return ""


def is_versioned(code: object) -> bool:
    """Whether the code is of a library that a version identifies, or comes with Python, whatever else has its name."""
    name = module_name(code)
    top = name.partition(".")[0]
    if top in VERSIONED or name == "builtins":
        return True
    if top not in sys.stdlib_module_names or name not in sys.modules:
        return False
    file = getattr(sys.modules[name], "__file__", None)
    return file is None or _is_in(Path(file), _PYTHON)


def file_of(code: object) -> Path | None:
    """The file of a class, a function or a module, None if there is none; a function's is what it was compiled from."""
    compiled = getattr(code, "__code__", None)
    if compiled is not None:
        return _existing(compiled.co_filename)
    module = code if isinstance(code, ModuleType) else sys.modules.get(module_name(code))
    found = getattr(module, "__file__", None)
    return _existing(found) if isinstance(found, str) else None


def is_own(file: Path) -> bool:
    """Whether a file is the user's own: none of an installed package, of Python or of this package."""
    return not (any(part in INSTALLED for part in file.parts) or _is_in(file, (*_PYTHON, _HERE)))


def installed_packages() -> str:
    """A hash over the packages in the folders of `sys.path`, by version and by when each was installed."""
    digest = hashlib.sha256()
    for folder in map(Path, sys.path):
        if folder.name in INSTALLED and folder.is_dir():
            for info in sorted(folder.glob("*.*-info")):
                digest.update(f"{info} {info.stat().st_mtime_ns}\0".encode())
    return digest.hexdigest()


@cache
def is_own_module(path: str) -> bool:
    """Whether the file of a module is the user's own. Each condition asks it of every loaded module."""
    return Path(path).is_absolute() and is_own(Path(path))


def _existing(path: str) -> Path | None:
    return Path(path) if Path(path).is_file() else None


def _is_in(file: Path, folders: tuple[Path, ...]) -> bool:
    """Whether a file lies in one of the folders; what is installed lies within Python's without being its own."""
    return not any(part in INSTALLED for part in file.parts) and any(map(file.is_relative_to, folders))

"""Find the origin of code: a library that its version identifies, Python itself, or a file."""

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


class ForeignCodeError(Exception):
    """Code or an object cannot be identified, so another version may compute something else; the text names it."""


def full_name(code: object) -> str:
    """Return the dotted name of a class, a function or a module, as far as it knows its own name."""
    name = module_name(code)
    return name if isinstance(code, ModuleType) else f"{name}.{getattr(code, '__qualname__', code)}".lstrip(".")


def module_name(code: object) -> str:
    """Return the name of the module of code; a function without a module is a method, and has that of its owner."""
    if isinstance(code, ModuleType):
        return code.__name__
    for holder in (code, getattr(code, "__objclass__", None), type(getattr(code, "__self__", None))):
        if isinstance(name := getattr(holder, "__module__", None), str) and holder is not type(None):
            return name
    return ""


def is_versioned(code: object) -> bool:
    """Return whether code belongs to a library that its version identifies, or to Python itself."""
    name = module_name(code)
    top = name.partition(".")[0]
    if top in VERSIONED or name == "builtins":
        return True
    if top not in sys.stdlib_module_names or name not in sys.modules:
        return False
    file = getattr(sys.modules[name], "__file__", None)
    return file is None or _is_in(Path(file), _PYTHON)


def file_of(code: object) -> Path | None:
    """Return the file of a class or a module, or the file that a function was compiled from; None if there is none."""
    compiled = getattr(code, "__code__", None)
    if compiled is not None:
        return _existing(compiled.co_filename)
    module = code if isinstance(code, ModuleType) else sys.modules.get(module_name(code))
    path = getattr(module, "__file__", None)
    return _existing(path) if isinstance(path, str) else None


def is_own(file: Path) -> bool:
    """Return whether a file is user code: not in an installed package, in Python or in this package."""
    return not (any(part in INSTALLED for part in file.parts) or _is_in(file, (*_PYTHON, _HERE)))


def installed_packages() -> str:
    """Return a hash over the versions and the installation times of the packages in the folders of `sys.path`."""
    digest = hashlib.sha256()
    for folder in map(Path, sys.path):
        if folder.name in INSTALLED and folder.is_dir():
            for info in sorted(folder.glob("*.*-info")):
                digest.update(f"{info} {info.stat().st_mtime_ns}\0".encode())
    return digest.hexdigest()


@cache
def is_own_module(path: str) -> bool:
    """Return whether the file of a module is user code; cached, since each condition asks for all loaded modules."""
    return Path(path).is_absolute() and is_own(Path(path))


def _existing(path: str) -> Path | None:
    return Path(path) if Path(path).is_file() else None


def _is_in(file: Path, folders: tuple[Path, ...]) -> bool:
    """Return whether a file lies in one of the folders, but not in a folder for installed packages below them."""
    return not any(part in INSTALLED for part in file.parts) and any(map(file.is_relative_to, folders))

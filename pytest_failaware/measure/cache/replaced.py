"""Find replaced functions of the code that reads images: user code, such as a conftest.py, can replace any function."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from types import FunctionType, MethodType
from typing import Final

from pytest_failaware.measure.cache.origins import ForeignCodeError, is_own_module

_PACKAGE: Final = "pytest_failaware"
_READERS: Final = ("PIL", "numpy")
_OUR_READERS: Final = (f"{_PACKAGE}.core.", f"{_PACKAGE}.measure.images.")
_KNOWN: Final = (*_READERS, _PACKAGE, *sys.stdlib_module_names)
_MOCKS: Final = "unittest.mock"


def refuse_replaced_readers() -> None:
    """Refuse replaced functions of Pillow, of numpy and of the modules of this package that read images.

    Raises:
        ForeignCodeError: a function, a method or a class was replaced; the message names it.
    """
    for name, module in sys.modules.copy().items():
        if name.partition(".")[0] in _READERS or name.startswith(_OUR_READERS):
            for place, value in _values(vars(module)):
                if _is_replaced(value):
                    raise ForeignCodeError(f"{name}.{place}, which user code replaced")


def _values(namespace: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the values of a module, and those of its classes."""
    for name, value in list(namespace.items()):
        yield name, value
        if isinstance(value, type):
            for attribute, content in list(vars(value).items()):
                yield f"{name}.{attribute}", content


def _is_replaced(value: object) -> bool:
    """Return whether a value is a function, a class or an object of other code than these packages and Python."""
    function = _function_of(value)
    if isinstance(function, FunctionType):
        origin = str(function.__globals__.get("__name__", ""))
        is_known = origin.partition(".")[0] in _KNOWN or origin.startswith("namedtuple_")
        return not is_known or origin.startswith(_MOCKS) or is_own_module(function.__code__.co_filename)
    kind = function if isinstance(function, type) else type(function)
    origin = str(kind.__module__)
    if origin == "builtins":
        return False
    path = getattr(sys.modules.get(origin), "__dict__", {}).get("__file__")
    return origin.startswith(_MOCKS) or (isinstance(path, str) and is_own_module(path))


def _function_of(value: object) -> object:
    """Return the function within a property, a method, a partial function or the like, else the value."""
    if isinstance(value, staticmethod | classmethod | MethodType):
        return value.__func__
    if isinstance(value, property):
        return value.fget
    if isinstance(value, partial | cached_property):
        return value.func
    return getattr(value, "__wrapped__", value) if type(value).__module__ == "functools" else value

"""Hash the values that user code keeps outside of instances: class attributes and module globals."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from pytest_failaware.measure.cache.contents import Contents
from pytest_failaware.measure.cache.origins import (
    ForeignCodeError,
    file_of,
    full_name,
    is_own,
    is_versioned,
    module_name,
)
from pytest_failaware.measure.cache.own_files import OwnFiles, plain_values

Values = Mapping[str, Any]  # Any: a module or a class can hold any value


class OwnContents:
    """A hash over values, over the user's classes and functions in them, and over the modules of those.

    Add values to `contents`; `hexdigest` adds the modules.
    """

    def __init__(self, files: OwnFiles) -> None:
        self._files = files
        self._reached: dict[int, tuple[str, Values]] = {}
        self.contents = Contents(self._code_of, held_by)

    def add_loaded_modules(self) -> None:
        """Add the loaded modules of user code; test files and conftest.py count only if values use them."""
        for module in self._files.modules():
            if isinstance(module, ModuleType) and not _is_of_pytest(module):
                self._reach(module)

    def hexdigest(self) -> str:
        """Return the hash over all added values and over the modules that they use.

        Raises:
            ForeignCodeError: a module holds an object that cannot be hashed.
        """
        done: set[int] = set()
        while waiting := sorted((name, key) for key, (name, _) in self._reached.items() if key not in done):
            name, key = waiting[0]
            done.add(key)
            self.contents.add(f"module {name}", name)
            for place, value in _values(self._reached[key][1]):
                self.contents.add(place, place)
                self.contents.add(value, f"{name}.{place}")
        return self.contents.hexdigest()

    def _code_of(self, code: object) -> str:
        file = file_of(code)
        if file is not None and is_own(file):
            self._reach(code)
        return self._files.code_of(code)

    def _reach(self, code: object) -> None:
        values = _globals_of(code)
        self._reached[id(values)] = (str(values.get("__name__")), values)


def held_by(code: object) -> dict[str, object]:
    """Return the attributes of a user's class with its user-defined bases, or of a user's function, by their names.

    For a class of an installed package, only plain values are returned, since files and versions identify the rest. A
    method that Python generates for a dataclass, a named tuple or an enum is left out: it follows from the fields.
    """
    if is_versioned(code) or not isinstance(code, (type, FunctionType)):
        return {}
    if isinstance(code, FunctionType):
        is_alone = "<" not in code.__qualname__  # else its file may have other functions of this name
        place = "" if is_alone else str(list(code.__code__.co_positions()))
        return {f"{full_name(code)}, attributes": dict(vars(code)), f"{full_name(code)}, place": place}
    bases = [base for base in code.__mro__ if not is_versioned(base)]
    return {f"{full_name(base)}.{name}": value for base in bases for name, value in _attributes(base)}


def refuse_late_values(files: OwnFiles, before: set[str]) -> None:
    """Refuse modules that were loaded after the values were hashed, if they hold values.

    Args:
        files: the user code of this process.
        before: the names of the modules that were loaded when the values were hashed.

    Raises:
        ForeignCodeError: a module holds a value; the message names it.
    """
    for module in files.modules():
        if isinstance(module, ModuleType) and module.__name__ not in before:
            for name, value in _values(vars(module)):
                if not isinstance(value, (type, FunctionType, ModuleType)):
                    raise ForeignCodeError(f"{module.__name__}.{name}, of a module that was loaded while it measured")


def _attributes(holder: type) -> Iterator[tuple[str, object]]:
    file = file_of(holder)
    if file is None or not is_own(file):
        yield from plain_values(vars(holder))
        return
    is_written = hasattr(holder, "__dataclass_fields__") or issubclass(holder, (tuple, enum.Enum))
    for name, value in sorted(vars(holder).items()):
        is_method = isinstance(value, FunctionType)
        if is_method and is_written and file_of(value) != file:
            continue
        if is_method or not (name.startswith("__") or name == "_abc_impl"):
            yield name, value


def _values(namespace: Values) -> list[tuple[str, object]]:
    """Return the values of a module without those that Python and pytest add."""
    return [(name, value) for name, value in sorted(namespace.items()) if not name.startswith(("__", "@"))]


def _globals_of(code: object) -> Values:
    """Return the globals of the module of code; by now, another module may have the same name."""
    if isinstance(code, ModuleType):
        return vars(code)
    functions = [code] if isinstance(code, FunctionType) else vars(code).values() if isinstance(code, type) else ()
    for function in functions:
        if isinstance(function, FunctionType) and function.__module__ == module_name(code):
            return function.__globals__
    module = sys.modules.get(module_name(code))
    return vars(module) if module else {}


def _is_of_pytest(module: ModuleType) -> bool:
    """Return whether pytest loaded a module: a test file, a conftest.py or a plugin."""
    return type(getattr(module, "__loader__", None)).__module__.startswith("_pytest.")

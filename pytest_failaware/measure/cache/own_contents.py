"""What the user's own code holds outside of its instances: attributes of classes, and the values of its modules."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from pytest_failaware.measure.cache.contents import Contents, ForeignCodeError
from pytest_failaware.measure.cache.origins import file_of, full_name, is_own, is_own_module, is_versioned, module_name
from pytest_failaware.measure.cache.own_files import OwnFiles, plain_values

Values = Mapping[str, Any]  # Any: whatever a module or a class can hold


class OwnContents:
    """A hash over values, over the own classes and functions in them, and over the own modules that those are from.

    `contents` takes the values; `hexdigest` adds the modules.
    """

    def __init__(self, files: OwnFiles) -> None:
        self._files = files
        self._reached: dict[int, tuple[str, Values]] = {}
        self.contents = Contents(self._code_of, held_by)

    def add_loaded_modules(self) -> None:
        """Take in the own modules that are loaded; of test files and conftest.py only those that values reach."""
        for module in own_modules():
            if not _is_of_pytest(module):
                self._reach(module)

    def hexdigest(self) -> str:
        """The hash over everything added and over the modules that this reaches.

        Raises:
            ForeignCodeError: a module holds an object that nothing describes.
        """
        done: set[int] = set()
        while waiting := sorted((found[0], key) for key, found in self._reached.items() if key not in done):
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
        found = _globals_of(code)
        self._reached[id(found)] = (str(found.get("__name__")), found)


def held_by(code: object) -> dict[str, object]:
    """Return the attributes of an own class and its own bases, or of an own function, by their names.

    Of a class of an installed package they are the plain values, since files and versions say the rest. A method that
    Python writes for a dataclass, a named tuple or an enum follows from the fields.
    """
    if is_versioned(code) or not isinstance(code, (type, FunctionType)):
        return {}
    if isinstance(code, FunctionType):
        is_alone = "<" not in code.__qualname__  # else there are others of the same name in its file
        place = "" if is_alone else str(list(code.__code__.co_positions()))
        return {f"{full_name(code)}, attributes": dict(vars(code)), f"{full_name(code)}, place": place}
    bases = [base for base in code.__mro__ if not is_versioned(base)]
    return {f"{full_name(base)}.{name}": value for base in bases for name, value in _attributes(base)}


def own_modules() -> list[ModuleType]:
    """Return the modules of own files that Python has loaded, by name."""
    found: list[ModuleType] = []
    for _, module in sorted(sys.modules.items()):
        path = vars(module).get("__file__") if isinstance(module, ModuleType) else None  # some import when asked
        if isinstance(path, str) and is_own_module(path):
            found.append(module)
    return found


def refuse_late_values(before: set[str]) -> None:
    """Refuse if a module that was loaded since holds values, which nobody has looked at.

    Args:
        before: the names of the modules that were loaded when the values were.

    Raises:
        ForeignCodeError: naming the first such value.
    """
    for module in own_modules():
        if module.__name__ not in before:
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
    """The values of a module without those that Python and pytest put there."""
    return [(name, value) for name, value in sorted(namespace.items()) if not name.startswith(("__", "@"))]


def _globals_of(code: object) -> Values:
    """The values of the module of code, which need not be the one that has its name by now."""
    if isinstance(code, ModuleType):
        return vars(code)
    functions = [code] if isinstance(code, FunctionType) else vars(code).values() if isinstance(code, type) else ()
    for function in functions:
        if isinstance(function, FunctionType) and function.__module__ == module_name(code):
            return function.__globals__
    module = sys.modules.get(module_name(code))
    return vars(module) if module else {}


def _is_of_pytest(module: ModuleType) -> bool:
    """Whether pytest loaded a module: a test file, a conftest.py or a plugin."""
    return type(getattr(module, "__loader__", None)).__module__.startswith("_pytest.")

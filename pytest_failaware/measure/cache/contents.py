"""Hash the content of an object: plain values, collections, tensors, and the names of the code in it."""

from __future__ import annotations

import copyreg
import enum
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)

import numpy as np
import torch
from torch import nn

from pytest_failaware.core.errors import ModelError
from pytest_failaware.measure.cache.origins import ForeignCodeError
from pytest_failaware.measure.models.state import tensor_bytes

_PLAIN = (
    type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range, slice, np.generic, np.dtype,
    torch.dtype, torch.device, torch.layout, torch.memory_format,
)  # fmt: skip
_CODE = (type, FunctionType, BuiltinFunctionType, ModuleType)
_APART = (  # attributes that are not settings: weights, parts, and the mode that eval() sets
    "_parameters", "_buffers", "_modules", "_flat_weights", "_flat_weight_refs", "training",
)  # fmt: skip


def nothing_held(code: object) -> Mapping[str, object]:
    """Return no values, for code that its version identifies completely."""
    return {}


class Contents:
    """A hash over objects that are added one by one; equal objects in two processes give the same hash.

    `code_of` returns a text that identifies a class, a function or a module, and raises ForeignCodeError if there is
    none. `held_by` returns the values that a class or a function holds itself, by their names in errors.
    """

    def __init__(
        self, code_of: Callable[[object], str], held_by: Callable[[object], Mapping[str, object]] = nothing_held
    ) -> None:
        self._code_of = code_of
        self._held_by = held_by
        self._digest = hashlib.sha256()
        self._seen: dict[int, int] = {}
        self._named: set[int] = set()  # ids of code whose values are already hashed
        self._kept: list[object] = []  # keeps objects alive, so that no id is used twice

    def hexdigest(self) -> str:
        """Return the hash over all objects added so far."""
        return self._digest.hexdigest()

    def add(self, value: object, place: str) -> None:
        """Add a value to the hash; `place` is its name in an error.

        Raises:
            ForeignCodeError: the value holds code or an object that cannot be identified.
        """
        try:
            self._add(value, place)
        except RecursionError as error:  # thousands of nested lists
            raise ForeignCodeError(place) from error

    def _add(self, value: object, place: str) -> None:
        if isinstance(value, _PLAIN):
            self._write(f"{type(value).__name__} {value!r}")
        elif id(value) in self._seen:
            self._write(f"again {self._seen[id(value)]}")
        else:
            self._seen[id(value)] = len(self._seen)
            self._kept.append(value)
            self._add_new(value, place)

    def _add_new(self, value: object, place: str) -> None:
        if isinstance(value, enum.Enum):
            self._add_name(type(value), "enum")
            self._add_all("member", (value.name, value.value), place)
        elif isinstance(value, (torch.Tensor, np.ndarray)):
            self._add_array(value, place)
        elif isinstance(value, _CODE):
            self._add_code(value, place)
        elif (parts := _parts_of(value)) is not None:
            self._add_all(type(value).__name__, parts, place)
        elif isinstance(value, nn.Module):
            self.add_module(value, with_weights=True)
        elif type(value) is list or type(value) is tuple:
            self._add_all(type(value).__name__, value, place)
        elif type(value) is set or type(value) is frozenset:
            self._write(" ".join(["set", *sorted(self._apart(member, place) for member in value)]))
        elif type(value) is dict:
            self._add_all("dict", [part for pair in value.items() for part in pair], place)
        else:
            self._add_object(value, place)

    def add_module(self, module: nn.Module, *, with_weights: bool = False) -> None:
        """Add the parts of a network in order: name, class, settings, and buffers that are not in its state.

        Use `with_weights` for a network whose state is not hashed elsewhere; it adds the weights and all buffers.
        """
        for name, part in module.named_modules(remove_duplicate=False):
            if id(part) in self._seen and part is not module:
                self._write(f"part {name} again {self._seen[id(part)]}")
                continue
            self._seen.setdefault(id(part), len(self._seen))
            self._kept.append(part)
            self._add_name(type(part), f"part {name}")
            self._code_of(type(part).forward)  # has another origin if the method of the class was replaced
            for key, value in sorted(vars(part).items()):
                is_empty = isinstance(value, dict | set) and not value
                if key not in _APART and not (key.startswith("_") and is_empty):
                    self._write(key)
                    self.add(value, f"{type(part).__name__}.{key}")
            tensors = {**part._buffers, **part._parameters} if with_weights else part._buffers
            for key in sorted(tensors if with_weights else part._non_persistent_buffers_set):
                self.add(tensors.get(key), f"{type(part).__name__}.{key}")

    def _add_array(self, value: torch.Tensor | np.ndarray, place: str) -> None:
        self._write(f"array {value.dtype} {tuple(value.shape)}")
        if isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                self.add(value.tolist(), place)
            else:
                self._digest.update(value.tobytes())
        elif not value.is_meta:
            try:
                self._digest.update(tensor_bytes(place, value))
            except ModelError as error:
                raise ForeignCodeError(place) from error

    def _add_code(self, value: object, place: str) -> None:
        self._add_name(value, "code")
        if isinstance(value, FunctionType):
            cells = [_inside(cell) for cell in value.__closure__ or ()]
            self._add_all("closure", [cells, value.__defaults__, value.__kwdefaults__], place)
        elif isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, (ModuleType, type(None), type)):
            self.add(value.__self__, place)

    def _add_object(self, value: object, place: str) -> None:
        """Add the content that pickle would save of an object, without pickling it."""
        self._add_name(type(value), "of")
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        except Exception as error:  # the object's own code runs here
            raise ForeignCodeError(place) from error
        if isinstance(reduced, str):
            self._write(reduced)
            return
        function, arguments, *rest = reduced
        state, *iterators = [*rest, None, None, None][:3]
        members = [list(iterator) for iterator in iterators if iterator is not None]
        self._add_all("object", [function, arguments, state, members], place)

    def _add_name(self, code: object, kind: str) -> None:
        """Add the text that identifies code, and, on first sight, the values that the code holds."""
        self._write(f"{kind} {self._code_of(code)}")
        if id(code) in self._named:
            return
        self._named.add(id(code))
        self._kept.append(code)
        for place, value in self._held_by(code).items():
            self._write(place)
            self._add(value, place)

    def _add_all(self, kind: str, values: Iterable[object], place: str) -> None:
        members = list(values)
        self._kept.append(members)
        self._write(f"{kind} {len(members)}")
        for member in members:
            self._add(member, place)

    def _apart(self, value: object, place: str) -> str:
        """Return the hash of a single value, for collections without an order."""
        alone = Contents(self._code_of, self._held_by)
        alone.add(value, place)
        return alone.hexdigest()

    def _write(self, text: str) -> None:
        content = text.encode(errors="surrogatepass")
        self._digest.update(b"%d:" % len(content) + content)


def _parts_of(value: object) -> tuple[object, ...] | None:
    """Return the parts of a function wrapper or a descriptor, None for other objects."""
    if isinstance(value, (staticmethod, classmethod)):
        return (value.__func__,)
    if isinstance(value, property):
        return value.fget, value.fset, value.fdel
    if isinstance(value, functools.cached_property):
        return (value.func,)
    if isinstance(value, (MemberDescriptorType, GetSetDescriptorType)):
        return (value.__name__,)
    if isinstance(value, MethodType):
        return value.__self__, value.__func__
    if isinstance(value, functools.partial):
        return value.func, list(value.args), value.keywords
    return None


def _inside(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # the cell is empty
        return None

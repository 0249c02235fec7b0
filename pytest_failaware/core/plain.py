"""Convert dataclasses to plain data and back, by their type hints; in this form values are sent between processes."""

from __future__ import annotations

import base64
import dataclasses
import types
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.text import describe_error

Plain = Any
"""None, bool, int, float, str, lists and dicts of them, as JSON and execnet can carry. Any: nested to any depth."""

T = TypeVar("T")

_ATOMS: Final = (bool, int, float, str)
_SPELLED: Final = (Decimal, Fraction, Path)
"""Types that `str` converts to text without loss."""
_COLUMN: Final = "column"
"""The name of an array in the npz that carries it."""


class PlainError(FailAwareError):
    """Plain data do not fit the expected type. The message names the field."""


def to_plain(value: object) -> Plain:
    """Return plain data from which `from_plain` restores an equal value.

    Raises:
        PlainError: the value, or a part of it, has a type that cannot be converted.
    """
    if value is None or type(value) in _ATOMS:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, _SPELLED):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float):  # numpy's float64, which execnet does not know
        return float(value)
    if type(value).__name__ == "ndarray":
        return _array_to_plain(value)
    raise PlainError(f"a value of the type {type(value).__name__} cannot travel between processes")


def from_plain(kind: type[T], plain: Plain) -> T:
    """Return the value that `to_plain` converted.

    Raises:
        PlainError: a field is unknown, is missing or has a wrong value; the message names the field.
    """
    value: T = _read(kind, plain, kind.__name__)
    return value


def _read(hint: Any, plain: Plain, place: str) -> Any:  # Any: a type hint, and a value of that type
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _read(_member(arguments, plain, place), plain, place)
    if not _fits(hint, plain):
        raise PlainError(f"{place}: cannot hold {_shown(plain)}")
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _read_fields(hint, plain, place)
    if origin is tuple:
        items = _item_hints(arguments, len(plain), place)
        return tuple(
            _read(item, part, f"{place}[{n}]") for n, (item, part) in enumerate(zip(items, plain, strict=True))
        )
    if origin is Mapping:
        return {key: _read(arguments[1], part, f"{place}.{key}") for key, part in plain.items()}
    return plain if hint in (*_ATOMS, types.NoneType) else _parse(hint, plain, place)


def _read_fields(kind: type, plain: Mapping[str, Plain], place: str) -> Any:  # Any: of the dataclass `kind`
    hints = _hints(kind)
    if unknown := [name for name in plain if name not in hints]:
        raise PlainError(f"{place}: {kind.__name__} has no field {unknown[0]!r}")
    if missing := [name for name in hints if name not in plain]:
        raise PlainError(f"{place}: the field {missing[0]!r} of {kind.__name__} is missing")
    return kind(**{name: _read(hint, plain[name], f"{place}.{name}") for name, hint in hints.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:  # Any: type hints
    """Return the type of each field of a dataclass; numpy is imported only if a field needs it."""
    names: dict[str, Any] = {}  # Any: modules and types
    if any("NDArray" in str(field.type) for field in dataclasses.fields(kind)):
        import numpy as np
        from numpy.typing import NDArray

        names = {"np": np, "NDArray": NDArray}
    hints = get_type_hints(kind, localns=names)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _member(hints: tuple[Any, ...], plain: Plain, place: str) -> Any:  # Any: type hints
    """Return the type of a union that the plain data fit; the field names decide between several dataclasses."""
    fitting = [hint for hint in hints if _fits(hint, plain)]
    if len(fitting) > 1 and isinstance(plain, dict):
        fitting = [hint for hint in fitting if set(_hints(hint)) == set(plain)]
    if len(fitting) != 1:
        names = ", ".join(getattr(hint, "__name__", str(hint)) for hint in hints)
        raise PlainError(f"{place}: {_shown(plain)} fits {len(fitting)} of the types {names}")
    return fitting[0]


def _fits(hint: Any, plain: Plain) -> bool:  # Any: a type hint
    """Return whether plain data have the outer form of a type."""
    if hint in _ATOMS:
        return type(plain) is hint or (hint is float and type(plain) is int)
    if hint is types.NoneType:
        return plain is None
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return isinstance(plain, dict)
    form = {tuple: list, Mapping: dict}.get(get_origin(hint), str)
    return isinstance(plain, form)


def _item_hints(arguments: tuple[Any, ...], length: int, place: str) -> tuple[Any, ...]:  # Any: type hints
    """Return the type of each item of a tuple."""
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return (arguments[0],) * length
    if len(arguments) != length:
        raise PlainError(f"{place}: holds {length} values, not {len(arguments)}")
    return arguments


def _parse(hint: Any, text: str, place: str) -> Any:  # Any: a type hint, and a value of that type
    """Return a value from its text."""
    try:
        if get_origin(hint) is not None:
            return _array_from_plain(hint, text)
        if isinstance(hint, type) and issubclass(hint, (Enum, *_SPELLED)):
            return hint(text)
        if hint is bytes:
            return base64.b64decode(text, validate=True)
    except (ArithmeticError, LookupError, ValueError, FailAwareError) as error:
        raise PlainError(f"{place}: cannot hold {_shown(text)} ({describe_error(error)})") from error
    raise PlainError(f"{place}: the type {hint} cannot travel between processes")


def _array_to_plain(column: Any) -> str:  # Any: an array
    """Return an array as the base64 text of an npz, which keeps the type and the shape."""
    from pytest_failaware.core.npz import pack

    return base64.b64encode(pack({_COLUMN: column}, compressed=True)).decode("ascii")


def _array_from_plain(hint: Any, text: str) -> Any:  # Any: NDArray of a type, and an array
    """Return the array in an npz; refuse it if its dtype is not the one in the hint."""
    from pytest_failaware.core.npz import unpack

    column = unpack(base64.b64decode(text, validate=True))[_COLUMN]
    (scalar,) = get_args(get_args(hint)[1])
    if scalar is not Any and column.dtype != scalar:
        raise ValueError(f"the numbers are {column.dtype}")
    return column


def _shown(plain: Plain) -> str:
    text = repr(plain)
    return text if len(text) <= 60 else f"{text[:60]}…"

"""Read single values of foreign tables and data sets: recognise missing values, and convert values to text."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from numbers import Real
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

import numpy as np

from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.text import described

_EXACT: Final = 2**53
"""From this number on, a float cannot represent every whole number."""
_TEXTS: Final = (Real, Decimal, date, UUID, PurePath)
_NUMPY_KINDS: Final = "biufM"


class CellError(FailAwareError):
    """A value is neither text nor a number; the message says what it is, and the caller adds the place."""


def is_missing(value: object) -> bool:
    """Return whether a value is None, NaN, NaT, NA of pandas, or masked in numpy. Text is never missing."""
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)  # NaN and NaT are not equal to themselves
    pandas: Any = sys.modules.get("pandas")  # Any: a module; if it is not loaded, no value can be its NA
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def is_absent(value: object) -> bool:
    """Return whether a value is missing or an empty text, which is how a csv file writes a missing value."""
    return is_missing(value) or (isinstance(value, (str, bytes)) and not value)


def text_of(value: object) -> str:
    """Return one value as text; bytes are decoded as UTF-8.

    Raises:
        CellError: the value is bytes that are not UTF-8, or neither text nor a number.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise CellError(f"is {described(bytes(value))}, which is not UTF-8; write text") from error
    if isinstance(value, _TEXTS) or (isinstance(value, np.generic) and value.dtype.kind in _NUMPY_KINDS):
        return str(value)
    raise CellError(f"is {described(value)} ({type(value).__name__}); write text or a whole number")


def id_text_of(value: object) -> str:
    """Return an id as text; a float with a whole value is written as that whole number.

    Raises:
        CellError: as in `text_of`, or a float is not whole or is too large to be exact.
    """
    if not isinstance(value, (float, np.floating)):
        return text_of(value)
    if not value.is_integer() or abs(float(value)) >= _EXACT:
        raise CellError(f"is the float {value}; write text or a whole number")
    return str(int(value))


def class_texts(names: Iterable[object]) -> list[str]:
    """Return the names of classes as text; a tuple of synonyms, as in torchvision's ImageNet, becomes one name.

    Raises:
        CellError: a name is missing, or neither text nor a number.
    """
    texts = []
    for number, name in enumerate(names):
        parts = name if isinstance(name, tuple) else (name,)
        if any(map(is_absent, parts)):
            raise CellError(f"class {number} has no name; name every class")
        try:
            texts.append(", ".join(map(text_of, parts)))
        except CellError as error:
            raise CellError(f"the name of class {number} {error}") from error
    return texts


def look_alikes(names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Return the names that look like a different text among `others`, each with that text.

    macOS and some archives change the Unicode form (NFC or NFD) of a name, and a reader cannot see blanks at the ends
    and characters without width.
    """
    by_look = {_look(other): other for other in others}
    pairs = {name: by_look.get(_look(name), name) for name in names}
    return {name: other for name, other in pairs.items() if name != other}


def _look(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", name) if letter.isprintable()).strip()

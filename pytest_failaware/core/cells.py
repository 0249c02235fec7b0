"""Single values of other people's tables and data sets: whether they are missing, and what they are as text."""

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
"""From here on a float does not hold every whole number."""
_TEXTS: Final = (Real, Decimal, date, UUID, PurePath)
_NUMPY_KINDS: Final = "biufM"


class CellError(FailAwareError):
    """A value that is no text and no number; the text says what it is, and the caller adds the place."""


def is_missing(value: object) -> bool:
    """Whether there is no value: None, NaN, NaT, the NA of pandas, or a masked one of numpy. Text is never missing."""
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)  # NaN and NaT are not equal to themselves
    pandas: Any = sys.modules.get("pandas")  # Any: a module; unless it is loaded, no value is one of its own
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def is_absent(value: object) -> bool:
    """Whether a value is missing or an empty text, which is how a csv file writes a missing one."""
    return is_missing(value) or (isinstance(value, (str, bytes)) and not value)


def text_of(value: object) -> str:
    """Return the text of one value; bytes are UTF-8.

    Raises:
        CellError: the value is bytes that are no UTF-8, or neither text nor a number.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise CellError(f"is {described(bytes(value))}, which is no UTF-8; write text") from error
    if isinstance(value, _TEXTS) or (isinstance(value, np.generic) and value.dtype.kind in _NUMPY_KINDS):
        return str(value)
    raise CellError(f"is {described(value)} ({type(value).__name__}); write text or a whole number")


def id_text_of(value: object) -> str:
    """Return the text of an identity; a float of whole value is that whole number.

    Raises:
        CellError: as `text_of`, or a float is not whole or too large to be exact.
    """
    if not isinstance(value, (float, np.floating)):
        return text_of(value)
    if not value.is_integer() or abs(float(value)) >= _EXACT:
        raise CellError(f"is the float {value}; write text or a whole number")
    return str(int(value))


def class_texts(names: Iterable[object]) -> list[str]:
    """Return the names of classes as text; a tuple of synonyms, as torchvision's ImageNet has them, is one name.

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
    """Return the names that look like another text among the others, each with that one.

    macOS and some archives change the Unicode form (NFC or NFD) of a name; blanks and marks without width are not seen.
    """
    by_look = {_look(other): other for other in others}
    pairs = {name: by_look.get(_look(name), name) for name in names}
    return {name: other for name, other in pairs.items() if name != other}


def _look(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", name) if letter.isprintable()).strip()

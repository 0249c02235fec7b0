"""Columns and archives of stored samples that hold what they must not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from five import records_of, with_columns

from pytest_failaware.core.records import Records


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Records:
    """The five samples with another column."""
    return with_columns(records_of(), **{name: change(getattr(records_of(), name))})


def at(place: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    """A column with another value in one place."""

    def change(column: np.ndarray) -> np.ndarray:
        copy = column.copy()
        copy[place] = value
        return copy

    return change


def encrypted(content: bytes) -> bytes:
    """The same archive, each member of which says that it is encrypted."""
    flagged = bytearray(content)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = flagged.find(signature)
        while start >= 0:
            flagged[start + place] |= 1
            start = flagged.find(signature, start + 1)
    return bytes(flagged)


def huge(content: bytes) -> bytes:
    """The same archive, the list of which says that its last member unpacks to 2 GiB."""
    flagged = bytearray(content)
    place = flagged.rfind(b"PK\x01\x02") + 24
    flagged[place : place + 4] = (2**31).to_bytes(4, "little")
    return bytes(flagged)

"""Stored samples with wrong columns, and damaged archives of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from five import records_of, with_columns

from pytest_failaware.core.records import Records


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Records:
    """Return the five samples with one column changed."""
    return with_columns(records_of(), **{name: change(getattr(records_of(), name))})


def at(place: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a change that puts another value in one place of a column."""

    def change(column: np.ndarray) -> np.ndarray:
        copy = column.copy()
        copy[place] = value
        return copy

    return change


def encrypted(content: bytes) -> bytes:
    """Return the archive with every member marked as encrypted."""
    flagged = bytearray(content)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = flagged.find(signature)
        while start >= 0:
            flagged[start + place] |= 1
            start = flagged.find(signature, start + 1)
    return bytes(flagged)


def huge(content: bytes) -> bytes:
    """Return the archive with a list that says that its last member has 2 GiB."""
    flagged = bytearray(content)
    place = flagged.rfind(b"PK\x01\x02") + 24
    flagged[place : place + 4] = (2**31).to_bytes(4, "little")
    return bytes(flagged)

"""The files of the cache: columns with a hash over all of them, so that a damaged file is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.npz import ColumnsError, pack, unpack

_SEAL: Final = "sha256"


def seal(columns: Mapping[str, NDArray[Any]]) -> bytes:  # Any: of every type
    """Return the content of a file with these columns."""
    return pack({**columns, _SEAL: _digest(columns)})


def unseal(content: bytes) -> dict[str, NDArray[Any]]:  # Any: of every type
    """Return the columns that `seal` wrote.

    Raises:
        ColumnsError: the content is damaged.
    """
    columns = unpack(content)
    digest = columns.pop(_SEAL, None)
    if digest is None or not np.array_equal(digest, _digest(columns)):
        raise ColumnsError("its hash does not fit")
    return columns


def _digest(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:  # Any: of every type
    """Return a hash over the columns with their types and shapes, (32,) uint8."""
    digest = hashlib.sha256()
    for name, column in sorted(columns.items()):
        digest.update(f"{name} {column.dtype.str} {column.shape}".encode() + column.tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)

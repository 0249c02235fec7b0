"""Make room for decoded images: in memory, or in a file if they are too many."""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.errors import DataError

_HAS_NAMELESS_FILES: Final = os.name == "posix"
_Mapped = tuple[NDArray[np.uint8], tempfile.TemporaryDirectory[str] | None]


def room_for(shape: tuple[int, ...], budget_bytes: int) -> _Mapped:
    """Return an array in memory if it fits the budget, else a memory map of a file; on Windows also the file's folder.

    On other systems the file has no name, so that nothing stays behind even if a signal ends the process.

    Raises:
        DataError: the disk has no room.
    """
    needed = math.prod(shape)
    if needed <= budget_bytes:
        return np.empty(shape, dtype=np.uint8), None
    try:
        return _nameless(shape) if _HAS_NAMELESS_FILES else _named(shape)
    except OSError as error:
        place = tempfile.gettempdir()
        raise DataError(
            f"the decoded images need {needed / 1e9:.1f} GB, {place} has {shutil.disk_usage(place).free / 1e9:.1f} GB "
            f"free ({error.strerror}); set TMPDIR to a folder on a larger disk, or give a smaller resize= in "
            "--failaware-preprocess"
        ) from error


def _nameless(shape: tuple[int, ...]) -> _Mapped:
    with tempfile.TemporaryFile(prefix="failaware-") as file:
        return _mapped(file, shape), None


def _named(shape: tuple[int, ...]) -> _Mapped:
    """Return a map of a file in a folder, since Windows keeps the name of a file that is in use."""
    folder = tempfile.TemporaryDirectory(prefix="failaware-", ignore_cleanup_errors=True)
    try:
        with (Path(folder.name) / "images").open("w+b") as file:
            return _mapped(file, shape), folder
    except OSError:
        folder.cleanup()
        raise


def _mapped(file: IO[bytes], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a map of the file after reserving disk space: on a full disk a memory map ends the process by a signal.

    If the system can reserve it (Linux), no other process can take the space while images are decoded.

    Raises:
        OSError: there is no room.
    """
    size = math.prod(shape)
    if shutil.disk_usage(tempfile.gettempdir()).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)
    return np.memmap(file, dtype=np.uint8, mode="r+", shape=shape)

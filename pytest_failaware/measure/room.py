"""Room for decoded images: memory, or a file for those that are too many for it."""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.errors import DataError


def room_for(
    shape: tuple[int, ...], budget_bytes: int
) -> tuple[NDArray[np.uint8], tempfile.TemporaryDirectory[str] | None]:
    """Memory within the budget, else a memory map of a file in the folder that comes with it.

    Raises:
        DataError: the disk has no room.
    """
    needed = math.prod(shape)
    if needed <= budget_bytes:
        return np.empty(shape, dtype=np.uint8), None
    folder = tempfile.TemporaryDirectory(prefix="failaware-", ignore_cleanup_errors=True)
    path = Path(folder.name) / "images"
    try:
        _reserve(path, needed)
    except OSError as error:
        free = shutil.disk_usage(folder.name).free
        folder.cleanup()
        raise DataError(
            f"the decoded images need {needed / 1e9:.1f} GB, {tempfile.gettempdir()} has {free / 1e9:.1f} GB free "
            f"({error.strerror}); set TMPDIR to a folder on a larger disk, or give a smaller resize= in "
            "--failaware-preprocess"
        ) from error
    return np.memmap(path, dtype=np.uint8, mode="r+", shape=shape), folder


def _reserve(path: Path, size: int) -> None:
    """A file of `size` bytes that the disk has room for: on a full one a memory map would end the process by a signal.

    Where the system can reserve it (Linux), no other process can take the room while images are decoded.

    Raises:
        OSError: there is no room.
    """
    if shutil.disk_usage(path.parent).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)

"""Limits on the memory that a file may need, checked before anything is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from pytest_failaware.core.errors import FailAwareError

IMAGE_PIXELS: Final = 64_000_000  # width times height
UNPACKED_BYTES: Final = 1 << 30  # the sum over all members of one archive or npz
ARCHIVE_DEPTH: Final = 3  # archives in archives


def check_unpacked(
    archive: zipfile.ZipFile,
    place: Path | str,
    error: type[FailAwareError],
    *,
    remedy: str = "split the file, or check where it comes from",
) -> None:
    """Refuse an archive or npz that would unpack to more than 1 GiB.

    The sizes come from the archive's directory. zipfile never reads more of a member than the directory states, so a
    wrong size there costs no memory.

    Args:
        archive: the open archive.
        place: the name of the file for the error message.
        error: the class of the error.
        remedy: the end of the error message.

    Raises:
        FailAwareError: the members together are too large; the class is `error`.
    """
    size = sum(member.file_size for member in archive.infolist())
    if size > UNPACKED_BYTES:
        raise error(f"{place}: unpacks to {size:,} bytes, the limit is {UNPACKED_BYTES:,}; {remedy}")

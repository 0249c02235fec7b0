"""How much memory a file may ask for: limits that hold before anything is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from pytest_failaware.core.errors import FailAwareError

IMAGE_PIXELS: Final = 64_000_000  # width times height
UNPACKED_BYTES: Final = 1 << 30  # of all members of one archive or npz together
ARCHIVE_DEPTH: Final = 3  # archives in archives


def check_unpacked(
    archive: zipfile.ZipFile,
    place: Path | str,
    error: type[FailAwareError],
    *,
    remedy: str = "split the file, or check where it comes from",
) -> None:
    """Refuse an archive or npz that would unpack to more than 1 GiB.

    The sizes come from the archive's own list. zipfile reads no more of a member than is stated there, so that a list
    that lies costs no memory.

    Args:
        archive: the open archive.
        place: names the file in the error.
        error: the class of the error.
        remedy: ends the error.

    Raises:
        FailAwareError: of the class `error`, if the members are too large together.
    """
    size = sum(member.file_size for member in archive.infolist())
    if size > UNPACKED_BYTES:
        raise error(f"{place}: unpacks to {size:,} bytes, the limit is {UNPACKED_BYTES:,}; {remedy}")

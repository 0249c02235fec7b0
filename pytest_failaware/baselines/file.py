"""The files of baselines: their names, and reading them from the folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # on Windows, in any folder
_LARGEST: Final = 5_000_000  # bytes


def baseline_path(directory: Path, name: str) -> Path:
    """Return the path of a baseline's file.

    Raises:
        BaselineError: the name cannot be the name of a file.
    """
    if not _NAME.fullmatch(name) or name.endswith(".yaml"):
        raise BaselineError(
            f"baseline name {name!r}: give the name alone, up to 80 letters, digits, '.', '_' and '-', without a "
            "leading dot or the ending .yaml"
        )
    if _DEVICE.fullmatch(name) or name.endswith("."):
        raise BaselineError(f"baseline name {name!r}: Windows allows no file or folder of this name; choose another")
    return directory / f"{name}.yaml"


def baseline_names(directory: Path) -> tuple[str, ...]:
    """Return the names of the stored baselines."""
    return tuple(sorted(path.stem for path in directory.glob("*.yaml")))


def read_baseline(directory: Path, name: str) -> Baseline | None:
    """Return the stored baseline; None if there is no such file.

    Raises:
        BaselineError: the file is invalid; the error names the file, the line and the fault.
    """
    path = baseline_path(directory, name)
    if not path.exists():
        return None
    return parse_baseline(read_text(path), str(path), name)


def read_text(path: Path) -> str:
    """Return the text of a baseline's file.

    Raises:
        BaselineError: the file cannot be read, is too large for a baseline, or is a Git LFS pointer.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        text = content.decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(f"{path}: cannot be read ({error}); restore the file from version control") from error
    if len(content) > _LARGEST:
        raise BaselineError(f"{path}: larger than any baseline ({_LARGEST:,} bytes); restore it from version control")
    if is_lfs_pointer(content):
        raise BaselineError(f"{path}: is a Git LFS pointer; {LFS_REMEDY}")
    return text

"""Read the zip archives of torch, and check that Python's reader and torch's reader see the same archive."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import torch

from pytest_failaware.core.budgets import check_unpacked
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.text import describe_error, one_line

RESAVE: Final = "torch.save(model.state_dict(), ...)"
Members = list[tuple[str, int]]
"""The name and the unpacked size in bytes of each member of an archive."""

_ORIGIN: Final = f"torch does not write such archives, so do not trust its origin; write one with {RESAVE}"


def sizes_by_python(path: Path) -> Members:
    """Return the name and the unpacked size in bytes of each member, as the zipfile module reads the archive.

    Raises:
        ModelError: the archive is damaged, would unpack to more than the budget, or has a name that leads out of the
            archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [(member.filename, member.file_size) for member in archive.infolist()]
            if sum(size for _, size in sizes) > path.stat().st_size:  # weights are stored, not compressed
                check_unpacked(archive, path, ModelError)
    except ModelError:
        raise
    except Exception as error:  # a damaged file raises errors of any kind
        raise damaged(path, error) from error
    outside = [name for name, _ in sizes if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/")]
    if outside:
        raise ModelError(f"{path}: names that lead out of the archive: {one_line(', '.join(outside[:3]))}; {_ORIGIN}")
    return sizes


def sizes_by_torch(path: Path) -> Members:
    """Return the same as torch's reader sees it, without the folder that all members of its archives lie in.

    Raises:
        ModelError: torch cannot read the archive.
    """
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        # torch 2.10 has only the content to ask for its size
        size = getattr(reader, "get_record_size", lambda name: len(reader.get_record(name)))
        return [(name, size(name)) for name in reader.get_all_records()]
    except Exception as error:  # as above
        raise damaged(path, error) from error


def refuse_two_archives(path: Path, by_python: Members, by_torch: Members) -> None:
    """Refuse a file in which the two readers see different archives, or one that has a name twice.

    Raises:
        ModelError: it is such a file.
    """
    inner = sorted((name.partition("/")[2], size) for name, size in by_python)
    if inner != sorted(by_torch) or len(dict(inner)) < len(inner):
        raise ModelError(f"{path}: two readers of zip archives see different content in it; {_ORIGIN}")


def data_pickle(path: Path, limit: int) -> bytes:
    """Return the pickle that names the weights in an archive, as torch reads it.

    Raises:
        ModelError: torch cannot read it, or it is longer than the limit in bytes.
    """
    size = dict(sizes_by_torch(path)).get("data.pkl", 0)
    if size > limit:
        raise ModelError(f"{path}: its pickle has {size:,} bytes, the limit is {limit:,}; write one with {RESAVE}")
    try:
        content: bytes = torch._C.PyTorchFileReader(str(path)).get_record("data.pkl")
    except Exception as error:  # as above
        raise damaged(path, error) from error
    return content


def damaged(path: Path, error: BaseException) -> ModelError:
    """Return the error for a file that cannot be read to its end."""
    finding = f"cut short, damaged or no checkpoint ({describe_error(error)})"
    return ModelError(f"{path}: {finding}; copy it again or write one with {RESAVE}")

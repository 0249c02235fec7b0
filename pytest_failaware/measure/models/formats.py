"""Recognise the format of a model file by its content; the suffix is ignored."""

from __future__ import annotations

import difflib
from enum import Enum
from pathlib import Path
from typing import Final

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.models.archives import (
    RESAVE,
    Members,
    refuse_two_archives,
    sizes_by_python,
    sizes_by_torch,
)
from pytest_failaware.measure.models.parts import address_finding, folder_finding, refuse_part

_SAFETENSORS_HEADER_LIMIT: Final = 100_000_000  # bytes; the format's own limit
_ONNX: Final = b"\x08"  # the tag of the first field of the message, its version; every exporter writes it first


class Format(Enum):
    """The formats of a model file; the value is the name in messages."""

    TORCH_ZIP = "a file of torch.save"
    TORCH_PICKLE = "a file of torch.save before torch 1.6"
    SAFETENSORS = "safetensors"
    TORCHSCRIPT = "a TorchScript archive"
    EXPORTED = "a program of torch.export"
    ONNX = "an ONNX program"


def recognise(path: Path) -> Format:
    """Return the format of a file; nothing in it is loaded.

    Raises:
        ModelError: the file is absent, unreadable, a part of a model, or of no known format.
    """
    head = _head(path)
    if not is_lfs_pointer(head):
        refuse_part(path)
    if head.startswith(b"PK\x03\x04"):
        return _archive(path)
    # Checked before pickles: a header of 128 bytes begins with the first byte of a pickle.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _SAFETENSORS_HEADER_LIMIT:
        return Format.SAFETENSORS
    if head.startswith(b"\x80"):
        return Format.TORCH_PICKLE
    if head.startswith(_ONNX):
        return Format.ONNX
    raise ModelError(_foreign(path, head))


def read_bytes(path: Path) -> bytes:
    """Read the bytes of a file once, so that the checked bytes are the loaded ones.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({describe_error(error)}); check its permissions") from error


def _archive(path: Path) -> Format:
    """Return the format of a zip archive."""
    by_python = sizes_by_python(path)
    names = [name for name, _ in by_python]
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner:
        return Format.TORCHSCRIPT
    if "archive_format" in inner or "models/model.json" in inner or "serialized_exported_program.json" in names:
        return Format.EXPORTED
    if "data.pkl" in inner:
        return _of_torch_save(path, by_python)
    raise ModelError(f"{path}: a zip archive that torch.save did not write; write one with {RESAVE}")


def _of_torch_save(path: Path, by_python: Members) -> Format:
    """Return the format of an archive of torch.save; torch's reader is asked too, since it may see another archive."""
    by_torch = sizes_by_torch(path)
    if "constants.pkl" in dict(by_torch):
        return Format.TORCHSCRIPT
    refuse_two_archives(path, by_python, by_torch)
    return Format.TORCH_ZIP


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise ModelError(f"{path}: {folder_finding(path)}")
    try:
        with path.open("rb") as file:
            return file.read(512)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file; {address_finding(path) or _nearby(path)}") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({describe_error(error)}); check its permissions") from error


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    close = difflib.get_close_matches(path.name, sorted(file.name for file in path.parent.iterdir()), n=3)
    return f"did you mean {' or '.join(close)}?" if close else "give the path of a checkpoint"


def _foreign(path: Path, head: bytes) -> str:
    if not head:
        return f"{path}: the file is empty; copy or download it again"
    if is_lfs_pointer(head):
        return f"{path}: a Git LFS pointer, not the checkpoint itself; {LFS_REMEDY}"
    return f"{path}: not a torch or safetensors checkpoint, it begins with {head[:20]!r}; write one with {RESAVE}"

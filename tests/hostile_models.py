"""Harmful model files: TorchScript that writes files, zip archives with two contents, ONNX with hidden weights."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn

# ---- TorchScript ---------------------------------------------------------------------------------------------------

BODIES: Final[Mapping[str, str]] = {
    "save": '    torch.save(images, "{}")',
    "save with blanks": '    torch . save (images, "{}")',
    "operator": '    ops.aten.save(images, "{}")',
    "joined literals": '    getattr(torch, "sa" "ve")(images, "{}")',
    "joined literals on two lines": '    getattr(torch, "sa"\n      "ve")(images, "{}")',
    "joined literals of other quotes": '    getattr(torch, """sa""" \'ve\')(images, "{}")',
    "octal escape": '    getattr(torch, "\\163ave")(images, "{}")',
    "octal escapes alone": '    getattr(torch, "\\163\\141\\166\\145")(images, "{}")',
    "operator, joined": '    getattr(ops.aten, "sa" "ve")(images, "{}")',
    "namespace, joined": '    getattr(getattr(ops, "at" "en"), "sa" "ve")(images, "{}")',
    "from_file": '    images = torch.add(images, torch.sum(torch.from_file("{}", True, 16)))',
    "from_file, joined": '    images = torch.add(images, torch.sum(getattr(torch, "from" "_file")("{}", True, 16)))',
}
"""Ways in which the code of TorchScript writes a file; `{}` stands for its path."""


class Plain(nn.Module):
    """A model whose logits are the first three pixels."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits, (N, 3)."""
        return images.flatten(1)[:, :3]


class Restored(Plain):
    """The same model with a method that runs when the file is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 1

    @torch.jit.export
    def __getstate__(self) -> int:
        return self.number

    @torch.jit.export
    def __setstate__(self, state: int) -> None:
        self.number = state
        self.training = False


def script(body: str) -> dict[str, bytes]:
    """Return the members of a TorchScript archive that runs lines of code each time that it answers."""
    return _rewritten(Plain(), "images: Tensor) -> Tensor:\n", body)


def script_on_load(body: str) -> dict[str, bytes]:
    """Return the members of a TorchScript archive that runs lines of code when it is loaded, without an image."""
    return _rewritten(Restored(), "state: int) -> NoneType:\n", "    images = torch.zeros([1])\n" + body)


def python_start_line(path: Path, made: Path) -> str:
    """Return code that writes the exact bytes of a .pth file, whose lines Python runs when it starts."""
    line = f"import pathlib; pathlib.Path({str(made)!r}).touch()\n".encode()
    return (
        f'    _0 = torch.from_file("{path}", True, {len(line)}, dtype=0)\n'
        f"    images = torch.add(images, torch.sum(torch.copy_(_0, torch.tensor({list(line)}))))"
    )


def _rewritten(module: nn.Module, after: str, body: str) -> dict[str, bytes]:
    whole = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript
        torch.jit.save(torch.jit.script(module), whole)  # type: ignore[no-untyped-call]  # torch's own
    with zipfile.ZipFile(whole) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    code = next(name for name in members if name.endswith(".py"))
    assert after.encode() in members[code]
    members[code] = members[code].replace(after.encode(), f"{after}{body}\n".encode())
    return members


# ---- zip archives --------------------------------------------------------------------------------------------------

_END: Final = struct.Struct("<4s4H2LH")
_ENTRY: Final = struct.Struct("<28x3H8xL")  # of the central directory: lengths of name, extra field, comment; offset


def weights() -> dict[str, bytes]:
    """Return the members of a small file of torch.save."""
    whole = io.BytesIO()
    torch.save({"weight": torch.ones(3, 4)}, whole)
    with zipfile.ZipFile(whole) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Mapping[str, bytes], padding: int = 0) -> bytes:
    """Return a zip archive of these members, whose central directory is longer by `padding` bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.infolist()[-1].comment = b" " * padding
    return whole.getvalue()


def two_archives(for_torch: Mapping[str, bytes], for_python: Mapping[str, bytes]) -> bytes:
    """Return a file in which torch's reader finds the first members and Python's reader the second ones.

    Both find the central directory by the end record: torch by its offset, Python backwards by its length.
    """
    sizes = [_END.unpack(zipped(members)[-_END.size :])[5] for members in (for_torch, for_python)]
    first = zipped(for_torch, padding=max(sizes) - sizes[0])
    second = zipped(for_python, padding=max(sizes) - sizes[1])
    _, _, _, _, count, length, first_at, _ = _END.unpack(first[-_END.size :])
    second_at = _END.unpack(second[-_END.size :])[6]
    moved = len(first) + second_at - first_at  # what Python adds to each offset
    directory = _shifted(second[second_at : -_END.size], len(first) - moved)
    end = _END.pack(b"PK\5\6", 0, 0, count, count, length, first_at, 0)
    return first + second[:second_at] + directory + end


def _shifted(directory: bytes, by: int) -> bytes:
    """Return a central directory with other offsets."""
    changed, at = bytearray(directory), 0
    while at < len(directory):
        name, extra, comment, offset = _ENTRY.unpack_from(directory, at)
        struct.pack_into("<L", changed, at + 42, offset + by)
        at += 46 + name + extra + comment
    return bytes(changed)


# ---- ONNX ----------------------------------------------------------------------------------------------------------

WEIGHT: Final = np.arange(192, dtype=np.float32).reshape(64, 3) / 192
_TEXT, _FIXED32 = 2, 5  # protobuf's ways to write a value; numbers are 0


def field(number: int, value: bytes | int, high_bits: int = 0) -> bytes:
    """Return one field of a protobuf message; protobuf ignores the bits above the 32nd of its tag."""
    way = 0 if isinstance(value, int) else _TEXT
    tag = _varint(number << 3 | way | high_bits << 32)
    return tag + (_varint(value) if isinstance(value, int) else _varint(len(value)) + value)


def _varint(value: int) -> bytes:
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


SPELLINGS: Final = (
    "plain",
    "key again as a number",
    "key again as four bytes",
    "key before as a number",
    "data field with a high bit",
    "data field with three high bits",
    "tensor field with a high bit",
    "graph again with a high bit",
)
"""Ways to write the place of a tensor's data."""


def onnx_bytes(location: str, spelling: str = "plain") -> bytes:
    """Return a linear ONNX classifier of 3 classes on 1 x 8 x 8 images, whose weights are in another file."""
    high = {"one": 1, "three": 7}["three" if "three" in spelling else "one"]
    entry = _entry("location", location, spelling)
    data = field(13, entry, high if spelling.startswith("data") else 0)
    tensor = field(1, 64) + field(1, 3) + field(2, 1) + field(8, b"weight") + data + field(14, 1)
    flat = field(1, b"images") + field(2, b"flat") + field(4, b"Flatten")
    product = field(1, b"flat") + field(1, b"weight") + field(2, b"logits") + field(4, b"MatMul")
    graph = field(1, flat) + field(1, product) + field(2, b"linear")
    graph += field(5, tensor, high if spelling.startswith("tensor") else 0)
    graph += field(11, _value("images", (None, 1, 8, 8))) + field(12, _value("logits", (None, 3)))
    opset = field(8, field(1, b"") + field(2, 17))
    if spelling.startswith("graph"):  # protobuf puts both together
        half = field(2, b"linear")
        return field(1, 8) + field(7, half) + field(7, graph, high) + opset
    return field(1, 8) + field(7, graph) + opset


def _entry(key: str, value: str, spelling: str) -> bytes:
    number = _varint(1 << 3 | 0) + _varint(1)
    four_bytes = _varint(1 << 3 | _FIXED32) + bytes(4)
    plain = field(1, key.encode()) + field(2, value.encode())
    return {
        "key again as a number": plain + number,
        "key again as four bytes": plain + four_bytes,
        "key before as a number": number + plain,
    }.get(spelling, plain)


def _value(name: str, shape: tuple[int | None, ...]) -> bytes:
    """Return the description of an input or an output: float32 of a shape, with None for the batch."""
    sizes = b"".join(field(1, field(2, b"batch") if size is None else field(1, size)) for size in shape)
    return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, sizes)))

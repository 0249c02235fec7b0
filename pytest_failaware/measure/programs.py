"""Models that are programs rather than weights: TorchScript, torch.export and ONNX, each as one opaque module."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import nn

from pytest_failaware.measure.formats import Format, damaged, entries, read_bytes
from pytest_failaware.measure.onnx_program import open_onnx
from pytest_failaware.measure.trust import refusal, refuse_old_torch, trusted_bytes, trusted_only
from pytest_failaware.schema import Loading
from pytest_failaware.text import one_line

Compute = Callable[[torch.Tensor], torch.Tensor]
"""Inputs (B, C, H, W) on the model's device -> logits (B, K)."""

_NAMESPACES: Final = ("aten", "prim", "prims", "quantized", "torchvision")
_FOREIGN_CLASS: Final = re.compile(rb"\.\s*classes\s*\.(?!quantized\b)\s*\w*")
# Behind a dot it is the name of a module, as in torchvision.ops.misc.
_FOREIGN: Final = re.compile(rb"(?<![\w.])ops\b(?!\.(?:%s)\.)[\s.]*\w*" % "|".join(_NAMESPACES).encode())
_CODE_LIMIT: Final = 64_000_000  # bytes of one part of the code; real ones take kilobytes
_FILE_OPERATORS: Final = re.compile(rb"\b(?:save|from_file)\b")


class Program(nn.Module):
    """What a program computes, without parameters or parts that could be seen, folded or written to."""

    def __init__(self, compute: Compute) -> None:
        super().__init__()
        self._compute = (compute,)  # in a tuple, since a module would become a part of this one

    @property
    def inner(self) -> nn.Module | None:
        """The module that computes, to see whether it writes to itself; None where another runtime computes."""
        return self._compute[0] if isinstance(self._compute[0], nn.Module) else None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (B, K)."""
        return self._compute[0](images)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProgram:
    """A program with the SHA-256 of its file, the runtime with its version, and a line for the summary."""

    module: Program
    sha256: str
    runtime: str
    note: str


def load_program(path: Path, form: Format, device: torch.device, loading: Loading) -> LoadedProgram:
    """The program in a file, ready to compute on the device.

    Raises:
        ModelError: it cannot be loaded, or can do more than compute and is not trusted.
    """
    if form is Format.ONNX:
        return _onnx(path)
    if form is Format.TORCHSCRIPT:
        content, load = _torchscript_bytes(path, loading), _torchscript
        note = "a TorchScript program: torch no longer develops this form"
    else:
        content, load = trusted_only(path, form.value, loading), _exported
        note = "a program of torch.export, which --failaware-trust-model lets run"
    with warnings.catch_warnings():  # torch deprecates TorchScript
        warnings.simplefilter("ignore")
        try:
            compute = load(content, device)
        except Exception as error:  # a damaged file raises whatever its bytes provoke
            raise damaged(path, error) from error
    return LoadedProgram(
        module=Program(compute), sha256=hashlib.sha256(content).hexdigest(), runtime=f"torch {form.name}", note=note
    )


def _onnx(path: Path) -> LoadedProgram:
    compute, sha256, version = open_onnx(path)
    note = "an ONNX program: it computes by onnxruntime on the CPU"
    return LoadedProgram(module=Program(compute), sha256=sha256, runtime=f"onnxruntime {version}", note=note)


def _torchscript_bytes(path: Path, loading: Loading) -> bytes:
    """The archive, once its code is known to do nothing but compute: TorchScript has operators that write files."""
    trusted = trusted_bytes(path, loading)
    if trusted is not None:
        return trusted
    content = read_bytes(path)
    found = _operators(path, content)
    if found:
        finding = "a TorchScript program with operators that do more than compute"
        raise refusal(path, finding, found, loading, "export the model without them")
    refuse_old_torch(path, loading)
    return content


def _operators(path: Path, content: bytes) -> set[str]:
    """Operators for files and those of other libraries, by the text of the archive's code."""
    entries(path, content)
    found: set[str] = set()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():  # not by name, of which an archive may have two alike
                if not entry.filename.lower().endswith((".py", ".pkl")):
                    continue
                if entry.file_size > _CODE_LIMIT:
                    found.add(f"{entry.filename} of {entry.file_size:,} bytes")
                else:
                    found |= _suspicious(archive.read(entry), entry.filename)
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise damaged(path, error) from error
    return found


def _suspicious(code: bytes, name: str) -> set[str]:
    patterns = (_FOREIGN_CLASS, _FOREIGN, _FILE_OPERATORS) if name.lower().endswith(".py") else (_FOREIGN_CLASS,)
    return {one_line(word.decode(errors="replace")) for pattern in patterns for word in pattern.findall(code)}


def _torchscript(content: bytes, device: torch.device) -> Compute:
    module = torch.jit.load(io.BytesIO(content), map_location=device)  # type: ignore[no-untyped-call]  # torch's own
    compute: Compute = module.eval()
    return compute


def _exported(content: bytes, device: torch.device) -> Compute:
    from torch.export.passes import move_to_device_pass

    program = torch.export.load(io.BytesIO(content))
    compute: Compute = move_to_device_pass(program, device).module()
    return compute

"""Load models that are programs, not weights: TorchScript, torch.export and ONNX, each as an opaque module."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import nn

from pytest_failaware.core.request import Loading
from pytest_failaware.measure.models.archives import damaged
from pytest_failaware.measure.models.formats import Format
from pytest_failaware.measure.models.onnx_program import open_onnx
from pytest_failaware.measure.models.trust import trusted_only

Compute = Callable[[torch.Tensor], torch.Tensor]
"""Inputs (B, C, H, W) on the model's device -> logits (B, K)."""

_NOTES: Final = {
    Format.TORCHSCRIPT: "a program of TorchScript, which torch no longer develops; --failaware-trust-model lets it run",
    Format.EXPORTED: "a program of torch.export; --failaware-trust-model lets it run",
}


class Program(nn.Module):
    """A program as a module without visible parameters or parts, so that nothing can fold or change them."""

    def __init__(self, compute: Compute) -> None:
        super().__init__()
        self._compute = (compute,)  # in a tuple, since a module would become a submodule

    @property
    def inner(self) -> nn.Module | None:
        """The module that computes, to notice writes to its state; None if another runtime computes."""
        return self._compute[0] if isinstance(self._compute[0], nn.Module) else None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, (B, K)."""
        return self._compute[0](images)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProgram:
    """A program with the SHA-256 of its file, the runtime with its version, and a line for the summary."""

    module: Program
    sha256: str
    runtime: str
    note: str


def load_program(path: Path, form: Format, device: torch.device, loading: Loading) -> LoadedProgram:
    """Load the program in a file, ready to compute on the device.

    Raises:
        ModelError: the file cannot be loaded, or it can run any code and is not trusted.
    """
    if form is Format.ONNX:
        return _onnx(path)
    content = trusted_only(path, form.value, loading)
    load = _torchscript if form is Format.TORCHSCRIPT else _exported
    with warnings.catch_warnings():  # torch deprecates TorchScript
        warnings.simplefilter("ignore")
        try:
            compute = load(content, device)
        except Exception as error:  # a damaged file raises errors of any kind
            raise damaged(path, error) from error
    return LoadedProgram(
        module=Program(compute),
        sha256=hashlib.sha256(content).hexdigest(),
        runtime=f"torch {form.name}",
        note=_NOTES[form],
    )


def _onnx(path: Path) -> LoadedProgram:
    compute, sha256, version = open_onnx(path)
    note = "an ONNX program: onnxruntime computes it on the CPU"
    return LoadedProgram(module=Program(compute), sha256=sha256, runtime=f"onnxruntime {version}", note=note)


def _torchscript(content: bytes, device: torch.device) -> Compute:
    module = torch.jit.load(io.BytesIO(content), map_location=device)  # type: ignore[no-untyped-call]  # torch's own
    compute: Compute = module.eval()
    return compute


def _exported(content: bytes, device: torch.device) -> Compute:
    from torch.export.passes import move_to_device_pass

    program = torch.export.load(io.BytesIO(content))
    compute: Compute = move_to_device_pass(program, device).module()
    return compute

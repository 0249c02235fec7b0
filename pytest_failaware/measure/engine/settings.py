"""Set the switches of torch that change numbers: precision, threads, determinism."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import numpy as np
import torch
from torch import backends

from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import Precision

_CUDA: Final = (*(getattr(backends.cudnn, name) for name in ("conv", "rnn")), backends.cuda.matmul)


_CPU: Final = tuple(getattr(backends.mkldnn, name) for name in ("conv", "rnn", "matmul"))


_EXACT: Final = ("none", "ieee")  # torch's names of IEEE float32; its default for convolutions on CUDA is tf32


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse a precision that the device does not have.

    Raises:
        ConfigError: the precision is TF32, and the device is not CUDA.
    """
    if precision is Precision.TF32 and device.type != "cuda":
        raise ConfigError(
            f"--failaware-precision=tf32: only CUDA has TF32, and the model runs on {device.type}; leave it out, or "
            "give --failaware-device=cuda"
        )


@contextmanager
def plain_types() -> Iterator[None]:
    """Make float32 the default type of torch, and let numpy warn as it does by default, within the block.

    The process may have set another type by `torch.set_default_dtype`, or errors by `numpy.seterr`.
    """
    former = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with np.errstate(all="warn", under="ignore"):
            yield
    finally:
        torch.set_default_dtype(former)


@contextmanager
def building() -> Iterator[None]:
    """Build networks within the block with the defaults of a fresh process: float32, on the CPU."""
    with plain_types(), ExitStack() as undo:
        if torch.get_default_device().type != "cpu":
            undo.enter_context(torch.device("cpu"))
        yield


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Run models within the block in this precision with deterministic algorithms, whatever the process has set."""
    with plain_types(), ExitStack() as undo:
        for operation in (*_CUDA, *_CPU):
            wanted = "tf32" if precision is Precision.TF32 and operation in _CUDA else "ieee"
            if operation.fp32_precision != wanted and (operation.fp32_precision not in _EXACT or wanted != "ieee"):
                _set(undo, operation, "fp32_precision", wanted)
        if device.type == "cuda":
            for name, value in (("enabled", True), ("benchmark", False), ("deterministic", True)):
                _set(undo, backends.cudnn, name, value)
        if precision is Precision.BFLOAT16:
            undo.enter_context(torch.autocast(device.type, dtype=torch.bfloat16))
        else:
            undo.enter_context(torch.autocast(device.type, enabled=False))
        yield


def _set(undo: ExitStack, owner: Any, name: str, value: object) -> None:  # Any: torch's settings have no common type
    """Set an attribute, and register that it is set back."""
    undo.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


@contextmanager
def sharing_cores(processes: int) -> Iterator[None]:
    """Give torch within the block its share of the threads, at least one, if several processes run at the same time.

    The threads of a process wait for each other at every step, so more threads than cores cost far more than they gain.
    """
    threads = torch.get_num_threads()
    share = max(1, threads // processes)
    if share == threads:
        yield
        return
    torch.set_num_threads(share)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

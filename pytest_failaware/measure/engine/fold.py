"""Make faster private copies of a model for a CPU, with batch norms folded into convolutions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import cast

import torch
from torch import nn
from torch.fx import GraphModule

from pytest_failaware.measure.engine.crop import crop_kernels

with warnings.catch_warnings():  # up to torch 2.10 this import uses deprecated functions of torch
    warnings.simplefilter("ignore")
    from torch.fx.experimental.optimization import fuse, optimize_for_inference

Way = tuple[nn.Module, torch.memory_format]
"""A module, and the memory format of its inputs."""


def private_copies(module: nn.Module, images: torch.Tensor) -> Iterator[Way]:
    """Yield copies of a convolutional model, the fastest first; the module itself is never changed.

    There are no copies if a forward hook must run, or if torch.fx cannot trace the model. The caller must check that a
    copy gives the same answers, since tracing assumes that every call takes the path of the traced call.

    Args:
        module: the model in eval mode, on a CPU.
        images: a batch (B, C, H, W); the copies are for images of this size.
    """
    if not any(isinstance(part, nn.Conv2d) for part in module.modules()) or has_hooks(module):
        return
    for build, layout in ((_in_blocks, torch.contiguous_format), (_channels_last, torch.channels_last)):
        with warnings.catch_warnings():  # one of the builders uses deprecated functions of torch
            warnings.simplefilter("ignore")
            try:
                folded: nn.Module = fuse(module)
                crop_kernels(folded, images)
                copy = build(folded)
            except Exception:  # a user's network that cannot be copied or traced runs as it is
                continue
        if copy is not None:
            yield copy, layout


def has_hooks(module: nn.Module) -> bool:
    """Return whether a hook on a forward pass exists; torch has no public function for that."""
    anywhere: bool = nn.modules.module._has_any_global_hook()  # type: ignore[no-untyped-call]  # torch's own
    return anywhere or any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def hooks_on_every_module() -> list[object]:
    """Return the functions that torch calls before and after the forward pass of every module."""
    module = nn.modules.module
    return [*module._global_forward_pre_hooks.values(), *module._global_forward_hooks.values()]


def _in_blocks(folded: nn.Module) -> nn.Module | None:
    """Return a copy with weights and feature maps in the block layout of oneDNN, None if it must change layouts midway.

    Each change of layout costs more than the blocks save, so images may enter the layout only once.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch's own
        return None
    copy = cast("GraphModule", optimize_for_inference(folded, {"conv_bn_fuse": False}))
    return copy if sum(node.target == "to_mkldnn" for node in copy.graph.nodes) == 1 else None


def _channels_last(folded: nn.Module) -> nn.Module:
    return folded.to(memory_format=torch.channels_last)

"""Private copies of a model that answer alike on a CPU and are faster: batch norms folded into convolutions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import cast

import torch
from torch import nn
from torch.fx import GraphModule

from pytest_failaware.measure.engine.crop import crop_kernels

with warnings.catch_warnings():  # up to torch 2.10 this builds classes by what torch deprecates
    warnings.simplefilter("ignore")
    from torch.fx.experimental.optimization import fuse, optimize_for_inference

Way = tuple[nn.Module, torch.memory_format]
"""A module, and the memory format of the inputs that suits it."""


def private_copies(module: nn.Module, images: torch.Tensor) -> Iterator[Way]:
    """The copies that can be made of a convolutional model, the fastest first; the module itself is never touched.

    There are none where a forward hook would have to fire, and none of models that torch.fx cannot trace. A caller has
    to check that a copy answers alike: tracing takes the path of one call for the path of all.

    Args:
        module: in eval mode, on a CPU.
        images: a batch (B, C, H, W); the copies are for images of this size.
    """
    if not any(isinstance(part, nn.Conv2d) for part in module.modules()) or has_hooks(module):
        return
    for build, layout in ((_in_blocks, torch.contiguous_format), (_channels_last, torch.channels_last)):
        with warnings.catch_warnings():  # torch builds one of them by what it deprecates
            warnings.simplefilter("ignore")
            try:
                folded: nn.Module = fuse(module)
                crop_kernels(folded, images)
                copy = build(folded)
            except Exception:  # the user's network is copied and traced here; what cannot be runs as it is
                continue
        if copy is not None:
            yield copy, layout


def has_hooks(module: nn.Module) -> bool:
    """Whether anything listens to a forward pass; torch has no public way to ask."""
    anywhere: bool = nn.modules.module._has_any_global_hook()  # type: ignore[no-untyped-call]  # torch's own
    return anywhere or any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def hooks_on_every_module() -> list[object]:
    """The functions that torch calls around the forward pass of every module."""
    module = nn.modules.module
    return [*module._global_forward_pre_hooks.values(), *module._global_forward_hooks.values()]


def _in_blocks(folded: nn.Module) -> nn.Module | None:
    """The copy that keeps weights and feature maps in oneDNN's own blocks; None where it would leave them midway.

    Each change of layout costs more than the blocks save, so the images go in once, and come out as features.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch's own
        return None
    copy = cast("GraphModule", optimize_for_inference(folded, {"conv_bn_fuse": False}))
    return copy if sum(node.target == "to_mkldnn" for node in copy.graph.nodes) == 1 else None


def _channels_last(folded: nn.Module) -> nn.Module:
    return folded.to(memory_format=torch.channels_last)

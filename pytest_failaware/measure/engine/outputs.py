"""What a model answers -> its logits: one tensor, or what is named so among several; never a guess."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.measurement import MOST_OUTPUTS
from pytest_failaware.core.text import describe_error, one_line
from pytest_failaware.measure.models.programs import Program

_WRAP = "give a factory (pkg.mod:factory) whose model returns the logits alone"


def logits_of(module: nn.Module, inputs: torch.Tensor) -> NDArray[np.float64]:
    """The logits of a batch, (B, K) on the host. A lone image is doubled: a batch of one takes other kernels.

    float64 holds the numbers of every other type, and the scores are computed in it.

    Raises:
        ModelError: the model does not take the inputs, or does not answer as a classifier does.
    """
    count = len(inputs)
    fed = inputs if count > 1 else inputs.repeat(2, 1, 1, 1)
    try:
        answer = module(fed)
    except Exception as error:  # the user's network runs here
        raise ModelError(
            f"the model cannot take inputs of shape {tuple(inputs.shape)} (batch, channels, height, width): "
            f"{describe_error(error)}; {_remedy(module)}"
        ) from error
    logits: NDArray[np.float64] = logits_in(answer, len(fed))[:count].cpu().double().numpy()
    return logits


def logits_in(answer: object, images: int) -> torch.Tensor:
    """The logits (B, K >= 2) in a model's answer to a batch of `images`.

    They are the answer itself, or what a dict or an object calls `logits` (the outputs of Hugging Face's models, and of
    GoogLeNet and Inception), or the first of a tuple's members where no other is of that shape.

    Raises:
        ModelError: there are none, or more than one member may be them.
    """
    found = _named(answer)
    if isinstance(found, (tuple, list)):
        found = _first(found, images)
    if not isinstance(found, torch.Tensor):
        raise ModelError(f"the model returns {_described(found)}, in which nothing is called logits; {_WRAP}")
    if found.ndim == 1 or (found.ndim == 2 and found.shape[1] == 1):
        raise ModelError(
            f"the model returns {_described(found)}, one number per image, as for a sigmoid or a single class; a "
            "classifier returns one logit per class: where z is that number, torch.stack([torch.zeros_like(z), z], 1) "
            f"has the sigmoid's probabilities; {_WRAP}"
        )
    if not _are_numbers(found):
        raise ModelError(
            f"the model returns {_described(found)} of {found.dtype} ({found.layout}, on {found.device}); logits are "
            f"real numbers in a dense tensor; {_WRAP}"
        )
    if found.ndim == 2 and found.shape[1] > MOST_OUTPUTS:
        raise ModelError(
            f"the model returns {_described(found)}: {found.shape[1]:,} outputs, and a prediction can name "
            f"{MOST_OUTPUTS:,} classes at most; give a model with fewer classes"
        )
    if not _fits(found, images):
        raise ModelError(
            f"the model returns {_described(found)} for {images} images; a classifier returns one tensor of logits "
            f"(batch, classes >= 2); {_WRAP}"
        )
    return found


def _remedy(module: nn.Module) -> str:
    """What to do about inputs that the model does not take: its weights may be of another type than float32."""
    inner = module.inner if isinstance(module, Program) else module
    weights = () if inner is None else itertools.chain(inner.parameters(), inner.buffers())
    types = {weight.dtype for weight in weights if weight.is_floating_point()} - {torch.float32}
    if not types:
        return "check --failaware-preprocess"
    spelled = ", ".join(sorted(str(one).removeprefix("torch.") for one in types))
    autocast = ", or compute in it: --failaware-precision=bfloat16" if types == {torch.bfloat16} else ""
    return f"the inputs are float32 and its weights {spelled}: call model.float(), before an export, too{autocast}"


def _named(answer: object) -> object:
    """What is called logits in an answer, else the answer."""
    if isinstance(answer, Mapping) and "logits" in answer:
        return answer["logits"]
    return answer if isinstance(answer, torch.Tensor) else getattr(answer, "logits", answer)


def _first(members: tuple[object, ...] | list[object], images: int) -> object:
    """The first member, where it alone can be the logits."""
    may_be = [isinstance(member, torch.Tensor) and _fits(member, images) for member in members]
    if may_be[:1] != [True] or sum(may_be) > 1:
        raise ModelError(
            f"the model returns {_described(members)}; which of them are the logits is not clear (a first member that "
            f"alone is (batch, classes) would be taken); {_WRAP}"
        )
    return members[0]


def _are_numbers(tensor: torch.Tensor) -> bool:
    """Whether it holds real numbers, one beside the other."""
    is_real = not tensor.is_complex() and tensor.dtype != torch.bool
    return is_real and not tensor.is_quantized and not tensor.is_meta and tensor.layout is torch.strided


def _fits(tensor: torch.Tensor, images: int) -> bool:
    return tensor.ndim == 2 and tensor.shape[0] == images and tensor.shape[1] >= 2


def _described(value: object) -> str:
    """The kind of an answer, with the shapes in it."""
    if isinstance(value, torch.Tensor):
        return f"shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return one_line(f"a {type(value).__name__} of {', '.join(map(repr, value)) or 'nothing'}")
    if isinstance(value, (tuple, list)):
        shapes = (_described(member).removeprefix("shape ") for member in value)
        return one_line(f"a {type(value).__name__} of {', '.join(shapes) or 'nothing'}")
    return f"a {type(value).__name__}"

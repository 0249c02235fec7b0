"""Find the logits in the answer of a model: the only tensor, or the one called logits; never guess."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.samples import MOST_OUTPUTS
from pytest_failaware.core.text import describe_error, one_line
from pytest_failaware.measure.models.programs import Program

_WRAP = "give a factory (pkg.mod:factory) whose model returns the logits alone"


def logits_of(module: nn.Module, inputs: torch.Tensor) -> NDArray[np.float64]:
    """Return the logits of a batch, (B, K) on the host.

    A single image is fed twice, since a batch of one would use other kernels. The logits are float64, which represents
    the numbers of every other type and in which the scores are computed.

    Raises:
        ModelError: the model does not accept the inputs, or its answer is not that of a classifier.
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
    """Return the logits (B, K >= 2) in the answer of a model to a batch of B = `images` images.

    The logits are the answer itself; or the member `logits` of a dict or an object, as with models of Hugging Face,
    GoogLeNet and Inception; or the first member of a tuple, if no other member has the shape of logits.

    Raises:
        ModelError: there are no logits, or several members could be the logits.
    """
    logits = _named(answer)
    if isinstance(logits, (tuple, list)):
        logits = _first(logits, images)
    if not isinstance(logits, torch.Tensor):
        raise ModelError(f"the model returns {_described(logits)}, in which nothing is called logits; {_WRAP}")
    if logits.ndim == 1 or (logits.ndim == 2 and logits.shape[1] == 1):
        raise ModelError(
            f"the model returns {_described(logits)}, one number per image, as for a sigmoid or a single class; a "
            "classifier returns one logit per class: where z is that number, torch.stack([torch.zeros_like(z), z], 1) "
            f"has the sigmoid's probabilities; {_WRAP}"
        )
    if not _are_numbers(logits):
        raise ModelError(
            f"the model returns {_described(logits)} of {logits.dtype} ({logits.layout}, on {logits.device}); logits "
            f"are real numbers in a dense tensor; {_WRAP}"
        )
    if logits.ndim == 2 and logits.shape[1] > MOST_OUTPUTS:
        raise ModelError(
            f"the model returns {_described(logits)}: {logits.shape[1]:,} outputs, and a prediction can name "
            f"{MOST_OUTPUTS:,} classes at most; give a model with fewer classes"
        )
    if not _fits(logits, images):
        raise ModelError(
            f"the model returns {_described(logits)} for {images} images; a classifier returns one tensor of logits "
            f"(batch, classes >= 2); {_WRAP}"
        )
    return logits


def _remedy(module: nn.Module) -> str:
    """Return the remedy if the model does not accept the inputs; its weights may have another type than float32."""
    inner = module.inner if isinstance(module, Program) else module
    weights = () if inner is None else itertools.chain(inner.parameters(), inner.buffers())
    types = {weight.dtype for weight in weights if weight.is_floating_point()} - {torch.float32}
    if not types:
        return "check --failaware-preprocess"
    spelled = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in types))
    autocast = ", or compute in it: --failaware-precision=bfloat16" if types == {torch.bfloat16} else ""
    return f"the inputs are float32 and its weights {spelled}: call model.float(), before an export, too{autocast}"


def _named(answer: object) -> object:
    """Return the member called `logits` of an answer, else the answer itself."""
    if isinstance(answer, Mapping) and "logits" in answer:
        return answer["logits"]
    return answer if isinstance(answer, torch.Tensor) else getattr(answer, "logits", answer)


def _first(members: tuple[object, ...] | list[object], images: int) -> object:
    """Return the first member if it is the only one that can be the logits."""
    may_be = [isinstance(member, torch.Tensor) and _fits(member, images) for member in members]
    if may_be[:1] != [True] or sum(may_be) > 1:
        raise ModelError(
            f"the model returns {_described(members)}; which of them are the logits is not clear (a first member that "
            f"alone is (batch, classes) would be taken); {_WRAP}"
        )
    return members[0]


def _are_numbers(tensor: torch.Tensor) -> bool:
    """Return whether a tensor holds real numbers in a dense layout."""
    is_real = not tensor.is_complex() and tensor.dtype != torch.bool
    return is_real and not tensor.is_quantized and not tensor.is_meta and tensor.layout is torch.strided


def _fits(tensor: torch.Tensor, images: int) -> bool:
    return tensor.ndim == 2 and tensor.shape[0] == images and tensor.shape[1] >= 2


def _described(value: object) -> str:
    """Return the type of an answer with the shapes in it, as text."""
    if isinstance(value, torch.Tensor):
        return f"shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return one_line(f"a {type(value).__name__} of {', '.join(map(repr, value)) or 'nothing'}")
    if isinstance(value, (tuple, list)):
        shapes = (_described(member).removeprefix("shape ") for member in value)
        return one_line(f"a {type(value).__name__} of {', '.join(shapes) or 'nothing'}")
    return f"a {type(value).__name__}"

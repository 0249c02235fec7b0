"""Refuse a model whose answers depend on more than the image: on chance, on the batch, or on earlier images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.request import Precision
from pytest_failaware.measure.engine.logits import Answers
from pytest_failaware.measure.engine.outputs import logits_of
from pytest_failaware.measure.engine.writes import check_counted, check_unchanged
from pytest_failaware.measure.models.loading import LoadedModel

ALIKE: Final = 1e-4
"""Answers that differ by less than this share of the largest logit count as equal. Kernels differ by 1e-7 of it."""

ROUGH: Final = 0.02
"""Answers of low precision may change by this share of the largest logit with the other images of a batch. Measured: up
to 0.006 in bfloat16, 0.008 to 0.06 if int8 layers scale by the batch, from 0.013 if one batch norm of a trained
resnet18 uses the statistics of the batch, and from 0.3 if all of them do."""

_ASKED_FOR: Final = 0.05  # the same limit in a precision other than ieee, on any device
_AGAIN: Final = 0.01  # the limit for two answers to one batch in such a precision; dropout exceeds it
_PARTS: Final = 8  # how many smaller batches the first batch is split into; batch norms in train mode then differ much
_TRIES: Final = 4  # how often a refused model is asked again, to distinguish chance from the batch
_FEW: Final = 2  # how many images are asked again later in the run

CHANGED: Final = (
    "the model answers otherwise than at the start of the run: a test or a fixture changed a setting of the shared "
    "model or left a hook on it; give it copy.deepcopy(failaware_model)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswers:
    """The first inputs of a model, (N, C, H, W) with N at most 2, and its logits; `note` is for the summary.

    `batch` is the size of the batch that the inputs come from.
    """

    inputs: torch.Tensor
    batch: int
    logits: Answers
    note: str


def first_answers(model: LoadedModel, inputs: torch.Tensor, logits: Answers, precision: Precision) -> FirstAnswers:
    """Give the model its first inputs again, in smaller batches and another order, and the first such batch twice.

    Args:
        model: the model.
        inputs: the first batch, (B, C, H, W).
        logits: the logits of the model for this batch, (B, K).
        precision: the arithmetic of the model.

    Raises:
        ModelError: the answers depend on chance or on the batch, or the model writes to its own weights or buffers.
    """
    parts = [slice(start, None, _PARTS) for start in range(min(_PARTS, len(inputs)))]
    answers = [_ask(model, inputs[rows], len(inputs)) for rows in parts]
    scale = _largest(logits)
    by_chance = _distance(_ask(model, inputs[parts[0]], len(inputs)), answers[0], scale)
    by_batch = max(_distance(answer, logits[rows], scale) for answer, rows in zip(answers, parts, strict=True))
    is_exact = precision is Precision.IEEE
    if by_chance > _tolerance(precision) or by_batch > (ROUGH if is_exact else _ASKED_FOR):
        raise _refusal(model, inputs, _dependence(model, inputs, logits, by_chance, by_batch))
    check_counted(model)
    few = inputs[:_FEW].clone()  # a view would hold the whole batch
    note = _rough(by_batch) if is_exact and by_batch > ALIKE else ""
    return FirstAnswers(inputs=few, batch=len(inputs), logits=_ask(model, few, len(inputs)), note=note)


def check_first_answers(model: LoadedModel, first: FirstAnswers, precision: Precision) -> None:
    """Refuse a model whose answers to its first inputs have changed.

    Raises:
        ModelError: the model was changed.
    """
    distance = _distance(_ask(model, first.inputs, first.batch), first.logits, _largest(first.logits))
    if distance > _tolerance(precision):
        raise _refusal(model, first.inputs, CHANGED)


def _ask(model: LoadedModel, part: torch.Tensor, batch: int) -> Answers:
    """Return the logits of a part of a batch; for a program with a fixed batch size, the last image fills the batch."""
    part = part.contiguous()
    try:
        return logits_of(model.module, part)
    except ModelError:
        if len(part) == batch:
            raise
    filled = torch.cat([part, part[-1:].expand(batch - len(part), -1, -1, -1)])
    return logits_of(model.module, filled)[: len(part)]


def _tolerance(precision: Precision) -> float:
    """Return how far apart two answers to the same batch may be."""
    return ALIKE if precision is Precision.IEEE else _AGAIN


def _refusal(model: LoadedModel, inputs: torch.Tensor, finding: str) -> ModelError:
    """Return the error with the finding, or the error about a changed state if that explains the finding."""
    try:
        check_unchanged(model, lambda: inputs[:_FEW])
    except ModelError as error:
        return error
    return ModelError(finding)


def _dependence(model: LoadedModel, inputs: torch.Tensor, logits: Answers, by_chance: float, by_batch: float) -> str:
    """Return the finding: chance if the answers to the whole batch also change when asked again, else the batch."""
    again = [_distance(logits_of(model.module, inputs), logits, _largest(logits)) for _ in range(_TRIES)]
    by_chance = max(by_chance, *again)
    return _chance(by_chance) if by_chance > ALIKE else _batch(by_batch)


def _largest(logits: Answers) -> float:
    return float(np.abs(logits[np.isfinite(logits)]).max(initial=0))


def _distance(first: Answers, second: Answers, scale: float) -> float:
    """Return the largest difference of two answers in units of `scale`; infinite if shapes or finite places differ."""
    if first.shape != second.shape or not np.array_equal(np.isfinite(first), np.isfinite(second)):
        return np.inf
    finite = np.isfinite(first)
    gap = float(np.abs(first[finite] - second[finite]).max(initial=0))
    if scale == 0:
        return np.inf if gap else 0.0
    return gap / scale


def _chance(distance: float) -> str:
    return (
        f"the model answers the same images otherwise when it is asked again (by {distance:.2g} of the largest logit): "
        "likely dropout left on, as by functional.dropout without training=self.training, or a program exported in "
        "train mode; call eval() before the export, and let nothing in eval mode depend on chance"
    )


def _batch(distance: float) -> str:
    return (
        f"the model's answers depend on the other images of the batch (by {distance:.2g} of the largest logit): likely "
        "batch norms that use the statistics of the batch (track_running_stats=False, or a program exported in train "
        "mode), or int8 layers that scale by it; call eval() before the export, or give --failaware-batch-size=1, "
        "which asks for each image alone"
    )


def _rough(distance: float) -> str:
    return (
        f"the model's answers move a little with the other images of the batch (by {distance:.2g} of the largest "
        "logit), as of int8 layers that scale by the batch, so another batch size gives other counts; "
        "--failaware-batch-size=1 asks for each image alone"
    )

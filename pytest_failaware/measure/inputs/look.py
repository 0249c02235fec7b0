"""One look at a few images: what a model answers, and what its norms see."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pytest_failaware.core.errors import DataError, ModelError
from pytest_failaware.measure.engine.outputs import logits_of
from pytest_failaware.measure.inputs.misfit import Misfit, Moments, memory_of

SUSPICIOUS: Final = 0.2
"""The divergence at the first norm, or typically, that is odd. Correct inputs have up to 0.13, after training on
darkened images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLook:
    """The answers (N,), None if the model does not take the inputs, and its norms in the order of the forward pass.

    Only norms with a memory of the training are here: batch norms, and not layer norms or group norms.
    """

    answers: NDArray[np.intp] | None
    misfits: tuple[Misfit, ...]

    def right(self, labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Return which answers are the labels; none if there are no answers."""
        if self.answers is None:
            return np.zeros(len(labels), dtype=np.bool_)
        right: NDArray[np.bool_] = self.answers == labels
        return right

    @property
    def first(self) -> float:
        """The divergence at the first norm, which sees the scale of the inputs; 0 if there is none."""
        return self.misfits[0].divergence if self.misfits else 0.0

    @property
    def typical(self) -> float:
        """The median divergence over all norms; the deep ones see the size of the images, too.

        The largest would be noise: the last layers of a network that was trained for a few epochs have up to 0.9.
        """
        return statistics.median(misfit.divergence for misfit in self.misfits) if self.misfits else 0.0

    @property
    def suspect(self) -> Misfit | None:
        """The norm to name if the inputs are odd: the first one if it sees that, else the one that fits least."""
        if self.first > SUSPICIOUS:
            return self.misfits[0]
        if self.typical > SUSPICIOUS:
            return max(self.misfits, key=lambda misfit: misfit.divergence)
        return None


def look(module: nn.Module, batches: Iterable[torch.Tensor]) -> InputLook:
    """Return what the module answers to batches (B, C, H, W), and how they differ at its norms.

    The module is in eval mode and keeps no hook, whatever happens.
    """
    seen = {part: Moments(name) for name, part in module.named_modules() if memory_of(part)}
    reached: dict[nn.Module, Moments] = {}

    def listen(norm: nn.Module, arguments: tuple[object, ...]) -> None:
        values = arguments[0] if arguments else None
        if isinstance(values, torch.Tensor) and values.ndim > 1 and values.shape[1:2] == memory_of(norm)[0].shape:
            reached.setdefault(norm, seen[norm]).add(values)

    handles = [norm.register_forward_pre_hook(listen) for norm in seen]
    try:
        answers = np.concatenate([logits_of(module, batch).argmax(axis=1) for batch in batches])
    except (ModelError, DataError):  # measuring says what the model or the user's preprocessing does not take
        answers = None
    finally:
        for handle in handles:
            handle.remove()
    return InputLook(answers=answers, misfits=tuple(moments.compared(norm) for norm, moments in reached.items()))

"""Look at a few images once: the answers of a model, and the inputs of its norm layers."""

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
"""A larger divergence at the first norm, or at the median norm, is suspicious. Correct inputs reach 0.13 if the model
was trained on darkened images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLook:
    """The answers (N,), None if the model does not accept the inputs, and the misfits of its norms in forward order.

    Only norms that keep statistics of the training are in it: batch norms, but not layer norms or group norms.
    """

    answers: NDArray[np.intp] | None
    misfits: tuple[Misfit, ...]

    def right(self, labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Return which answers equal the labels, (N,) bool; all False if there are no answers."""
        if self.answers is None:
            return np.zeros(len(labels), dtype=np.bool_)
        right: NDArray[np.bool_] = self.answers == labels
        return right

    @property
    def first(self) -> float:
        """The divergence at the first norm, which depends on the scale of the inputs; 0 if there is no norm."""
        return self.misfits[0].divergence if self.misfits else 0.0

    @property
    def typical(self) -> float:
        """The median divergence over all norms; deep norms also depend on the size of the images.

        The largest divergence would be noise: the last layers of a network trained for a few epochs reach 0.9.
        """
        return statistics.median(misfit.divergence for misfit in self.misfits) if self.misfits else 0.0

    @property
    def suspect(self) -> Misfit | None:
        """The norm to name if the inputs are suspicious: the first norm if it shows that, else the worst; else None."""
        if self.first > SUSPICIOUS:
            return self.misfits[0]
        if self.typical > SUSPICIOUS:
            return max(self.misfits, key=lambda misfit: misfit.divergence)
        return None


def look(module: nn.Module, batches: Iterable[torch.Tensor]) -> InputLook:
    """Return the answers of a module to batches (B, C, H, W), and how the batches differ at its norms.

    The module must be in eval mode. It keeps no hook, even after an error.
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
    except (ModelError, DataError):  # measuring reports the error
        answers = None
    finally:
        for handle in handles:
            handle.remove()
    return InputLook(answers=answers, misfits=tuple(moments.compared(norm) for norm, moments in reached.items()))

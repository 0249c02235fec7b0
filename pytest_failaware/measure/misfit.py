"""What a model's batch norms see of some inputs, beside what they remember of the training."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from pytest_failaware.errors import ModelError
from pytest_failaware.measure.answers import logits_of

_DEAD: Final = 1e-3  # of the largest variance; what a channel without values is compared with is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """What one batch norm sees beside what it saw in training, as medians over its channels.

    `shift` is |mean - running mean| in standard deviations of the training, `spread` the ratio of the standard
    deviations, and `divergence` the mean of both Kullback-Leibler divergences between the two normal distributions, in
    nats: 0 where they are equal.
    """

    norm: str
    shift: float
    spread: float
    divergence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One forward pass: the answers (B,), None if the model does not take the inputs, and its batch norms in order."""

    answers: NDArray[np.intp] | None
    misfits: tuple[Misfit, ...]

    @property
    def first(self) -> float:
        """The divergence at the first batch norm, which sees the scale of the inputs; 0 if there is none."""
        return self.misfits[0].divergence if self.misfits else 0.0

    @property
    def typical(self) -> float:
        """The median divergence over all batch norms; the deep ones see the size of the images, too.

        The largest would be noise: the last layers of a network that was trained for a few epochs have up to 0.9.
        """
        return statistics.median(misfit.divergence for misfit in self.misfits) if self.misfits else 0.0


def look(module: nn.Module, batches: Iterable[torch.Tensor]) -> Look:
    """Return what the module answers to batches (B, C, H, W), and how they differ at its batch norms.

    The module is in eval mode and keeps no hook, whatever happens.
    """
    seen = {part: _Moments(name) for name, part in module.named_modules() if _remembers(part)}
    reached: dict[nn.Module, _Moments] = {}

    def listen(norm: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        reached.setdefault(norm, seen[norm]).add(arguments[0])

    handles = [norm.register_forward_pre_hook(listen) for norm in seen]
    try:
        answers = np.concatenate([logits_of(module, batch).argmax(axis=1) for batch in batches])
    except ModelError:  # measuring says what the model does not take
        answers = None
    finally:
        for handle in handles:
            handle.remove()
    return Look(answers=answers, misfits=tuple(moments.compared(norm) for norm, moments in reached.items()))


def _remembers(part: nn.Module) -> bool:
    return isinstance(part, _BatchNorm) and part.running_mean is not None


class _Moments:
    """The sums over all inputs of one batch norm, (C,) each, in float64."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.sums = self.squares = torch.zeros(())

    def add(self, values: torch.Tensor) -> None:
        """Count values (B, C, ...)."""
        channels = values.transpose(0, 1).flatten(1).double()
        self.count += channels.shape[1]
        self.sums = self.sums.to(channels) + channels.sum(1)
        self.squares = self.squares.to(channels) + channels.square().sum(1)

    def compared(self, norm: nn.Module) -> Misfit:
        """Return the median differences over the channels that have any variance in training."""
        buffers = dict(norm.named_buffers(recurse=False))
        before, expected = buffers["running_mean"].double(), buffers["running_var"].double()
        now = self.sums / self.count
        variance = (self.squares / self.count - now.square()).clamp(min=0)
        alive = expected > _DEAD * expected.max()
        now, variance, before, expected = (column[alive] for column in (now, variance, before, expected))
        ratio, squared = variance / expected, (now - before).square()
        divergence = (ratio + 1 / ratio - 2 + squared * (1 / expected + 1 / variance)) / 4
        return Misfit(
            norm=self.name,
            shift=float((squared / expected).sqrt().median()),
            spread=float(ratio.median().sqrt()),
            divergence=float(divergence.median()),
        )

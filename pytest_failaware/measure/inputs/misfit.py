"""Compare the inputs of a norm layer with the statistics that it kept from training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

_DEAD: Final = 1e-3  # share of the largest variance; below it, a channel has only rounding errors to compare with
_TINY: Final = 1e-12  # share of the variance in training; a lower bound for images of a single colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """How the inputs of one norm differ from its inputs in training, as medians over its channels.

    `shift` is |mean - running mean| in standard deviations of the training, `spread` is the ratio of the standard
    deviations, and `divergence` is the mean of both Kullback-Leibler divergences between the two normal distributions,
    in nats: 0 if they are equal.
    """

    norm: str
    shift: float
    spread: float
    divergence: float


class Moments:
    """The sums and the sums of squares over all inputs of one norm, (C,) each, in float64."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.sums = self.squares = torch.zeros(())

    def add(self, values: torch.Tensor) -> None:
        """Add values (B, C, ...) to the sums."""
        channels = values.transpose(0, 1).flatten(1).double()
        self.count += channels.shape[1]
        self.sums = self.sums.to(channels) + channels.sum(1)
        self.squares = self.squares.to(channels) + channels.square().sum(1)

    def compared(self, norm: nn.Module) -> Misfit:
        """Return the median differences over the channels that had a variance in training.

        Values that are not finite give an infinite divergence.
        """
        before, expected = (buffer.double() for buffer in memory_of(norm))
        now = self.sums / self.count
        variance = (self.squares / self.count - now.square()).maximum(_TINY * expected)
        alive = expected > _DEAD * expected.max()
        now, variance, before, expected = (column[alive] for column in (now, variance, before, expected))
        ratio, squared = variance / expected, (now - before).square()
        divergence = (ratio + 1 / ratio - 2 + squared * (1 / expected + 1 / variance)) / 4
        return Misfit(
            norm=self.name,
            shift=float((squared / expected).sqrt().median()),
            spread=float(ratio.median().sqrt()),
            divergence=float(divergence.nan_to_num(nan=math.inf, posinf=math.inf).median()),
        )


def memory_of(part: nn.Module) -> tuple[torch.Tensor, ...]:
    """Return the running mean and variance (C,) of a norm, also of a frozen one; () if the part has none."""
    buffers = dict(part.named_buffers(recurse=False))
    memory = tuple(buffers[name] for name in ("running_mean", "running_var") if name in buffers)
    is_norm = len(memory) == 2 and all(buffer.ndim == 1 for buffer in memory) and float(memory[1].max()) > 0
    return memory if is_norm else ()

"""How many answers became right and how many became wrong, and what chance alone would do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MORE_RIGHT: Final = 1.5
"""How many times as many answers must be right after a change that is far better."""

PROOF: Final = 1e-5
"""The largest p value of the sign test that proves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """The right answers among `images` before and after a change; `gained` and `lost` are those that differ."""

    images: int
    before: int
    after: int
    gained: int
    lost: int

    @property
    def is_proven(self) -> bool:
        """Whether the change is far better, and not by chance."""
        return self.after >= MORE_RIGHT * self.before and self.gain_by_chance <= PROOF

    @property
    def gain_by_chance(self) -> float:
        """The p value of a one-sided sign test: how likely so many of the flips are gains if both ways are as good."""
        return _tail(self.gained, self.lost)

    @property
    def loss_by_chance(self) -> float:
        """The same for the losses."""
        return _tail(self.lost, self.gained)


def flips(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Flips:
    """Count what is right (N,) before and after."""
    return Flips(
        images=len(before),
        before=int(before.sum()),
        after=int(after.sum()),
        gained=int((after & ~before).sum()),
        lost=int((before & ~after).sum()),
    )


def _tail(heads: int, tails: int) -> float:
    """The probability of at least so many heads in throws of a fair coin."""
    throws = heads + tails
    ways: int = sum(math.comb(throws, count) for count in range(heads, throws + 1))
    share: float = ways / 2**throws
    return share

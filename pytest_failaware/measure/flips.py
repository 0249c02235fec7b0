"""How many answers became right and how many became wrong, and what chance alone would do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """The right answers among `images` before and after a change; `gained` and `lost` are those that differ."""

    images: int
    before: int
    after: int
    gained: int
    lost: int

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

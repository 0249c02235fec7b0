"""Count the answers that became right or wrong after a change, and test whether chance explains them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MORE_RIGHT: Final = 1.5
"""The factor by which a far better change must increase the number of right answers."""

PROOF: Final = 1e-5
"""The largest p value of the sign test that proves a better change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """The numbers of right answers among `images` before and after a change, and of answers gained and lost."""

    images: int
    before: int
    after: int
    gained: int
    lost: int

    @property
    def is_proven(self) -> bool:
        """Whether the change is far better and chance is excluded."""
        return self.after >= MORE_RIGHT * self.before and self.gain_by_chance <= PROOF

    @property
    def gain_by_chance(self) -> float:
        """The p value of a one-sided sign test of the gains, under the hypothesis that both ways are equally good."""
        return _tail(self.gained, self.lost)

    @property
    def loss_by_chance(self) -> float:
        """The p value of the same test of the losses."""
        return _tail(self.lost, self.gained)


def flips(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Flips:
    """Count the flips between right answers before and after, (N,) bool each."""
    return Flips(
        images=len(before),
        before=int(before.sum()),
        after=int(after.sum()),
        gained=int((after & ~before).sum()),
        lost=int((before & ~after).sum()),
    )


def _tail(heads: int, tails: int) -> float:
    """Return the probability of at least `heads` heads in `heads + tails` throws of a fair coin."""
    throws = heads + tails
    ways: int = sum(math.comb(throws, count) for count in range(heads, throws + 1))
    share: float = ways / 2**throws
    return share

"""The seeds of a recipe as one side of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.judge.significance.moderated import Spread

_HUNDRED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Recipe:
    """The outcomes of all seeds on the shared samples under the stored rule, (N,) columns in the same order.

    `spreads` has the spread of each default metric of which enough seeds have a value.
    """

    seeds: tuple[Outcomes, ...]
    spreads: Mapping[str, Spread]

    @property
    def coverage(self) -> int:
        """The number of trusted samples, averaged over the seeds and rounded."""
        return rounded_mean([int(seed.trusted.sum()) for seed in self.seeds])

    @property
    def makes_promise(self) -> bool:
        """Whether at least one sample in a hundred is trusted, averaged over the seeds, and one after rounding."""
        trusted = sum(int(seed.trusted.sum()) for seed in self.seeds)
        return self.coverage > 0 and _HUNDRED * trusted >= sum(len(seed.trusted) for seed in self.seeds)


def rounded_mean(counts: list[int]) -> int:
    """Return the mean of counts, rounded to the nearest whole number, and halves up.

    >>> rounded_mean([3, 4, 4, 3])
    4
    """
    return (2 * sum(counts) + len(counts)) // (2 * len(counts))

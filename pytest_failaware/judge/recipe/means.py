"""The mean of a rate over several conditions, against the same mean of each seed of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from pytest_failaware.core.pooled import SeedShare, Share
from pytest_failaware.core.result import CoverageWay, Evidence, SeedSpread
from pytest_failaware.judge.outcomes import Mask
from pytest_failaware.judge.recipe.evidence import of_tests
from pytest_failaware.judge.recipe.spreads import Counted
from pytest_failaware.judge.significance.moderated import ModeratedT, Spread, chance_variance, shared_prior
from pytest_failaware.judge.significance.units import Units

Conditions = Sequence[Counted]
"""What a rate counts on one side in each condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeMean:
    """The mean of a rate over the conditions: its spread over the seeds, and its value now.

    `others` are the spreads of the means of the other default metrics, which know the ratio of the variance between
    seeds to that of chance.
    """

    spread: Spread
    now: float
    others: tuple[Spread, ...]

    @staticmethod
    def of_accuracy(shares: Sequence[Share], units: Units) -> RecipeMean:
        """Return the mean accuracy; without a share that has a way, other rates over all samples know the ratio."""
        ranked = [share for share in shares if share.ways]
        others = [*_of_trusted(ranked), _ranked(ranked, CoverageWay.THRESHOLDS)] if ranked else [*_of_all(shares)]
        now = [_over_all(share.right_now) for share in shares]
        return _mean(_accurate(shares), now, others, units)

    @staticmethod
    def of_ranking(shares: Sequence[Share], way: CoverageWay, units: Units) -> RecipeMean:
        """Return the mean right share among the most trusted answers, reached in one way."""
        ways = [next(reached for reached in share.ways if reached.way is way) for share in shares]
        now = [Counted(good=reached.right, counted=reached.trusted) for reached in ways]
        return _mean(_ranked(shares, way), now, [_accurate(shares), *_of_trusted(shares)], units)

    def evidence(self, tolerance: Decimal, level: float) -> Evidence:
        """Return the evidence of the moderated t that the mean is worse than that of the recipe; higher is better."""
        prior = shared_prior(self.others, self.spread.freedom)
        test, values = ModeratedT(spread=self.spread, prior=prior, now=self.now), self.spread.values
        ratio = test.variance / self.spread.chance
        shown = SeedSpread(count=len(values), low=min(values), high=max(values), over_chance=ratio)
        return of_tests([test], float(tolerance), level, shown)


def _mean(
    seeds: Sequence[Conditions], now: Conditions, others: Sequence[Sequence[Conditions]], units: Units
) -> RecipeMean:
    usable = [other for other in others if all(side.counted.any() for seed in other for side in seed)]
    return RecipeMean(
        spread=mean_spread(seeds, units),
        now=float(np.mean([side.ratio for side in now])),
        others=tuple(mean_spread(other, units) for other in usable),
    )


def mean_spread(seeds: Sequence[Conditions], units: Units) -> Spread:
    """Return the spread over the seeds of the mean of a ratio over the conditions; each side counts a sample.

    The parts of a sample are averaged over the conditions, as the ratios are, so that dependence between the conditions
    stays in the sample. A fall of the mean by a margin costs as in one condition with K times the samples.
    """
    by_condition = list(zip(*seeds, strict=True))
    ratios = np.array([[side.ratio for side in seed] for seed in seeds])
    counted = np.array([np.mean([side.counted.sum() for side in sides]) for sides in by_condition])
    expected = [
        [mean if side.at_threshold is None else side.at_threshold for side in sides]
        for mean, sides in zip(ratios.mean(axis=0), by_condition, strict=True)
    ]
    parts = [
        np.mean([
            (side.good - expected[number][seed] * side.counted) / counted[number]
            for number, side in enumerate(conditions)
        ], axis=0)
        for seed, conditions in enumerate(seeds)
    ]  # fmt: skip
    return Spread(
        values=tuple(map(float, ratios.mean(axis=1))),
        chance=chance_variance(np.stack(parts), units),
        counted=len(counted) * min(float(1 / np.mean(1 / counted)), len(units)),
    )


# ---- what a rate counts on each seed in each condition ---------------------------------------------------------------


def _by_seed(shares: Sequence[Share]) -> list[tuple[SeedShare, ...]]:
    """Return what each seed did in each condition."""
    return list(zip(*(share.seeds for share in shares), strict=True))


def _accurate(shares: Sequence[Share]) -> list[list[Counted]]:
    return [[_over_all(one.right) for one in seed] for seed in _by_seed(shares)]


def _over_all(good: Mask) -> Counted:
    return Counted(good=good, counted=np.ones_like(good))


def _of_trusted(shares: Sequence[Share]) -> Iterator[list[list[Counted]]]:
    """Yield confident_accuracy and confident_correct_rate."""
    of_seeds = _by_seed(shares)
    yield [[Counted(good=one.right & one.trusted, counted=one.trusted) for one in seed] for seed in of_seeds]
    yield [[_over_all(one.right & one.trusted) for one in seed] for seed in of_seeds]


def _of_all(shares: Sequence[Share]) -> Iterator[list[list[Counted]]]:
    """Yield silent_failure_rate and confident_correct_rate."""
    of_seeds = _by_seed(shares)
    yield [[_over_all(~one.right & one.trusted) for one in seed] for seed in of_seeds]
    yield [[_over_all(one.right & one.trusted) for one in seed] for seed in of_seeds]


def _ranked(shares: Sequence[Share], way: CoverageWay) -> list[list[Counted]]:
    """Return the right answers among the most trusted ones of each seed."""
    ways = [[next(reached for reached in one.ways if reached.way is way) for one in seed] for seed in _by_seed(shares)]
    return [
        [Counted(good=one.right, counted=one.trusted, at_threshold=one.right_at_threshold) for one in seed]
        for seed in ways
    ]

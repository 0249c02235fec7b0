"""The spread of a metric over the seeds of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pytest_failaware.core.baseline import FEWEST_SEEDS
from pytest_failaware.core.metric import AnyMetric, Direction, Metric, RateMetric, ScoreMetric
from pytest_failaware.core.records import Records
from pytest_failaware.core.result import CoverageWay
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.coverage import reached_by
from pytest_failaware.judge.metrics.rates import AT_COVERAGE, DEFAULT_GATES, METRICS
from pytest_failaware.judge.outcomes import Mask, Outcomes, outcomes_of
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.recipe.seeds import Recipe
from pytest_failaware.judge.significance.jackknife import deal
from pytest_failaware.judge.significance.moderated import Spread, chance_variance
from pytest_failaware.judge.significance.units import Rows, Units

_OF_ALL: Final = ("accuracy", "silent_failure_rate", "confident_correct_rate")
"""The rates over all samples, which have a value if nothing is trusted."""


def recipe_of(seeds: Sequence[Records], now: Records, rule: FailureRule) -> Recipe:
    """Return the seeds of a recipe on the samples of a candidate, under the stored rule.

    Args:
        seeds: the records of each seed, which have all samples of the candidate.
        now: the records of the candidate; its groups count.
        rule: the stored rule.
    """
    outcomes = tuple(outcomes_of(pair(records, now).before, rule) for records in seeds)
    recipe, units = Recipe(seeds=outcomes, spreads={}), Units.of(now.samples)
    spreads = {name: spread_over(seeds, units) for name, seeds in _sharing(recipe).items()}
    return Recipe(seeds=outcomes, spreads={name: spread for name, spread in spreads.items() if spread is not None})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Counted:
    """What a ratio counts on one side, (N,): the good samples among the counted ones.

    `at_threshold` is the share of good samples at the threshold if the counted samples were chosen by a threshold.
    """

    good: Mask
    counted: Mask
    at_threshold: float | None = None

    @property
    def ratio(self) -> float:
        """The ratio; NaN if nothing is counted."""
        return float(self.good.sum() / self.counted.sum()) if self.counted.any() else float("nan")


def _sharing(recipe: Recipe) -> dict[str, list[Counted]]:
    """Return what the default metrics count on each seed; rates over all samples if hardly anything is trusted."""
    names = DEFAULT_GATES if recipe.makes_promise else _OF_ALL
    metrics = [METRICS[name] for name in names if name in METRICS]
    counted = {metric.name: [counted_by(metric, seed) for seed in recipe.seeds] for metric in metrics}
    if not recipe.makes_promise:
        return counted
    tops = [most_trusted(CoverageWay.THRESHOLDS, seed, recipe.coverage) for seed in recipe.seeds]
    return {**counted, AT_COVERAGE.name: tops}


def counted_by(metric: Metric | RateMetric, side: Outcomes) -> Counted:
    """Return what a ratio counts on one side."""
    good, counted = side.masks(metric)
    return Counted(good=good, counted=counted)


def most_trusted(way: CoverageWay, side: Outcomes, count: int) -> Counted:
    """Return the right answers among the most trusted samples of one side, ordered in one way."""
    top = reached_by(way, side, count)
    return Counted(good=top.right, counted=top.trusted, at_threshold=top.right_at_threshold)


def spread_over(seeds: Sequence[Counted], units: Units, sign: int = 1) -> Spread | None:
    """Return the spread of a ratio over the seeds that have a value; None if these are too few.

    `sign` is -1 if lower is better. The parts of the samples are C (y - R) / mean(sum C), with C whether a sample is
    counted, y whether it is good, and R the mean ratio of the seeds, or of a ranking the share at the threshold.
    """
    sides = [side for side in seeds if side.counted.any()]
    if len(sides) < FEWEST_SEEDS:
        return None
    ratios = [side.ratio for side in sides]
    mean, counted = float(np.mean(ratios)), float(np.mean([side.counted.sum() for side in sides]))
    expected = [mean if side.at_threshold is None else side.at_threshold for side in sides]
    scores = [(side.good - share * side.counted) / counted for side, share in zip(sides, expected, strict=True)]
    return Spread(
        values=tuple(sign * ratio for ratio in ratios),
        chance=chance_variance(np.stack(scores), units),
        counted=min(counted, len(units)),
    )


def spread_of_score(metric: ScoreMetric, seeds: Sequence[Outcomes], samples: Samples) -> Spread | None:
    """Return the spread of a score metric over the seeds that have a value on all parts; None if these are too few.

    The variance of chance is that of the jackknife: (G - 1) / G sum_g var_s(x_sg - x_s), where x_sg is the value of
    seed s without part g of the samples. A fall has no count of samples.
    """
    part = deal(samples)
    without = [np.flatnonzero(part != number) for number in range(int(part.max(initial=-1)) + 1)]
    rows: list[Rows | slice] = [slice(None), *without]
    on_parts = [metric.on_parts(seed.records, ~seed.trusted) for seed in seeds]
    of_seeds = [[score_on(some).value for some in rows] for score_on in on_parts]
    values = np.array([of_parts for of_parts in of_seeds if None not in of_parts], dtype=np.float64)
    if len(values) < FEWEST_SEEDS or len(rows) < FEWEST_SEEDS:
        return None
    apart = (values[:, 1:] - values[:, :1]).var(axis=0, ddof=1)
    chance = (len(apart) - 1) / len(apart) * float(apart.sum())
    return Spread(
        values=tuple(sign_of(metric) * float(value) for value in values[:, 0]),
        chance=max(chance, float(np.finfo(np.float64).tiny)),
        counted=float("inf"),
    )


def sign_of(metric: AnyMetric) -> int:
    """Return the factor that makes higher values better; 1 if either direction is worse."""
    return -1 if metric.direction is Direction.LOWER_IS_BETTER else 1

"""The evidence that a candidate is worse than the seeds of its recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from pytest_failaware.core.estimates import Estimate, Score, Value
from pytest_failaware.core.metric import (
    AnyMetric,
    CoverageMetric,
    Direction,
    Metric,
    PairedTest,
    RateMetric,
    ScoreMetric,
)
from pytest_failaware.core.result import CoverageWay, Evidence, SeedSpread, WayEvidence
from pytest_failaware.judge.evidence import paired
from pytest_failaware.judge.recipe.seeds import Recipe
from pytest_failaware.judge.recipe.spreads import (
    Counted,
    counted_by,
    most_trusted,
    sign_of,
    spread_of_score,
    spread_over,
)
from pytest_failaware.judge.sides import Sides
from pytest_failaware.judge.significance.moderated import ModeratedT, Spread, shared_prior

Tested = tuple[Value, Value, Evidence | None]
"""The value of the baseline, that of the candidate, and the evidence; None if a side has no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """A candidate beside the spread of its recipe; both in one way if the metric is a ranking."""

    spread: Spread
    current: Value
    way: CoverageWay | None = None


def tested(metric: AnyMetric, sides: Sides, tolerance: Decimal, level: float) -> Tested:
    """Return a metric on both sides and the evidence of its change.

    The side before is the mean of the recipe if there is one. If fewer seeds have a value than a recipe needs, it is
    the nearest seed, as it is without a recipe.
    """
    recipe = sides.recipe
    if recipe is None:
        return paired(metric, sides, tolerance, level)
    compared = list(_KINDS[metric.test](metric, sides, recipe))
    if not compared:
        return paired(metric, replace(sides, recipe=None), tolerance, level)
    if compared[0].current.value is None:
        return _mean(metric, compared[0].spread), compared[0].current, None
    found = [(side, _evidence(metric, recipe, side, tolerance, level)) for side in compared]
    weakest, evidence = max(found, key=lambda pair: pair[1].p_beyond)
    proofs = [proof for _, proof in found]
    ways = tuple(
        WayEvidence(way=side.way, current=side.current, p_beyond=proof.p_beyond)
        for side, proof in found
        if side.way is not None and isinstance(side.current, Estimate)
    )
    whole = replace(
        evidence,
        p_worse=max(proof.p_worse for proof in proofs),
        p_better=max(proof.p_better for proof in proofs),
        ways=ways,
    )
    return _mean(metric, weakest.spread), weakest.current, whole


def _rate(metric: Metric | RateMetric, sides: Sides, recipe: Recipe) -> Iterator[_Compared]:
    """Yield a rate; nothing if too few seeds have a value. This holds for the other kinds of metrics, too."""
    spread = spread_over([counted_by(metric, seed) for seed in recipe.seeds], sides.now.units, sign_of(metric))
    if spread is not None:
        yield _Compared(spread=spread, current=_estimate(metric, counted_by(metric, sides.now)))


def _rate_at_coverage(metric: CoverageMetric, sides: Sides, recipe: Recipe) -> Iterator[_Compared]:
    """Yield a ranking, once for each way to the coverage of the recipe; the seeds have only the stored rule."""
    for way in ways_of(sides, recipe):
        seeds = [most_trusted(way, seed, recipe.coverage) for seed in recipe.seeds]
        side = sides.now if way is CoverageWay.NEW_RULE else sides.now_as_before
        spread = spread_over(seeds, sides.now.units, sign_of(metric))
        if spread is not None:
            current = _estimate(metric, most_trusted(way, side, recipe.coverage))
            yield _Compared(spread=spread, current=current, way=way)


def _score(metric: ScoreMetric, sides: Sides, recipe: Recipe) -> Iterator[_Compared]:
    spread = spread_of_score(metric, recipe.seeds, sides.now.records.samples)
    if spread is not None:
        yield _Compared(spread=spread, current=metric.measure(sides.now.records, ~sides.now.trusted))


_KINDS: Final[Mapping[PairedTest, Callable[[Any, Sides, Recipe], Iterator[_Compared]]]] = {
    PairedTest.RATE: _rate,
    PairedTest.COVERAGE: _rate_at_coverage,
    PairedTest.SCORE: _score,
}
"""The function of each test. Any: each function takes the kinds of metrics that name its test."""


def ways_of(sides: Sides, recipe: Recipe) -> Iterator[CoverageWay]:
    """Yield the ways to the coverage of the recipe that all sides have."""
    yield CoverageWay.THRESHOLDS
    if all(side.trusted_up_to is not None for side in (*recipe.seeds, sides.now_as_before)):
        yield CoverageWay.TEMPERATURE
    if sides.now is not sides.now_as_before:
        yield CoverageWay.NEW_RULE


def _evidence(metric: AnyMetric, recipe: Recipe, side: _Compared, tolerance: Decimal, level: float) -> Evidence:
    """Return the evidence of the moderated t; in both directions if either is worse, which doubles p."""
    spread, value = side.spread, sign_of(metric) * float(side.current.value or 0.0)
    others = [other for name, other in recipe.spreads.items() if name != metric.name]
    prior = shared_prior(others, spread.freedom)
    test = ModeratedT(spread=spread, prior=prior, now=value)
    tests = [test]
    if metric.direction is Direction.EITHER_IS_WORSE:
        negative = replace(spread, values=tuple(-number for number in spread.values))
        tests.append(ModeratedT(spread=negative, prior=prior, now=-value))
    return of_tests(tests, float(tolerance), level, _shown(metric, test))


def of_tests(tests: Sequence[ModeratedT], margin: float, level: float, seeds: SeedSpread) -> Evidence:
    """Return the evidence of a moderated t, or of one in each direction."""
    worst = max(tests, key=lambda test: test.drop)
    low, high = worst.interval
    return Evidence(
        paired=True,
        p_beyond=min(1.0, len(tests) * worst.p_more(margin)),
        p_within=max(test.p_less(margin) for test in tests),
        p_worse=min(1.0, len(tests) * worst.p_more()),
        p_better=1.0 if len(tests) > 1 else worst.p_less(),
        low=low,
        high=high,
        level=level,
        seeds=seeds,
    )


def _shown(metric: AnyMetric, test: ModeratedT) -> SeedSpread:
    values = [sign_of(metric) * value for value in test.spread.values]
    return SeedSpread(
        count=len(values), low=min(values), high=max(values), over_chance=test.variance / test.spread.chance
    )


def _mean(metric: AnyMetric, spread: Spread) -> Score:
    return Score(value=sign_of(metric) * spread.mean + 0.0, is_rate=metric.is_rate)  # + 0.0: never -0.0


def _estimate(metric: AnyMetric, side: Counted) -> Estimate:
    good, counted = int(side.good.sum()), int(side.counted.sum())
    return Estimate(numerator=good, denominator=counted, reason="" if counted else metric.undefined)

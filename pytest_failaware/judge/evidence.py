"""The evidence that the change of one metric gives, on the same samples of both sides."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.estimates import Estimate, Value
from pytest_failaware.core.metric import (
    AnyMetric,
    CoverageMetric,
    Direction,
    Metric,
    PairedTest,
    RateMetric,
    ScoreMetric,
)
from pytest_failaware.core.result import Evidence
from pytest_failaware.judge import significance
from pytest_failaware.judge.changes import at_coverage
from pytest_failaware.judge.sides import Sides
from pytest_failaware.judge.significance.grouped import Floats, Groups
from pytest_failaware.judge.significance.jackknife import Rows, deal, jackknife_evidence
from pytest_failaware.judge.significance.rates import Interval

Mask = NDArray[np.bool_]
Masks = tuple[Mask, Mask]
"""The counted samples and the samples of the denominator, (N,) each."""

_Tested = tuple[Value, Value, Evidence | None]

_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drop:
    """The tests of one direction as functions of the margin, an interval of the drop, and the flips.

    `p_more` is small if the drop is proven larger than the margin, `p_less` if it is proven smaller.
    """

    p_more: Callable[[float], float]
    p_less: Callable[[float], float]
    interval: Interval
    lost: int | None = None
    gained: int | None = None


def paired(metric: AnyMetric, sides: Sides, tolerance: Decimal, level: float) -> _Tested:
    """Return a metric on both sides and the evidence of its change; None as evidence if a side has no value."""
    return _TESTS[metric.test](metric, sides, tolerance, level)


def _rate(metric: Metric | RateMetric, sides: Sides, tolerance: Decimal, level: float) -> _Tested:
    masks = sides.before.masks(metric), sides.now.masks(metric)
    reference, current = (_estimate(metric, side) for side in masks)
    if not reference.denominator or not current.denominator:
        return reference, current, None
    return reference, current, paired_evidence(*masks, metric.direction, tolerance, level, sides.now.groups)


def _rate_at_coverage(metric: CoverageMetric, sides: Sides, tolerance: Decimal, level: float) -> _Tested:
    masks, now = at_coverage(sides), sides.now_as_before
    reference, current = (_estimate(metric, side) for side in masks)
    if not reference.denominator or not current.denominator:
        return reference, current, None
    around = now.right_around(current.denominator)
    return reference, current, coverage_evidence(*masks, around, tolerance, level, now.groups)


def _estimate(metric: AnyMetric, masks: Masks) -> Estimate:
    counted, among = (int(mask.sum()) for mask in masks)
    return Estimate(numerator=counted, denominator=among, reason="" if among else metric.undefined)


def paired_evidence(
    before: Masks, now: Masks, direction: Direction, tolerance: Decimal, level: float, groups: Groups = None
) -> Evidence:
    """Return the evidence of a rate on the same samples of both sides; no denominator may be 0.

    McNemar's and Tango's tests judge a rate over all samples. The score test of a ratio judges a rate over samples
    that the model itself chooses, and any rate whose samples come in groups.
    """
    if direction is Direction.EITHER_IS_WORSE:
        both = (Direction.HIGHER_IS_BETTER, Direction.LOWER_IS_BETTER)
        return _either([_paired_drop(before, now, worse, groups) for worse in both], tolerance, level)
    return _evidence(_paired_drop(before, now, direction, groups), tolerance, level)


def coverage_evidence(
    before: Masks, now: Masks, at_threshold: float, tolerance: Decimal, level: float, groups: Groups = None
) -> Evidence:
    """Return the evidence of a rate over equally many samples on both sides.

    `at_threshold` is the argument of `coverage_scores`.
    """
    old, new = _floats(before), _floats(now)
    drop = _scored_drop(
        lambda margin: significance.coverage_z(old, new, at_threshold, margin, groups),
        lambda margin: significance.coverage_scores(old, new, at_threshold, margin),
        groups,
    )
    return _evidence(drop, tolerance, level)


def score_evidence(metric: ScoreMetric, sides: Sides, tolerance: Decimal, level: float) -> _Tested:
    """Return a score metric on both sides and the evidence of its change; None as evidence if a side has no value."""
    scores = [metric.on_parts(side.records, ~side.trusted) for side in (sides.before, sides.now)]

    def drop_on(rows: Rows) -> float | None:
        old, new = (score_on(rows).value for score_on in scores)
        return None if old is None or new is None else (old - new) * metric.direction.value

    reference, current = (score_on(slice(None)) for score_on in scores)
    if reference.value is None or current.value is None:
        return reference, current, None
    drop = (reference.value - current.value) * metric.direction.value
    part = deal(sides.now.records.samples)
    return reference, current, jackknife_evidence(drop_on, drop, part, tolerance, level)


_TESTS: Final[Mapping[PairedTest, Callable[[Any, Sides, Decimal, float], _Tested]]] = {
    PairedTest.RATE: _rate,
    PairedTest.COVERAGE: _rate_at_coverage,
    PairedTest.SCORE: score_evidence,
}
"""The function of each test. Any: each function takes the kinds of metrics that name its test."""


def _evidence(drop: _Drop, tolerance: Decimal, level: float) -> Evidence:
    return Evidence(
        paired=True,
        p_beyond=drop.p_more(float(tolerance)),
        p_within=drop.p_less(float(tolerance)),
        p_worse=drop.p_more(0.0),
        p_better=drop.p_less(0.0),
        low=drop.interval.low,
        high=drop.interval.high,
        level=level,
        lost=drop.lost,
        gained=drop.gained,
    )


def _either(sides: list[_Drop], tolerance: Decimal, level: float) -> Evidence:
    """Return the evidence of a change in either direction; testing both directions doubles p.

    A change is within the tolerance if both directions are: these are two one-sided tests, which need no factor of two.
    """
    drop = min(sides, key=lambda side: side.p_more(0.0))
    return Evidence(
        paired=True,
        p_beyond=min(1.0, 2 * drop.p_more(float(tolerance))),
        p_within=max(side.p_less(float(tolerance)) for side in sides),
        p_worse=min(1.0, 2 * drop.p_more(0.0)),
        p_better=1.0,
        low=drop.interval.low,
        high=drop.interval.high,
        level=level,
        lost=drop.lost,
        gained=drop.gained,
    )


# ---- one direction -------------------------------------------------------------------------------------------------


def _paired_drop(before: Masks, now: Masks, direction: Direction, groups: Groups) -> _Drop:
    (good, counted), (new_good, new_counted) = (_oriented(side, direction) for side in (before, now))
    fixed = bool(counted.all() and new_counted.all())
    if fixed and groups is None:
        return _fixed_drop(good, new_good)
    old, new = _floats((good, counted)), _floats((new_good, new_counted))
    drop = _scored_drop(
        lambda margin: significance.ratio_z(old, new, margin, groups),
        lambda margin: significance.ratio_scores(old, new, margin),
        groups,
    )
    lost, gained = _flips(good, new_good)
    return dataclasses.replace(drop, lost=lost, gained=gained) if fixed else drop


def _scored_drop(z: Callable[[float], float], scores: Callable[[float], Floats], groups: Groups) -> _Drop:
    """Return the tests from the statistic and the scores at each margin; at margin 0 the scores sum to the change."""
    drop = -float(scores(0.0).sum())
    return _Drop(
        p_more=lambda margin: significance.normal_p(z(margin)),
        p_less=lambda margin: significance.normal_p(-z(margin)),
        interval=significance.score_interval(drop, scores(drop), _CONFIDENCE, groups),
    )


def _floats(masks: Masks) -> tuple[Floats, Floats]:
    good, counted = masks
    return good.astype(np.float64), counted.astype(np.float64)


def _fixed_drop(good: Mask, new_good: Mask) -> _Drop:
    n, (lost, gained) = len(good), _flips(good, new_good)
    return _Drop(
        p_more=lambda margin: significance.tango_p(lost, gained, n, margin),
        p_less=lambda margin: 1 - significance.tango_p(lost, gained, n, margin),
        interval=significance.tango_interval(lost, gained, n, _CONFIDENCE),
        lost=lost,
        gained=gained,
    )


def _flips(good: Mask, new_good: Mask) -> tuple[int, int]:
    return int((good & ~new_good).sum()), int((~good & new_good).sum())


def _oriented(masks: Masks, direction: Direction) -> Masks:
    """Return the good samples and the samples of the denominator."""
    counted, among = masks
    return (counted if direction is not Direction.LOWER_IS_BETTER else among & ~counted), among

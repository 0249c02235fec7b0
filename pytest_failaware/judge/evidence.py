"""The evidence that the change of one metric gives, on the same samples of both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
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
from pytest_failaware.core.pooled import Reached
from pytest_failaware.core.records import Records
from pytest_failaware.core.result import CoverageWay, Evidence, WayEvidence
from pytest_failaware.judge.coverage import reached
from pytest_failaware.judge.sides import Sides
from pytest_failaware.judge.significance.jackknife import ScoreChange, deal, jackknife_evidence
from pytest_failaware.judge.significance.means import PairedMean, mean_scores, mean_z
from pytest_failaware.judge.significance.paired import beyond_p, normal_p, tango_interval, within_p
from pytest_failaware.judge.significance.rates import Interval
from pytest_failaware.judge.significance.ratios import (
    PairedRatio,
    coverage_scores,
    coverage_z,
    ratio_scores,
    ratio_z,
    score_interval,
)
from pytest_failaware.judge.significance.units import Floats, Rows, Units

Mask = NDArray[np.bool_]
Masks = tuple[Mask, Mask]
"""The counted samples and the samples of the denominator, (N,) each."""

_Tested = tuple[Value, Value, Evidence | None]

_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drop:
    """The tests of one direction as functions of the margin, an interval of the drop, and the flips.

    `p_more` is small if the drop is proven larger than the margin, `p_less` if it is proven smaller. `interval` is None
    for a single unit, which shows no spread.
    """

    p_more: Callable[[float], float]
    p_less: Callable[[float], float]
    interval: Interval | None
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
    return reference, current, _ratio_evidence(_ratio(*masks, sides.now.units), metric.direction, tolerance, level)


def _rate_at_coverage(metric: CoverageMetric, sides: Sides, tolerance: Decimal, level: float) -> _Tested:
    """Return the rate in the way with the weakest proof, since a ranking is worse only if every way proves it.

    All ways must reject, so their p need no correction (an intersection-union test, Berger 1982, "Multiparameter
    hypothesis testing and acceptance sampling"). That a drop is excluded must hold for the rule that will be in use.
    """
    before = (sides.before.right & sides.before.trusted, sides.before.trusted)
    reference = _estimate(metric, before)
    ways = list(reached(sides))
    if not reference.denominator:
        return reference, _estimate(metric, (ways[0].right, ways[0].trusted)), None
    found = [_of_way(metric, before, way, sides.now.units, tolerance, level) for way in ways]
    weakest, evidence = max(found, key=lambda pair: pair[1].p_beyond)
    in_use = found[-1 if ways[-1].way is CoverageWay.NEW_RULE else 0][1]
    proofs = [proof for _, proof in found]
    return (
        reference,
        weakest,
        replace(
            evidence,
            p_within=in_use.p_within,
            p_worse=max(proof.p_worse for proof in proofs),
            p_better=max(proof.p_better for proof in proofs),
            ways=tuple(
                WayEvidence(way=way.way, current=current, p_beyond=proof.p_beyond)
                for way, (current, proof) in zip(ways, found, strict=True)
            ),
        ),
    )


def _of_way(
    metric: CoverageMetric, before: Masks, way: Reached, units: Units, tolerance: Decimal, level: float
) -> tuple[Estimate, Evidence]:
    """Return the rate that a way reaches, with the evidence of its change."""
    now = (way.right, way.trusted)
    drop = _coverage_drop(_ratio(before, now, units), way.right_at_threshold)
    return _estimate(metric, now), _evidence(drop, tolerance, level)


def _estimate(metric: AnyMetric, masks: Masks) -> Estimate:
    counted, among = (int(mask.sum()) for mask in masks)
    return Estimate(numerator=counted, denominator=among, reason="" if among else metric.undefined)


def _ratio(before: Masks, now: Masks, units: Units) -> PairedRatio:
    return PairedRatio(before=_floats(before), now=_floats(now), units=units)


def _floats(masks: Masks) -> tuple[Floats, Floats]:
    counted, among = masks
    return counted.astype(np.float64), among.astype(np.float64)


def _ratio_evidence(ratio: PairedRatio, direction: Direction, tolerance: Decimal, level: float) -> Evidence:
    if direction is Direction.EITHER_IS_WORSE:
        return _either([_drop(ratio), _drop(ratio.complement)], tolerance, level)
    return _evidence(_drop(ratio if direction is Direction.HIGHER_IS_BETTER else ratio.complement), tolerance, level)


def score_evidence(metric: ScoreMetric, sides: Sides, tolerance: Decimal, level: float) -> _Tested:
    """Return a score metric on both sides and the evidence of its change; None as evidence if a side has no value."""
    scores = [metric.on_parts(side.records, ~side.trusted) for side in (sides.before, sides.now)]

    def drop_on(rows: Rows) -> float | None:
        old, new = (score_on(rows).value for score_on in scores)
        return None if old is None or new is None else (old - new) * metric.direction.value

    reference, current = (score_on(slice(None)) for score_on in scores)
    if reference.value is None or current.value is None:
        return reference, current, None
    harmed = metric.measure(with_surest_wrong(sides.now.records), ~sides.now.trusted).value
    change = ScoreChange(
        drop=(reference.value - current.value) * metric.direction.value,
        on_rows=drop_on,
        harm=0.0 if harmed is None else (current.value - harmed) * metric.direction.value,
    )
    return reference, current, jackknife_evidence(change, deal(sides.now.records.samples), tolerance, level)


def with_surest_wrong(records: Records) -> Records:
    """Return the records with the surest right answer made wrong: its label becomes the second most probable class.

    Without a right answer they stay as they are. Which class comes second is not stored, so the label only gets another
    number; its probability is the second largest one.
    """
    right = np.flatnonzero(records.correct)
    if not len(right):
        return records
    surest = right[records.confidence[right].argmax()]
    labels, of_label = records.label.copy(), records.label_log_probability.copy()
    labels[surest] = labels[surest] - 1 if labels[surest] else 1
    of_label[surest] = np.log(max(records.second_probability[surest], np.finfo(np.float32).tiny))
    return replace(records, samples=replace(records.samples, labels=labels), label_log_probability=of_label)


_TESTS: Final[Mapping[PairedTest, Callable[[Any, Sides, Decimal, float], _Tested]]] = {
    PairedTest.RATE: _rate,
    PairedTest.COVERAGE: _rate_at_coverage,
    PairedTest.SCORE: score_evidence,
}
"""The function of each test. Any: each function takes the kinds of metrics that name its test."""


def rate_evidence(ratio: PairedRatio, tolerance: Decimal, level: float) -> Evidence:
    """Return the evidence of a fall of a ratio."""
    return _evidence(_drop(ratio), tolerance, level)


def mean_evidence(mean: PairedMean, tolerance: Decimal, level: float) -> Evidence:
    """Return the evidence of a fall of the mean of a rate over several conditions."""
    return _evidence(_scored_drop(mean.units, partial(mean_z, mean), partial(mean_scores, mean)), tolerance, level)


def _evidence(drop: _Drop, tolerance: Decimal, level: float) -> Evidence:
    return Evidence(
        paired=True,
        p_beyond=drop.p_more(float(tolerance)),
        p_within=drop.p_less(float(tolerance)),
        p_worse=drop.p_more(0.0),
        p_better=drop.p_less(0.0),
        low=drop.interval.low if drop.interval else None,
        high=drop.interval.high if drop.interval else None,
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
        low=drop.interval.low if drop.interval else None,
        high=drop.interval.high if drop.interval else None,
        level=level,
        lost=drop.lost,
        gained=drop.gained,
    )


# ---- one direction -------------------------------------------------------------------------------------------------


def _drop(ratio: PairedRatio) -> _Drop:
    """Return the tests of a fall of a ratio.

    McNemar's and Tango's tests judge a rate over all samples. The score test of a ratio judges a rate over samples
    that the model itself chooses, and any rate whose samples come in groups.
    """
    if not ratio.counts_all:
        return _ratio_drop(ratio)
    lost, gained = ratio.flips
    if ratio.units.are_groups:
        return replace(_ratio_drop(ratio), lost=lost, gained=gained)
    return _fixed_drop(lost, gained, len(ratio.units))


def _fixed_drop(lost: int, gained: int, n: int) -> _Drop:
    return _Drop(
        p_more=lambda margin: beyond_p(lost, gained, n, margin),
        p_less=lambda margin: within_p(lost, gained, n, margin),
        interval=tango_interval(lost, gained, n, _CONFIDENCE),
        lost=lost,
        gained=gained,
    )


def _ratio_drop(ratio: PairedRatio) -> _Drop:
    return _scored_drop(ratio.units, partial(ratio_z, ratio), partial(ratio_scores, ratio))


def _coverage_drop(ratio: PairedRatio, at_threshold: float) -> _Drop:
    """Return the tests of a fall of a ratio over equally many samples on both sides; see `coverage_scores`."""
    return _scored_drop(
        ratio.units, partial(coverage_z, ratio, at_threshold), partial(coverage_scores, ratio, at_threshold)
    )


def _scored_drop(units: Units, z: Callable[[float], float], scores: Callable[[float], Floats]) -> _Drop:
    """Return the tests from the statistic and the scores at each margin; at margin 0 the scores sum to the change."""
    drop = -float(scores(0.0).sum())
    return _Drop(
        p_more=lambda margin: normal_p(z(margin)),
        p_less=lambda margin: normal_p(-z(margin)),
        interval=score_interval(drop, units.sums(scores(drop)), _CONFIDENCE) if len(units) > 1 else None,
    )

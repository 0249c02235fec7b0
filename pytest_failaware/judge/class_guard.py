"""The class guard: no class may lose much more of its right answers than chance explains.

A gate over all samples stays green if one class of a hundred is lost, since this is one point of accuracy.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.result import CLASS_GUARD, Comparison, Evidence, Verdict
from pytest_failaware.judge.evidence import rate_evidence
from pytest_failaware.judge.outcomes import Mask, Outcomes
from pytest_failaware.judge.sentences import judgement
from pytest_failaware.judge.sides import Sides
from pytest_failaware.judge.significance.paired import beyond_p, normal_p
from pytest_failaware.judge.significance.ratios import PairedRatio, ratio_z
from pytest_failaware.judge.significance.units import Units


def guarded(gate: Gate, sides: Sides, classes: tuple[str, ...]) -> Comparison | None:
    """Return the comparison of the class that lost most, None if no class is proven to lose more than the guard allows.

    For each class with samples, the test of a rate over its samples asks whether more than `gate.class_guard` of the
    right answers are lost. The smallest p counts, times the number of these classes (Bonferroni). A condition in which
    the baseline answers less than half of the samples right is not judged: there a network answers a few classes for
    everything, and which ones these are changes with every training.

    Against a recipe the class must be lost against every seed, since one seed can be unusually good at a class. All
    tests must reject, so their p need no correction.
    """
    if gate.class_guard is None or not gate.has_class_guard or unguarded(gate, sides) is not None:
        return None
    labels = sides.now.records.label
    present = np.flatnonzero(np.bincount(labels, minlength=len(classes)))
    p_of = {int(number): _p(sides, labels == number, float(gate.class_guard)) for number in present}
    worst = min(p_of, key=lambda number: p_of[number])
    if p_of[worst] * len(present) >= gate.levels.gate:
        return None
    ratio = _ratio(sides.before, sides.now, labels == worst)
    evidence = rate_evidence(ratio, gate.class_guard, gate.levels.gate)
    evidence = _of_many(replace(evidence, p_beyond=p_of[worst]), len(present))
    return _comparison(sides, labels == worst, classes[worst], gate.class_guard, evidence)


def unguarded(gate: Gate, sides: Sides) -> Estimate | None:
    """Return the right answers of the baseline if the guard is on and they are less than half of the samples."""
    right = Estimate(numerator=int(sides.before.right.sum()), denominator=len(sides.before.right))
    is_hard = 2 * right.numerator < right.denominator
    return right if gate.has_class_guard and is_hard else None


def _p(sides: Sides, rows: Mask, allowed: float) -> float:
    """Return the p of "the accuracy of the class fell by at most this", without the interval that takes time.

    Against a recipe it is the largest p of its seeds.
    """
    seeds = (sides.before,) if sides.recipe is None else sides.recipe.seeds
    return max(_paired_p(_ratio(seed, sides.now, rows), allowed) for seed in seeds)


def _paired_p(ratio: PairedRatio, allowed: float) -> float:
    if ratio.units.are_groups:
        return normal_p(ratio_z(ratio, allowed))
    return beyond_p(*ratio.flips, len(ratio.units), allowed)


def _of_many(evidence: Evidence, classes: int) -> Evidence:
    """Return the evidence on the worst of so many classes: its p count as often."""
    return replace(
        evidence,
        p_beyond=min(1.0, evidence.p_beyond * classes),
        p_worse=min(1.0, evidence.p_worse * classes),
    )


def _ratio(before: Outcomes, now: Outcomes, rows: Mask) -> PairedRatio:
    """Return the right answers of both sides among the samples of a class, with the groups of these samples."""
    was_right, is_right = (side.right[rows].astype(np.float64) for side in (before, now))
    counted, units = np.ones(len(is_right)), Units.of(now.records.samples.take(np.flatnonzero(rows)))
    return PairedRatio(before=(was_right, counted), now=(is_right, counted), units=units)


def _comparison(sides: Sides, rows: Mask, name: str, allowed: Decimal, evidence: Evidence) -> Comparison:
    reference, current = (
        Estimate(numerator=int(side.right[rows].sum()), denominator=int(rows.sum()))
        for side in (sides.before, sides.now)
    )
    return Comparison(
        metric=CLASS_GUARD,
        reference=reference,
        current=current,
        allowed=allowed,
        verdict=Verdict.REGRESSED,
        note=judgement.of_class(name),
        evidence=evidence,
    )

"""Comparisons of gating metrics with their reference, and checks of literal bounds.

Decisions on counts use exact fractions: the counts on one side, the typed decimal on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from pytest_failaware.core.estimates import ConditionStats, Estimate, Value
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.metric import AnyMetric, Direction
from pytest_failaware.core.result import BoundCheck, Comparison, CoverageWay, Evidence, Verdict
from pytest_failaware.judge.changes import change_rate
from pytest_failaware.judge.metrics.rates import AT_COVERAGE, CHANGE_RATES, GATE_TOLERANCE
from pytest_failaware.judge.policy import decide
from pytest_failaware.judge.recipe.evidence import tested
from pytest_failaware.judge.sentences import judgement, recipe
from pytest_failaware.judge.sides import Sides
from pytest_failaware.judge.significance.rates import clopper_pearson_upper

INSTEAD: Final = "silent_failure_rate"
"""The metric that judges the promise of a baseline that trusts hardly anything."""
_OF_TRUSTED: Final = ("confident_accuracy", AT_COVERAGE.name)
"""The metrics without a value, or of a few samples, for a baseline that trusts hardly anything."""
_EQUIVALENT: Final = {"changed_prediction_rate": Decimal("0.01"), "changed_flag_rate": Decimal("0.01")}
"""The bounds of the policy equivalence if the gate bounds neither rate."""


def gated(gate: Gate, sides: Sides) -> Iterator[Comparison]:
    """Yield the comparison of each judged metric; nothing under equivalence, which gates by its bounds."""
    for name in () if gate.policy is Policy.EQUIVALENCE else _judged(gate, sides):
        yield _explained(compared(name, gate, sides), gate, sides)


def _judged(gate: Gate, sides: Sides) -> tuple[str, ...]:
    """Return the gating metrics; silent failures instead of trusted answers if the baseline trusts hardly anything."""
    replaced = _replaced(gate, sides)
    return tuple(dict.fromkeys(INSTEAD if name in replaced else name for name in gate.metrics))


def _replaced(gate: Gate, sides: Sides) -> list[str]:
    """Return the gating metrics that need trusted answers, if the baseline trusts hardly anything."""
    return [name for name in gate.metrics if name in _OF_TRUSTED and not sides.makes_promise]


def _explained(comparison: Comparison, gate: Gate, sides: Sides) -> Comparison:
    """Return the comparison with notes if it judges instead of metrics that have no value, or by the nearest seed."""
    replaced, evidence = _replaced(gate, sides), comparison.evidence
    by_nearest = sides.recipe is not None and evidence is not None and evidence.seeds is None
    notes = [
        comparison.note,
        judgement.judged_for(replaced) if comparison.metric == INSTEAD and replaced else "",
        recipe.UNDEFINED if by_nearest else "",
    ]
    return replace(comparison, note="; ".join(filter(None, notes)))


def compared(name: str, gate: Gate, sides: Sides) -> Comparison:
    """Return the comparison of one metric, which need not gate, under the policy and the level of the gate."""
    metric = gate.table[name]
    reference, current, evidence = tested(metric, sides, gate.allowed(name), gate.levels.gate)
    return _comparison(metric, reference, current, gate, evidence)


def drifted(gate: Gate, sides: Sides, budget: Decimal) -> Iterator[Comparison]:
    """Yield the gating metrics that are proven worse than the golden reference by more than the budget.

    The side before is the golden reference under the rule that is stored with it. A change that the tolerance allows in
    one step is never drift. The metrics share their part of alpha under every policy.
    """
    for name in _judged(gate, sides):
        allowed = max(_budget(gate.table[name], budget), gate.allowed(name))
        reference, current, evidence = tested(gate.table[name], sides, allowed, gate.levels.drift)
        if evidence is not None and evidence.p_beyond < evidence.level:
            yield Comparison(
                metric=name,
                reference=reference,
                current=current,
                allowed=allowed,
                verdict=Verdict.DRIFTED,
                note=judgement.AGAINST_GOLDEN,
                evidence=evidence,
            )


def _budget(metric: AnyMetric, budget: Decimal) -> Decimal:
    """Return the drift budget in units of the metric: scaled by the metric's default tolerance if it is a score."""
    return budget if metric.is_ratio else budget * Decimal(str(metric.tolerance)) / GATE_TOLERANCE


def _comparison(
    metric: AnyMetric, reference: Value, current: Value, gate: Gate, evidence: Evidence | None
) -> Comparison:
    tolerance = gate.allowed(metric.name)
    if evidence is None or reference.fraction is None or current.fraction is None:
        verdict, note = _undefined(metric.name, reference, current, gate)
    else:
        drop = worsening(reference.fraction, current.fraction, metric.direction)
        verdict = decide(gate.policy, evidence, drop, Fraction(tolerance))
        note = unproven(gate.policy, evidence) if verdict is Verdict.INCONCLUSIVE else _without_temperature(evidence)
    return Comparison(
        metric=metric.name,
        reference=reference,
        current=current,
        allowed=tolerance,
        verdict=verdict,
        note=note,
        evidence=evidence,
    )


def _without_temperature(evidence: Evidence) -> str:
    """Return a note if the coverage of the baseline was reached by thresholds alone."""
    ways = {way.way for way in evidence.ways}
    return judgement.THRESHOLDS_ALONE if ways and CoverageWay.TEMPERATURE not in ways else ""


def unproven(policy: Policy, evidence: Evidence) -> str:
    """Return the p that did not prove a drop, with its level: these say more than an interval of 95 %."""
    p = evidence.p_beyond if policy is Policy.BEYOND_TOLERANCE else evidence.p_worse
    return judgement.not_below(p, evidence.level)


def worsening(before: Fraction, now: Fraction, direction: Direction) -> Fraction:
    """Return the change for the worse; the absolute change if a metric is worse in either direction."""
    return abs(now - before) if direction is Direction.EITHER_IS_WORSE else (before - now) * direction.value


def _undefined(name: str, before: Value, now: Value, gate: Gate) -> tuple[Verdict, str]:
    """Return the verdict on a metric without a value on a side.

    If this side trusts nothing, confident_correct_rate judges the change instead of confident_accuracy.
    """
    if before.lacks_logits or now.lacks_logits:
        missing = before if before.lacks_logits else now
        reason = judgement.undefined(missing.reason, is_stored=missing is before)
        return Verdict.INCOMPARABLE, judgement.record_with_logits(reason)
    if before.fraction is None and now.fraction is None:
        return Verdict.PASSED, judgement.undefined_on_both(now.reason)
    missing = before if before.fraction is None else now
    reason = judgement.undefined(missing.reason, is_stored=missing is before)
    other = "confident_correct_rate"
    if name == "confident_accuracy" and missing is now and other in gate.metrics:
        return Verdict.PASSED, judgement.judged_instead(reason, other)
    return Verdict.INCOMPARABLE, reason


# ---- literal bounds ------------------------------------------------------------------------------------------------


def bounded(gate: Gate, stats: ConditionStats) -> Iterator[BoundCheck]:
    """Yield the checks of literal bounds that need only one side, so that they hold without a baseline."""
    values: Mapping[str, Value] = {**stats.rates, **stats.scores}
    for bounds, failing in ((gate.minimum, Verdict.BELOW_MINIMUM), (gate.maximum, Verdict.ABOVE_MAXIMUM)):
        for name, limit in bounds.items():
            if name in CHANGE_RATES:
                continue
            value = values[name]
            verdict = Verdict.INCOMPARABLE if value.fraction is None else _within(value.fraction, limit, failing)
            yield BoundCheck(
                metric=name,
                limit=limit,
                is_minimum=failing is Verdict.BELOW_MINIMUM,
                current=value,
                verdict=verdict,
                note=value.reason,
            )


def bounded_changes(gate: Gate, sides: Sides) -> Iterator[BoundCheck]:
    """Yield the checks of the bounds of change rates.

    Under equivalence the exact upper confidence bound of each rate must stay within its maximum; otherwise only the
    observed rate must. Samples in groups count as `Units.effective_count` samples.
    """
    for name, limit in _change_bounds(gate).items():
        rate = change_rate(name, sides)
        verdict, note = _change_verdict(gate, rate, limit, sides.now.units.effective_count)
        yield BoundCheck(
            metric=name, limit=limit, is_minimum=False, current=rate, verdict=verdict, note=note or rate.reason
        )


def _change_bounds(gate: Gate) -> Mapping[str, Decimal]:
    """Return the gate's bounds of change rates; under equivalence with default bounds if it bounds neither rate."""
    bounds = {name: bound for name, bound in gate.maximum.items() if name in CHANGE_RATES}
    is_implied = gate.policy is Policy.EQUIVALENCE and not set(_EQUIVALENT) & set(bounds)
    return bounds | _EQUIVALENT if is_implied else bounds


def _change_verdict(gate: Gate, rate: Estimate, bound: Decimal, independent: float) -> tuple[Verdict, str]:
    observed = _within(Fraction(rate.numerator, rate.denominator), bound, Verdict.ABOVE_MAXIMUM)
    if gate.policy is not Policy.EQUIVALENCE or observed.fails:
        return observed, ""
    upper = clopper_pearson_upper(rate.numerator * independent / rate.denominator, independent, gate.levels.gate)
    return (Verdict.PASSED if upper <= bound else Verdict.NOT_SHOWN), judgement.not_excluded(upper, bound)


def _within(rate: Fraction, bound: Decimal, failing: Verdict) -> Verdict:
    outside = rate < Fraction(bound) if failing is Verdict.BELOW_MINIMUM else rate > Fraction(bound)
    return failing if outside else Verdict.PASSED

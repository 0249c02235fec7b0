"""A measurement x its baseline entry -> the verdict on one test item; opens no file.

A gating metric that is worse by more than its tolerance fails. Every comparison is made in exact fractions: counts on
one side, the decimal that was typed on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pytest_failaware.conditions import DEFINITIONS
from pytest_failaware.judge.metrics import METRICS, Direction, count_cells, stats_of
from pytest_failaware.schema import (
    Baseline,
    BaselineEntry,
    Comparison,
    ConditionStats,
    Estimate,
    Gate,
    ItemResult,
    Measurement,
    Records,
    Verdict,
)

if TYPE_CHECKING:
    from pytest_failaware.judge.rule import FailureRule

_CLOSE: Final = 1e-4
"""How far scores of identical records may differ: kernels disagree by 1e-7."""

_JUDGED_INSTEAD: Final = {True: "silent_failure_rate", False: "confident_correct_rate"}
"""Whether there is a confident_accuracy now -> the gate that judges the change where only one side has one."""


def judge(
    measurement: Measurement,
    gate: Gate,
    *,
    nodeid: str,
    name: str,
    baseline: Baseline | None,
    reference: Records | None,
) -> ItemResult:
    """The verdict on one condition.

    Args:
        measurement: what this run measured.
        gate: the rule, the gating metrics and their bounds.
        nodeid: the test item's id, for the report.
        name: the baseline's name, for the report.
        baseline: the stored baseline, None where there is no file.
        reference: the stored records of this condition, None where there are none.
    """
    stats = stats_of(measurement.condition.key, count_cells(measurement.records, gate.rule))
    bounds = tuple(_bounds(stats, gate))
    entry = baseline.entries.get(measurement.condition.key) if baseline else None
    if baseline is None or entry is None:
        return ItemResult(nodeid=nodeid, baseline=name, stats=stats, comparisons=bounds, verdict=Verdict.MISSING)
    differences = tuple(_differences(measurement, baseline, entry, gate, reference))
    stored = entry.cells if reference is None else count_cells(reference, gate.rule)
    same = (
        reference is not None
        and not differences
        and entry.rule == str(gate.rule)
        and records_equal(reference, measurement.records, gate.rule)
    )
    gated = () if differences else tuple(_gated(stats, stats_of(stats.condition, stored), gate))
    return ItemResult(
        nodeid=nodeid,
        baseline=name,
        stats=stats,
        comparisons=gated + bounds,
        verdict=_verdict(gated + bounds, incomparable=bool(differences), same=same),
        differences=differences,
        notes=tuple(_notes(entry, gate, reference)),
    )


def records_equal(one: Records, other: Records, rule: FailureRule) -> bool:
    """Whether two records are identical: ids, labels, predictions and flags equal, scores within 1e-4.

    The two unbounded scores, log-probability and logit, may differ by that much relative to their size.
    """
    import numpy as np

    if len(one) != len(other):
        return False
    exact = all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("sample_id", "label", "prediction")
    )
    flags, others = (rule.flags(confidence=side.confidence, entropy=side.entropy) for side in (one, other))
    return (
        exact
        and np.array_equal(flags, others)
        and all(
            np.allclose(getattr(one, name), getattr(other, name), rtol=relative, atol=_CLOSE)
            for name, relative in _RELATIVE.items()
        )
    )


_RELATIVE: Final[Mapping[str, float]] = {
    "confidence": 0.0,
    "entropy": 0.0,
    "label_log_probability": _CLOSE,
    "sum_squares": 0.0,
    "second_probability": 0.0,
    "max_logit": _CLOSE,
}


# ---- comparability -------------------------------------------------------------------------------------------------


def _differences(
    measurement: Measurement, baseline: Baseline, entry: BaselineEntry, gate: Gate, reference: Records | None
) -> Iterator[str]:
    """What makes the two sides numbers of different things; empty where they can be compared."""
    now, stored = measurement.provenance.data, baseline.data
    if now.classes != stored.classes:
        yield f"classes: {_class_difference(stored.classes, now.classes)}"
    if now.samples != stored.samples:
        yield f"images: baseline {stored.samples:,}, now {now.samples:,}"
    elif now.fingerprint != stored.fingerprint and now.classes == stored.classes:
        yield f"images: as many, but others (baseline {stored.fingerprint[:15]}…, now {now.fingerprint[:15]}…)"
    condition = measurement.condition
    pairs = {
        "preprocessing": (baseline.preprocessing, measurement.provenance.preprocessing),
        "parameters": (dict(entry.condition.parameters), dict(condition.parameters)),
        "implementation": (entry.implementation, DEFINITIONS[condition.name].implementation),
        "seed": (entry.seed, measurement.seed),
    }
    if reference is None:  # without its records the baseline cannot be judged under another rule
        pairs["rule"] = (entry.rule, str(gate.rule))
    yield from (f"{what}: baseline {old!r}, now {new!r}" for what, (old, new) in pairs.items() if old != new)


def _class_difference(stored: tuple[str, ...], now: tuple[str, ...]) -> str:
    gone = [name for name in stored if name not in now]
    added = [name for name in now if name not in stored]
    parts = [f"{word} {', '.join(map(repr, names[:3]))}" + ("…" if len(names) > 3 else "")
             for word, names in (("gone", gone), ("new", added)) if names]  # fmt: skip
    return "; ".join(parts) or "the same names in another order"


def _notes(entry: BaselineEntry, gate: Gate, reference: Records | None) -> Iterator[str]:
    if reference is None:
        yield "unpaired: the baseline's sample file is missing"
    elif entry.rule != str(gate.rule):
        yield f"both sides judged under {gate.rule}; the baseline was recorded under {entry.rule}"


# ---- one metric ----------------------------------------------------------------------------------------------------


def _gated(now: ConditionStats, before: ConditionStats, gate: Gate) -> Iterator[Comparison]:
    """Each gating metric against its stored value."""
    for name in gate.metrics:
        verdict, note = _against_tolerance(name, before.rates[name], now.rates[name], gate)
        yield Comparison(
            metric=name,
            reference=before.rates[name],
            current=now.rates[name],
            allowed=str(gate.tolerance[name]),
            verdict=verdict,
            note=note,
        )


def _against_tolerance(name: str, before: Estimate, now: Estimate, gate: Gate) -> tuple[Verdict, str]:
    if before.fraction is None or now.fraction is None:
        return _undefined(name, before, now, gate)
    change, allowed = now.fraction - before.fraction, Fraction(gate.tolerance[name])
    direction = METRICS[name].direction
    if direction is Direction.EITHER_IS_WORSE:
        return (Verdict.REGRESSED, "moved") if abs(change) > allowed else (Verdict.PASSED, "")
    gain = change * direction.value
    if gain < -allowed:
        return Verdict.REGRESSED, ""
    return (Verdict.IMPROVED if gain > allowed else Verdict.PASSED), ""


def _undefined(name: str, before: Estimate, now: Estimate, gate: Gate) -> tuple[Verdict, str]:
    """A metric that one side does not have; confident_accuracy can leave the judgement to a gate beside it."""
    if before.fraction is None and now.fraction is None:
        return Verdict.PASSED, f"{now.reason}, as in the baseline"
    missing = before if before.fraction is None else now
    side = "in the baseline" if missing is before else "now"
    other = _JUDGED_INSTEAD[now.fraction is not None]
    if name == "confident_accuracy" and other in gate.metrics:
        return Verdict.PASSED, f"{missing.reason} {side}; judged by {other}"
    return Verdict.INCOMPARABLE, f"{missing.reason} {side}"


def _bounds(stats: ConditionStats, gate: Gate) -> Iterator[Comparison]:
    """The literal bounds, which hold without a baseline."""
    for bounds, sign, failing in (
        (gate.minimum, ">=", Verdict.BELOW_MINIMUM),
        (gate.maximum, "<=", Verdict.ABOVE_MAXIMUM),
    ):
        for name, bound in bounds.items():
            rate = stats.rates[name]
            verdict = Verdict.INCOMPARABLE if rate.fraction is None else _within(rate.fraction, bound, failing)
            yield Comparison(
                metric=name,
                reference=None,
                current=rate,
                allowed=f"{sign} {bound}",
                verdict=verdict,
                note=rate.reason,
            )


def _within(rate: Fraction, bound: Decimal, failing: Verdict) -> Verdict:
    outside = rate < Fraction(bound) if failing is Verdict.BELOW_MINIMUM else rate > Fraction(bound)
    return failing if outside else Verdict.PASSED


def _verdict(comparisons: tuple[Comparison, ...], *, incomparable: bool, same: bool) -> Verdict:
    """The worst of its metrics' verdicts; unchanged records pass as such unless a bound fails."""
    if incomparable:
        return Verdict.INCOMPARABLE
    worst = min((one.verdict for one in comparisons), key=lambda verdict: verdict.severity)
    return Verdict.UNCHANGED if same and not worst.fails else worst

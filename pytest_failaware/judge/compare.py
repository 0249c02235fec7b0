"""A measurement x its baseline entry -> the verdict on one test item; opens no file.

A gating metric that is worse by more than its tolerance fails. Every comparison is made in exact fractions: counts on
one side, the decimal that was typed on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pytest_failaware.judge.metrics import AnyMetric, Direction, cell_rates, stats_of
from pytest_failaware.schema import (
    Baseline,
    BaselineEntry,
    Comparison,
    DataFacts,
    DatasetChange,
    Estimate,
    Gate,
    ItemResult,
    Measurement,
    Records,
    Verdict,
)

if TYPE_CHECKING:
    from pytest_failaware.judge.pairing import Pair
    from pytest_failaware.judge.rule import FailureRule

_CLOSE: Final = 1e-4
"""How far scores of identical records may differ: kernels disagree by 1e-7."""

_NOT_COUNTED: Final = Estimate(numerator=0, denominator=0, reason="not counted, its sample file is missing")
"""A metric of the user's own in a baseline of which only the four counts are left."""

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
    dataset_change: DatasetChange = DatasetChange.FAIL,
) -> ItemResult:
    """The verdict on one condition.

    Args:
        measurement: what this run measured.
        gate: the rule, the gating metrics and their bounds.
        nodeid: the test item's id, for the report.
        name: the baseline's name, for the report.
        baseline: the stored baseline, None where there is no file.
        reference: the stored records of this condition, None where there are none.
        dataset_change: what to do where the images are not those of the baseline.
    """
    key = measurement.condition.key
    stats = stats_of(key, measurement.records, gate.rule, gate.table)
    bounds = tuple(_bounds(stats.rates, gate))
    entry = baseline.entries.get(key) if baseline else None
    if baseline is None or entry is None:
        return ItemResult(nodeid=nodeid, baseline=name, stats=stats, comparisons=bounds, verdict=Verdict.MISSING)
    pair = None if reference is None else _paired(reference, measurement.records)
    differences = tuple(_differences(measurement, baseline, entry, gate, pair, dataset_change))
    gated: tuple[Comparison, ...] = ()
    if not differences:
        before = cell_rates(entry.cells) if pair is None else stats_of(key, pair.before, gate.rule, gate.table).rates
        now = stats.rates if pair is None else stats_of(key, pair.now, gate.rule, gate.table).rates
        gated = tuple(_gated(now, before, gate))
    same = (
        pair is not None
        and not differences
        and entry.rule == str(gate.rule)
        and records_equal(pair.before, pair.now, gate.rule)
    )
    return ItemResult(
        nodeid=nodeid,
        baseline=name,
        stats=stats,
        comparisons=gated + bounds,
        verdict=_verdict(gated + bounds, incomparable=bool(differences), same=same),
        differences=differences,
        notes=tuple(_notes(entry, gate, pair, comparable=not differences)),
        causes=tuple(_causes(entry, measurement)),
    )


def _paired(reference: Records, now: Records) -> Pair:
    from pytest_failaware.judge.pairing import pair  # numpy only where there is something to compare

    return pair(reference, now)


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
    measurement: Measurement,
    baseline: Baseline,
    entry: BaselineEntry,
    gate: Gate,
    pair: Pair | None,
    dataset_change: DatasetChange,
) -> Iterator[str]:
    """What makes the two sides numbers of different things; empty where they can be compared."""
    now, stored = measurement.provenance.data, baseline.data
    if now.classes != stored.classes:
        yield f"classes: {_class_difference(stored.classes, now.classes)}"
    elif dataset_change is DatasetChange.FAIL or pair is None:
        yield from _image_differences(stored, now)
    elif 2 * len(pair) < (pair.stored if pair.measured == now.samples else pair.measured):
        yield (
            f"images: {len(pair):,} of the baseline's {pair.stored:,} are among the {pair.measured:,} of this run; at "
            "least half have to be"
        )
    if pair is None and len(measurement.records) < now.samples:
        yield (
            f"images: {len(measurement.records):,} of {now.samples:,} were measured, and without the baseline's sample "
            "file their stored outcome is not known"
        )
    condition = measurement.condition
    pairs = {
        "preprocessing": (baseline.preprocessing, measurement.provenance.preprocessing),
        "parameters": (dict(entry.condition.parameters), dict(condition.parameters)),
        "implementation": (entry.condition.implementation, condition.implementation),
        "seed": (entry.seed, measurement.seed),
    }
    if pair is None:  # without its records the baseline cannot be judged under another rule
        pairs["rule"] = (entry.rule, str(gate.rule))
    yield from (f"{what}: baseline {old!r}, now {new!r}" for what, (old, new) in pairs.items() if old != new)


def _image_differences(stored: DataFacts, now: DataFacts) -> Iterator[str]:
    if now.samples != stored.samples:
        yield f"images: baseline {stored.samples:,}, now {now.samples:,}"
    elif now.fingerprint != stored.fingerprint:
        yield f"images: as many, but others (baseline {stored.fingerprint[:15]}…, now {now.fingerprint[:15]}…)"


def _class_difference(stored: tuple[str, ...], now: tuple[str, ...]) -> str:
    gone = [name for name in stored if name not in now]
    added = [name for name in now if name not in stored]
    parts = [f"{word} {', '.join(map(repr, names[:3]))}" + ("…" if len(names) > 3 else "")
             for word, names in (("gone", gone), ("new", added)) if names]  # fmt: skip
    return "; ".join(parts) or "the same names in another order"


def _notes(entry: BaselineEntry, gate: Gate, pair: Pair | None, *, comparable: bool) -> Iterator[str]:
    if pair is None:
        yield (
            "unpaired: the baseline's sample file is missing; restore it from version control, or record it again with "
            "--failaware-update-baselines"
        )
    elif comparable and not pair.is_whole:
        yield str(pair)
    if comparable and pair is not None and entry.rule != str(gate.rule):
        yield f"both sides judged under {gate.rule}; the baseline was recorded under {entry.rule}"


def _causes(entry: BaselineEntry, measurement: Measurement) -> Iterator[str]:
    """What differs besides the numbers: the first things to look at when a gate fails."""
    model, provenance = entry.model, measurement.provenance
    before = {"model": model.sha256[:8], "architecture": model.architecture, **entry.environment}
    now = {"model": provenance.model.sha256[:8], "architecture": provenance.model.architecture}
    now |= provenance.environment
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name, "none"), now.get(name, "none")
        if old != new:
            yield f"{name} {old} -> {new}"


# ---- one metric ----------------------------------------------------------------------------------------------------


def _gated(now: Mapping[str, Estimate], before: Mapping[str, Estimate], gate: Gate) -> Iterator[Comparison]:
    """Each gating metric against its stored value."""
    for name in gate.metrics:
        reference = before.get(name, _NOT_COUNTED)
        verdict, note = _against_tolerance(gate.table[name], reference, now[name], gate)
        yield Comparison(
            metric=name,
            reference=reference,
            current=now[name],
            allowed=str(gate.tolerance[name]),
            verdict=verdict,
            note=note,
        )


def _against_tolerance(metric: AnyMetric, before: Estimate, now: Estimate, gate: Gate) -> tuple[Verdict, str]:
    if before.fraction is None or now.fraction is None:
        return _undefined(metric.name, before, now, gate)
    change, allowed = now.fraction - before.fraction, Fraction(gate.tolerance[metric.name])
    direction = metric.direction
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


def _bounds(rates: Mapping[str, Estimate], gate: Gate) -> Iterator[Comparison]:
    """The literal bounds, which hold without a baseline."""
    for bounds, sign, failing in (
        (gate.minimum, ">=", Verdict.BELOW_MINIMUM),
        (gate.maximum, "<=", Verdict.ABOVE_MAXIMUM),
    ):
        for name, bound in bounds.items():
            rate = rates[name]
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

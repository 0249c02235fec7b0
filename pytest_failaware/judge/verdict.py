"""A measurement x its baseline entry -> the verdict on one test item; opens no file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.estimates import ConditionStats
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement, Provenance
from pytest_failaware.core.records import Records
from pytest_failaware.core.request import DRIFT_BUDGET, DatasetChange
from pytest_failaware.core.result import Comparison, ItemResult, Judged, SampleChange, Verdict
from pytest_failaware.judge.alarm import CLEAN, find_alarm, is_known, subject_of
from pytest_failaware.judge.changes import sample_change
from pytest_failaware.judge.class_names import unchanged_predictions
from pytest_failaware.judge.comparability import (
    find_differences,
    how_compared,
    likely_causes,
    records_equal,
    taken_on_trust,
)
from pytest_failaware.judge.diagnosis import diagnose
from pytest_failaware.judge.gating import bounded, bounded_changes, drifted, gated
from pytest_failaware.judge.groups import Groups, how_grouped, same_groups
from pytest_failaware.judge.metrics.rates import NON_FINITE, cell_rates, stats_of
from pytest_failaware.judge.outcomes import sides_of
from pytest_failaware.judge.pairing import Pair, pair
from pytest_failaware.judge.power import is_at_chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a comparison is made under, beside the gate."""

    dataset_change: DatasetChange = DatasetChange.FAIL
    drift_budget: Decimal = DRIFT_BUDGET


TERMS: Final = Terms()
NEARLY_ALL: Final = 0.95
"""The share of flagged clean samples from which a rule is said to flag nearly everything."""


def judge(
    measurement: Measurement,
    gate: Gate,
    *,
    nodeid: str,
    name: str,
    baseline: Baseline | None,
    reference: Records | None,
    golden: Records | None = None,
    groups: Groups = None,
    absence: str = "",
    is_misfit: bool = False,
    terms: Terms = TERMS,
) -> ItemResult:
    """The verdict on one condition.

    Args:
        measurement: what this run measured.
        gate: the rule, the gating metrics and their bounds.
        nodeid: the test item's id, for the report.
        name: the baseline's name, for the report.
        baseline: the stored baseline, None where there is no file.
        reference: the stored records of this condition, None where there are none; without them no stored entry can be
            compared.
        golden: the golden reference's records, None where the stored ones are golden themselves.
        groups: of the reference's samples; those of the measurement decide.
        absence: which of the entry's files are absent, as a sentence; "" where none is.
        is_misfit: whether the normalisation layers of the model see other inputs than in training.
        terms: what becomes of changed data and of slow drift.
    """
    key = measurement.condition.key
    stats = stats_of(key, measurement.records, gate.rule, gate.table, gate.named)
    bounds = tuple(bounded(gate, stats))
    entry = baseline.entries.get(key) if baseline else None
    at_chance = is_at_chance(entry.cells if entry else stats.cells, measurement.records.label)
    missing = ItemResult(
        nodeid=nodeid,
        baseline=name,
        stats=stats,
        comparisons=bounds,
        verdict=Verdict.MISSING,
        at_chance=at_chance,
        notes=tuple(not_finite(stats)),
        subject=subject_of(measurement.provenance),
    )
    if key == CLEAN:
        stored = None if baseline is None or reference is None else _Stored(baseline, reference, groups)
        missing = _with_alarm(missing, measurement, stored, is_misfit=is_misfit)
    if baseline is None or entry is None:
        return missing
    missing = dataclasses.replace(missing, reference=entry.records_sha256)
    both = None if reference is None else pair(reference, measurement.records, measurement.groups, groups)
    differences = tuple(find_differences(measurement, baseline, both, terms.dataset_change, absence))
    if differences or both is None:
        found_differences = dataclasses.replace(missing, differences=differences, lacks_files=bool(absence))
        return _incomparable(found_differences, measurement, baseline, reference)
    same = entry.rule == str(gate.rule) and records_equal(both.before, both.now, gate.rule)
    found, change = _paired(gate, both, baseline, same=same)
    comparisons = (*found, *_drift(gate, golden, measurement, terms.drift_budget), *bounds)
    return dataclasses.replace(
        missing,
        comparisons=comparisons,
        verdict=_worst(comparisons, same=same),
        notes=(
            *missing.notes,
            *how_grouped(baseline.data, both),
            *how_compared(entry, gate, both),
            *_without_drift(gate, golden),
            *taken_on_trust(measurement, baseline),
        ),
        change=change,
        has_other_groups=not same_groups(both.groups, both.groups_before),
        causes=tuple(likely_causes(entry, measurement)),
    )


def _incomparable(
    result: ItemResult,
    measurement: Measurement,
    baseline: Baseline,
    reference: Records | None,
) -> ItemResult:
    """The result of numbers of different things, with the stored rates for orientation."""
    entry = baseline.entries[measurement.condition.key]
    renamed = baseline.data.classes != measurement.provenance.data.classes
    return dataclasses.replace(
        result,
        verdict=Verdict.INCOMPARABLE,
        has_other_classes=renamed,
        notes=(
            *result.notes,
            *(unchanged_predictions(entry, reference, measurement) if renamed else ()),
            *taken_on_trust(measurement, baseline),
        ),
        causes=tuple(likely_causes(entry, measurement)),
        stored=cell_rates(entry.cells),
    )


class _Stored(NamedTuple):
    """A baseline with the records and groups of its entry for clean."""

    baseline: Baseline
    records: Records
    groups: Groups


def _with_alarm(result: ItemResult, measurement: Measurement, stored: _Stored | None, *, is_misfit: bool) -> ItemResult:
    """The result of clean with its alarm, or with a note if its rule trusts hardly any answer."""
    classes = measurement.provenance.data.classes
    alarm = find_alarm(measurement.records, classes, is_misfit=is_misfit, groups=measurement.groups)
    if alarm is None:
        return dataclasses.replace(result, notes=(*result.notes, *flags_nearly_all(result.stats, result.baseline)))
    is_stored = stored is not None and is_known(
        alarm,
        measurement.records,
        stored.records,
        classes,
        has_same_inputs=has_same_set_up(stored.baseline, measurement.provenance),
        groups=measurement.groups,
        groups_before=stored.groups,
    )
    return dataclasses.replace(result, alarm=alarm.text, is_alarm_stored=is_stored)


def has_same_set_up(baseline: Baseline | None, provenance: Provenance) -> bool:
    """Whether a baseline holds clean of this model under this preprocessing."""
    entry = None if baseline is None else baseline.entries.get(CLEAN)
    if baseline is None or entry is None:
        return False
    return (entry.model.sha256, baseline.preprocessing) == (provenance.model.sha256, provenance.preprocessing)


def flags_nearly_all(stats: ConditionStats, name: str = "NAME") -> Iterator[str]:
    """A sentence if the rule flags so much that the gates on trusted answers have nothing to count."""
    flagged = stats.rates["failure_rate"]
    if flagged.numerator >= NEARLY_ALL * flagged.denominator:
        yield (
            f"the rule flags {flagged.numerator:,} of {flagged.denominator:,} clean samples, so hardly any answer is "
            f"trusted; python -m pytest_failaware thresholds {name} --risk 0.05 chooses a rule from what is recorded"
        )


def not_finite(stats: ConditionStats) -> Iterator[str]:
    """A sentence where logits are not finite: such a model is broken for these images, whatever its rates are."""
    rate = stats.rates.get(NON_FINITE.name)
    if rate is not None and rate.numerator:
        yield (
            f"{rate.numerator:,} of {rate.denominator:,} samples get logits that are not finite (NaN or infinite); "
            f"they count as wrong and flagged ({NON_FINITE.name}, which a maximum can bound)"
        )


def _paired(gate: Gate, both: Pair, baseline: Baseline, *, same: bool) -> tuple[tuple[Judged, ...], SampleChange]:
    """What gates on the samples of both sides, and what changed among them."""
    before, now = sides_of(both, gate.rule)
    change = sample_change(
        before,
        now,
        baseline.data.classes,
        known_label_errors=baseline.known_label_errors,
        diagnosis=diagnose(before, now, gate),
    )
    found: list[Judged] = [*gated(gate, before, now), *bounded_changes(gate, before, now)]
    return tuple(map(_unchanged, found) if same else found), change


def _unchanged(comparison: Judged) -> Judged:
    """Identical records pass without a test, whatever the sample size."""
    if comparison.verdict is not Verdict.NOT_SHOWN:
        return comparison
    return dataclasses.replace(comparison, verdict=Verdict.UNCHANGED, note="identical records")


def _drift(gate: Gate, golden: Records | None, now: Measurement, budget: Decimal) -> tuple[Comparison, ...]:
    if golden is None:
        return ()
    before, after = sides_of(pair(golden, now.records, now.groups), gate.rule)
    return tuple(drifted(gate, before, after, budget))


def _without_drift(gate: Gate, golden: Records | None) -> Iterator[str]:
    """A sentence where the golden reference was stored before logits were."""
    names = [name for name in gate.metrics if name in gate.of_logits]
    if golden is not None and golden.logits is None and names:
        yield (
            f"no drift is judged of {', '.join(names)}: the golden reference holds no logits; an update with "
            "--failaware-reset-golden starts from these"
        )


def _worst(comparisons: tuple[Judged, ...], *, same: bool) -> Verdict:
    """The worst of its metrics' verdicts; unchanged records pass as such unless a bound fails."""
    worst = min((one.verdict for one in comparisons), key=lambda verdict: verdict.severity, default=Verdict.PASSED)
    return Verdict.UNCHANGED if same and not worst.fails else worst

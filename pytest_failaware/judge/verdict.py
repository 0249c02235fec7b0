"""The verdict on one test item: a measurement compared with its baseline entry. Opens no file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.condition import CLEAN
from pytest_failaware.core.estimates import ConditionStats
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement, Provenance
from pytest_failaware.core.records import Records
from pytest_failaware.core.reference import Reference, Stored
from pytest_failaware.core.request import DRIFT_BUDGET, DatasetChange
from pytest_failaware.core.result import ItemResult, Judged, SampleChange, Verdict
from pytest_failaware.judge.alarm import find_alarm, is_known, subject_of
from pytest_failaware.judge.changes import sample_change
from pytest_failaware.judge.class_guard import guarded, unguarded
from pytest_failaware.judge.class_names import unchanged_predictions
from pytest_failaware.judge.comparability import (
    find_differences,
    how_compared,
    likely_causes,
    records_equal,
    taken_on_trust,
)
from pytest_failaware.judge.drift import drift_from_golden
from pytest_failaware.judge.gating import bounded, bounded_changes, gated
from pytest_failaware.judge.groups import has_other_groups, how_grouped
from pytest_failaware.judge.metrics.rates import NON_FINITE, cell_rates, stats_of
from pytest_failaware.judge.moved import with_moved
from pytest_failaware.judge.pairing import Pair, pair
from pytest_failaware.judge.power import is_at_chance
from pytest_failaware.judge.recipe.centre import centred, equal_seed, how_judged
from pytest_failaware.judge.recipe.spreads import recipe_of
from pytest_failaware.judge.sentences import doubt, judgement
from pytest_failaware.judge.sides import Sides, sides_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of one judgement apart from the gate.

    `is_misfit` says whether the normalisation layers of the model see other inputs than in training.
    """

    nodeid: str = ""  # of the test item, for the report
    is_misfit: bool = False
    dataset_change: DatasetChange = DatasetChange.FAIL
    drift_budget: Decimal = DRIFT_BUDGET


TERMS: Final = Terms()
NEARLY_ALL: Final = 0.95
"""The share of flagged clean samples from which on a note says that the rule flags nearly everything."""


def judge(measurement: Measurement, reference: Reference, gate: Gate, terms: Terms = TERMS) -> ItemResult:
    """Return the verdict on one condition.

    Args:
        measurement: what this run measured.
        reference: what the baseline stores of the condition. An entry without its records cannot be compared.
        gate: the rule, the gating metrics and their bounds.
        terms: the item, how to treat changed data, and the drift budget.
    """
    gate = dataclasses.replace(gate, has_golden=reference.has_golden(gate.conditions))
    alone, seed = _alone(measurement, reference, gate, terms), equal_seed(reference, measurement.records, gate)
    how = how_judged(reference, seed, gate)
    first, reference = reference.stored, centred(reference, seed, gate)
    stored = reference.stored
    if first is None or stored is None:
        return alone
    alone = dataclasses.replace(alone, causes=tuple(likely_causes(first.entry, measurement, alone.rule)))
    both = None if reference.records is None else pair(reference.records, measurement.records)
    absence, change = reference.absence, terms.dataset_change
    differences = tuple(find_differences(measurement, stored.baseline, both, change, absence))
    if differences or both is None:
        alone = dataclasses.replace(alone, differences=differences, lacks_files=bool(absence))
        return _incomparable(alone, measurement, stored, reference.records)
    drift = drift_from_golden(gate, reference, measurement.records, terms.drift_budget)
    notes = (*alone.notes, *how, *_notes(measurement, stored, gate, both, reference.golden))
    is_grouped_otherwise = has_other_groups(measurement.provenance.data, both)
    alone = dataclasses.replace(
        alone, comparisons=(*drift, *alone.comparisons), notes=notes, has_other_groups=is_grouped_otherwise
    )
    recipe = recipe_of(reference.recipe, both.now, stored.entry.rule) if reference.recipe else None
    gate = gate if recipe is None else gate.against_recipe
    return _compared(alone, measurement, stored, gate, sides_of(both, stored.entry.rule, gate.rule, recipe))


def _alone(measurement: Measurement, reference: Reference, gate: Gate, terms: Terms) -> ItemResult:
    """Return the result without a comparison, as for a missing baseline."""
    key, provenance = measurement.condition.key, measurement.provenance
    stats = stats_of(key, measurement.records, gate.rule, gate.table, gate.named)
    entry = reference.stored.entry if reference.stored else None
    result = ItemResult(
        nodeid=terms.nodeid,
        baseline=reference.name,
        rule=gate.rule,
        levels=gate.levels,
        stored_rule=reference.rule,
        stats=stats,
        corruption=measurement.condition.corruption,
        severity=measurement.condition.severity,
        comparisons=tuple(bounded(gate, stats)),
        verdict=Verdict.MISSING,
        at_chance=is_at_chance(entry.cells if entry else stats.cells, measurement.records.label),
        notes=tuple(not_finite(stats)),
        subject=subject_of(provenance),
        reference=entry.identity if entry else "",
    )
    return _with_alarm(result, measurement, reference, is_misfit=terms.is_misfit) if key == CLEAN else result


def _compared(alone: ItemResult, measurement: Measurement, stored: Stored, gate: Gate, sides: Sides) -> ItemResult:
    """Return the result of two comparable sides, added to the drift and the bounds of `alone`."""
    baseline, entry = stored
    same = entry.rule == gate.rule and records_equal(sides.before.records, sides.now.records, gate.rule)
    paired, change = _paired(gate, sides, baseline, same=same)
    comparisons = (*paired, *alone.comparisons)
    return dataclasses.replace(
        alone,
        unguarded=unguarded(gate, sides),
        comparisons=comparisons,
        verdict=_worst(comparisons, same=same),
        change=change,
    )


def _notes(measurement: Measurement, stored: Stored, gate: Gate, both: Pair, golden: Records | None) -> Iterator[str]:
    """Yield sentences on how two comparable sides were compared."""
    yield from how_grouped(stored.baseline.data, both)
    yield from how_compared(both)
    yield from _without_drift(gate, golden)
    yield from taken_on_trust(measurement, stored.baseline)


def _incomparable(alone: ItemResult, measurement: Measurement, stored: Stored, records: Records | None) -> ItemResult:
    """Return the result of two sides that cannot be compared, with the stored rates for orientation."""
    baseline, entry = stored
    renamed = baseline.data.classes != measurement.provenance.data.classes
    return dataclasses.replace(
        alone,
        verdict=Verdict.INCOMPARABLE,
        has_other_classes=renamed,
        notes=(
            *alone.notes,
            *(unchanged_predictions(entry, records, measurement) if renamed else ()),
            *taken_on_trust(measurement, baseline),
        ),
        stored=cell_rates(entry.cells),
    )


def _with_alarm(result: ItemResult, measurement: Measurement, reference: Reference, *, is_misfit: bool) -> ItemResult:
    """Return the result of clean with its alarm, or with a note if the rule trusts hardly any answer."""
    classes, stored = measurement.provenance.data.classes, reference.records
    alarm = find_alarm(measurement.records, classes, is_misfit=is_misfit)
    if alarm is None:
        return dataclasses.replace(result, notes=(*result.notes, *flags_nearly_all(result.stats, result.baseline)))
    has_same_inputs = has_same_set_up(reference.baseline, measurement.provenance)
    is_stored = stored is not None and is_known(
        alarm, measurement.records, stored, classes, has_same_inputs=has_same_inputs
    )
    return dataclasses.replace(result, alarm=alarm.text, is_alarm_stored=is_stored)


def has_same_set_up(baseline: Baseline | None, provenance: Provenance) -> bool:
    """Return whether a baseline stores clean of this model under this preprocessing."""
    entry = None if baseline is None else baseline.entries.get(CLEAN)
    if baseline is None or entry is None:
        return False
    return (entry.model.sha256, baseline.preprocessing) == (provenance.model.sha256, provenance.preprocessing)


def flags_nearly_all(stats: ConditionStats, name: str = "NAME") -> Iterator[str]:
    """Yield a sentence if the rule flags so much that the gates on trusted answers have nothing to count."""
    flagged = stats.rates["failure_rate"]
    if flagged.numerator >= NEARLY_ALL * flagged.denominator:
        yield doubt.flags_nearly_all(flagged.numerator, flagged.denominator, name)


def not_finite(stats: ConditionStats) -> Iterator[str]:
    """Yield a sentence if logits are not finite: such a model is broken for these images, even with good rates."""
    rate = stats.rates.get(NON_FINITE.name)
    if rate is not None and rate.numerator:
        yield doubt.not_finite(rate.numerator, rate.denominator, NON_FINITE.name)


def _paired(gate: Gate, sides: Sides, baseline: Baseline, *, same: bool) -> tuple[tuple[Judged, ...], SampleChange]:
    """Return the gating comparisons on the samples of both sides, and what changed among these samples."""
    change = sample_change(
        sides,
        baseline.data.classes,
        known_label_errors=baseline.known_label_errors,
    )
    comparisons = judged(gate, sides, baseline.data.classes)
    return tuple(map(_unchanged, comparisons) if same else comparisons), change


def judged(gate: Gate, sides: Sides, classes: tuple[str, ...]) -> list[Judged]:
    """Return every comparison of a gate on the samples of both sides."""
    lost = guarded(gate, sides, classes)
    found: list[Judged] = [*gated(gate, sides), *([] if lost is None else [lost]), *bounded_changes(gate, sides)]
    return with_moved(found, gate, sides)


def _unchanged(comparison: Judged) -> Judged:
    """Return a comparison of identical records, which pass without a test for any sample size."""
    if comparison.verdict is not Verdict.NOT_SHOWN:
        return comparison
    return dataclasses.replace(comparison, verdict=Verdict.UNCHANGED, note=judgement.IDENTICAL)


def _without_drift(gate: Gate, golden: Records | None) -> Iterator[str]:
    """Yield a sentence if the golden reference was stored without the logits that some metrics need."""
    names = [] if golden is None else [name for name in gate.metrics if not gate.table[name].can_measure(golden)]
    if names:
        yield judgement.no_drift(names)


def _worst(comparisons: tuple[Judged, ...], *, same: bool) -> Verdict:
    """Return the worst verdict of the metrics; identical records are unchanged unless a bound fails."""
    verdicts = (comparison.verdict for comparison in comparisons)
    worst = min(verdicts, key=lambda verdict: verdict.severity, default=Verdict.PASSED)
    return Verdict.UNCHANGED if same and not worst.fails else worst

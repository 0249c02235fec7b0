"""The entries of a baseline, made from measurements, with the golden reference: the first accepted values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_failaware.baselines.sample_files import golden_files, missing_files, sha256_of
from pytest_failaware.baselines.samples import own_content, shared_content
from pytest_failaware.core.baseline import Baseline, BaselineEntry, Change, Golden
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.comparability import otherwise_made
from pytest_failaware.judge.metrics.rates import count_cells

RuledMeasurement = tuple[Measurement, FailureRule]
"""The measurement of an item, and the rule that judged it."""


def entry_of(
    measurement: Measurement,
    rule: FailureRule,
    old: BaselineEntry | None = None,
    reason: str = "",
    *,
    golden_reset: bool = False,
    is_filled: bool = False,
) -> BaselineEntry:
    """Return the entry of a measurement that replaces an old entry and continues its history with the reason.

    The first values of the old entry stay golden unless golden is reset, or the new records are the old records plus
    logits.
    """
    model, records = measurement.provenance.model, sha256_of(own_content(measurement.records, rule))
    history = old.history if old else ()
    if reason:
        history = (*history, Change(reason=reason, model_sha256=model.sha256, golden_reset=golden_reset))
    return BaselineEntry(
        condition=measurement.condition,
        seed=measurement.seed,
        rule=rule,
        cells=count_cells(measurement.records, rule),
        records_sha256=records,
        model=model,
        environment=measurement.provenance.environment,
        golden=golden_after(old, records, rule) if old and not (golden_reset or is_filled) else None,
        history=history,
    )


def baseline_of(measurement: Measurement, rule: FailureRule, name: str) -> Baseline:
    """Return a baseline with only one measurement, as an update without a stored file would make it."""
    provenance = measurement.provenance
    return Baseline(
        name=name,
        data=provenance.data,
        preprocessing=provenance.preprocessing,
        entries={measurement.condition.key: entry_of(measurement, rule)},
        samples_sha256=sha256_of(shared_content(measurement.samples)),
    )


def without_golden(entry: BaselineEntry, reason: str) -> BaselineEntry:
    """Return an entry whose stored values become golden; its history keeps the reason."""
    change = Change(reason=reason, model_sha256=entry.model.sha256, golden_reset=True)
    return replace(entry, golden=None, history=(*entry.history, change))


# ---- the golden reference, from which drift is measured ------------------------------------------------------------


def ends_golden(directory: Path, old: Baseline, measurement: Measurement) -> bool:
    """Return whether the first accepted values of an entry cannot stay golden beside the new values.

    They cannot if they have other images, another condition or another preprocessing as far as both sides say, or if
    their file is lost.
    """
    entry = old.entries[measurement.condition.key]
    missing = missing_files(directory, old, [measurement.condition.key])
    is_lost = not golden_files(directory, old, entry).isdisjoint(missing)
    has_other_images = old.data.fingerprint != measurement.provenance.data.fingerprint
    return is_lost or has_other_images or bool(otherwise_made(measurement, old))


def golden_after(old: BaselineEntry, records: str, rule: FailureRule) -> Golden | None:
    """Return the golden reference beside new values with the hash `records`; None if the new values are golden."""
    first = old.golden or Golden(
        model_sha256=old.model.sha256,
        records_sha256=old.records_sha256,
        rule=old.rule,
        seeds=tuple(seed.records_sha256 for seed in old.seeds),
    )
    return None if (first.records_sha256, first.rule, first.seeds) == (records, rule, ()) else first

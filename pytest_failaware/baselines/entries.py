"""Measurements -> the entries of a baseline."""

from __future__ import annotations

from pytest_failaware.baselines.golden import golden_after
from pytest_failaware.baselines.samples import own_content, sha256_of, shared_content
from pytest_failaware.core.baseline import Baseline, BaselineEntry, Change
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.rates import count_cells

RuledMeasurement = tuple[Measurement, FailureRule]
"""What an item measured, and the rule it was judged under."""


def entry_of(
    measurement: Measurement,
    rule: FailureRule,
    old: BaselineEntry | None = None,
    reason: str = "",
    *,
    golden_reset: bool = False,
    is_filled: bool = False,
) -> BaselineEntry:
    """The entry of one measurement in place of an old one, whose history it continues with the reason.

    The old one's first values stay golden unless golden is reset, or the new records are the old ones with their
    logits filled in.
    """
    model, records = measurement.provenance.model, sha256_of(own_content(measurement.records))
    history = old.history if old else ()
    if reason:
        history = (*history, Change(reason=reason, model_sha256=model.sha256, golden_reset=golden_reset))
    return BaselineEntry(
        condition=measurement.condition,
        seed=measurement.seed,
        rule=str(rule),
        cells=count_cells(measurement.records, rule),
        records_sha256=records,
        model=model,
        environment=measurement.provenance.environment,
        golden=golden_after(old, records) if old and not (golden_reset or is_filled) else None,
        history=history,
    )


def baseline_of(measurement: Measurement, rule: FailureRule, name: str) -> Baseline:
    """The baseline that holds one measurement alone, as an update into no file would make it."""
    provenance = measurement.provenance
    return Baseline(
        name=name,
        data=provenance.data,
        preprocessing=provenance.preprocessing,
        entries={measurement.condition.key: entry_of(measurement, rule)},
        samples_sha256=sha256_of(shared_content(measurement.samples)),
    )

"""Records written as letters, so that a reader can count: R is trusted and right, W trusted and wrong,
r flagged and right, w flagged and wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.identity import data_fingerprint
from pytest_failaware.core.measurement import DataFacts, Measurement, ModelFacts, Provenance
from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.metrics.rates import count_cells

FIVE = "RRWrw"
"""Five samples: accuracy 3/5, flagged 2/5, right among trusted 2/3, right among flagged 1/2, silent failures 1/5."""

RULE = FailureRule()


def records_of(letters: str = FIVE, *, first_id: int = 10) -> Records:
    """Return one sample for each letter, of class 0, 1, 2, 0, ...; small letters are flagged, some by entropy."""
    count = len(letters)
    number = np.arange(count)
    label = (number % 3).astype(np.uint16)
    right = np.array([letter in "Rr" for letter in letters], dtype=np.bool_)
    flagged = np.array([letter.islower() for letter in letters], dtype=np.bool_)
    by_entropy = flagged & (number % 2 == 0)
    confidence = np.where(flagged & ~by_entropy, 0.5, 0.8).astype(np.float32)
    return Records(
        samples=Samples(ids=(number + first_id).astype(np.uint64), labels=label),
        prediction=np.where(right, label, (label + 1) % 3).astype(np.uint16),
        confidence=confidence,
        entropy=np.where(by_entropy, 1.25, 0.5).astype(np.float32),
        label_log_probability=np.where(right, -0.25, -8.0).astype(np.float32),
        sum_squares=np.square(confidence),
        second_probability=(1 - confidence).astype(np.float32),
        max_logit=np.full(count, 1000, dtype=np.float32),
    )


def with_columns(records: Records, **columns: NDArray[Any]) -> Records:  # Any: of any type
    """Return the records with other columns, which have their names in files, as in label=…."""
    return Records.from_columns({**records.columns, **records.samples.columns, **columns})


def in_groups(measurement: Measurement, groups: NDArray[np.uint32] | None) -> Measurement:
    """Return the measurement with its samples in groups."""
    records = measurement.records
    return replace(measurement, records=replace(records, samples=records.samples.in_groups(groups)))


def measurement_of(
    letters: str = FIVE,
    condition: str = "clean",
    *,
    seed: int = 0,
    classes: tuple[str, ...] = ("cat", "dog", "eel"),
    first_id: int = 10,
    preprocessing: str = "resize=32",
    model: str = "sha256:model",
) -> Measurement:
    """Return a measurement of one sample for each letter."""
    parsed = parse_condition(condition, "conditions")
    records = records_of(letters, first_id=first_id)
    fingerprint = data_fingerprint(records.sample_id, records.label, classes)
    return Measurement(
        condition=parsed,
        seed=seed if parsed.is_random else None,
        records=records,
        provenance=Provenance(
            data=DataFacts(fingerprint=fingerprint, samples=len(letters), classes=classes),
            preprocessing=preprocessing,
            model=ModelFacts(sha256=model, architecture="small"),
            environment={"torch": "2.10", "device": "cpu"},
        ),
    )


def baseline_of(measurement: Measurement, rule: FailureRule = RULE, *, name: str = "small") -> Baseline:
    """Return a baseline whose only entry is this measurement."""
    entry = BaselineEntry(
        condition=measurement.condition,
        seed=measurement.seed,
        rule=rule,
        cells=count_cells(measurement.records, rule),
        records_sha256="sha256:" + 64 * "0",
        model=measurement.provenance.model,
        environment=measurement.provenance.environment,
    )
    return Baseline(
        name=name,
        data=measurement.provenance.data,
        preprocessing=measurement.provenance.preprocessing,
        entries={measurement.condition.key: entry},
    )

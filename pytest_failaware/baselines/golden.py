"""The golden reference of an entry: the first accepted values, from which drift is measured."""

from __future__ import annotations

from pathlib import Path

from pytest_failaware.baselines.samples import golden_path, missing_files
from pytest_failaware.core.baseline import Baseline, BaselineEntry, Golden
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.judge.comparability import otherwise_made


def ends_golden(directory: Path, old: Baseline, measurement: Measurement) -> bool:
    """Whether the first accepted values of an entry cannot stay golden beside new ones.

    They are of other images, otherwise degraded or preprocessed as far as both sides say, or their file is lost.
    """
    entry = old.entries[measurement.condition.key]
    is_lost = golden_path(directory, old, entry) in missing_files(directory, old, [measurement.condition.key])
    has_other_images = old.data.fingerprint != measurement.provenance.data.fingerprint
    return is_lost or has_other_images or bool(otherwise_made(measurement, old))


def golden_after(old: BaselineEntry, records: str) -> Golden | None:
    """The first accepted values beside new ones of the hash `records`; None while they are these themselves."""
    first = old.golden or Golden(model_sha256=old.model.sha256, records_sha256=old.records_sha256)
    return None if first.records_sha256 == records else first

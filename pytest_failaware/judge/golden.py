"""The golden reference of an entry: the first accepted values, from which drift is measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_failaware.judge.comparability import otherwise_made
from pytest_failaware.judge.samples import golden_path, missing_files, own_path
from pytest_failaware.schema import Baseline, BaselineEntry, Golden, Measurement


def ends_golden(directory: Path, old: Baseline, measurement: Measurement) -> bool:
    """Whether the first accepted values of an entry cannot stay golden beside new ones.

    They are of other images, otherwise degraded or preprocessed as far as both sides say, or their file is lost.
    """
    entry = old.entries[measurement.condition.key]
    find = own_path if entry.golden is None else golden_path
    is_lost = find(directory, old.name, entry.condition) in missing_files(directory, old, [entry.condition.key])
    has_other_images = old.data.fingerprint != measurement.provenance.data.fingerprint
    return is_lost or has_other_images or bool(otherwise_made(measurement, old))


def golden_after(old: BaselineEntry, records: str) -> Golden | None:
    """The first accepted values beside new ones of the hash `records`; None while they are these themselves."""
    first = old.golden or Golden(model_sha256=old.model.sha256, records_sha256=old.records_sha256)
    return None if first.records_sha256 == records else first


def golden_copies(directory: Path, old: Baseline | None, new: Baseline) -> dict[Path, bytes]:
    """The stored sample files that become golden references, as they are."""
    before, after = _golden(old.entries) if old else {}, _golden(new.entries)
    return {
        golden_path(directory, new.name, entry.condition): own_path(directory, new.name, entry.condition).read_bytes()
        for key, entry in after.items()
        if key not in before
    }


def golden_left(directory: Path, old: Baseline | None, new: Baseline) -> list[Path]:
    """The files of golden references that are no longer."""
    before, after = _golden(old.entries) if old else {}, _golden(new.entries)
    return [golden_path(directory, new.name, entry.condition) for key, entry in before.items() if key not in after]


def _golden(entries: Mapping[str, BaselineEntry]) -> dict[str, BaselineEntry]:
    """The entries whose golden reference is not what they store."""
    return {key: entry for key, entry in entries.items() if entry.golden is not None}

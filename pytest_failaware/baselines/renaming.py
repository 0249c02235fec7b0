"""A baseline with new class names: failaware_rename gives the names, the images must be the same.

The ids of samples contain the names of their classes, so each stored sample gets its new id.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.baselines.reference import read_reference
from pytest_failaware.baselines.sample_files import hashed_files, missing_files, sha256_of, shared_path
from pytest_failaware.baselines.samples import own_content, shared_content
from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.errors import ConfigError, choices
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import Records
from pytest_failaware.core.reference import Reference


def is_renamed(baseline: Baseline, measurement: Measurement) -> bool:
    """Return whether the data differs from the baseline's only in class names that the lines rename.

    The fingerprint covers every id, every label and the names in their order, so no output has another meaning.
    """
    former = measurement.former
    return former is not None and baseline.data.fingerprint == former.fingerprint


def renamed(reference: Reference, measurement: Measurement) -> Reference:
    """Return the reference as if it had been recorded under the new names."""
    if reference.baseline is None or not is_renamed(reference.baseline, measurement):
        return reference
    records, golden = reference.records, reference.golden
    return dataclasses.replace(
        reference,
        baseline=under_new_names(reference.baseline, measurement),
        records=None if records is None else with_new_ids(records, measurement),
        golden=None if golden is None else with_new_ids(golden, measurement),
        seeds=tuple(with_new_ids(seed, measurement) for seed in reference.seeds),
        golden_seeds=tuple(with_new_ids(seed, measurement) for seed in reference.golden_seeds),
    )


def under_new_names(baseline: Baseline, measurement: Measurement) -> Baseline:
    """Return a baseline with the new names and the new ids; its entries still name the old files."""
    now, errors = measurement.provenance.data, np.array(baseline.known_label_errors, dtype=np.uint64)
    return dataclasses.replace(
        baseline,
        data=dataclasses.replace(baseline.data, fingerprint=now.fingerprint, classes=now.classes),
        known_label_errors=tuple(sorted(_new_ids(errors, measurement).tolist())),
    )


def with_new_ids(records: Records, measurement: Measurement) -> Records:
    """Return records with the new ids, ascending."""
    ids = _new_ids(records.sample_id, measurement)
    samples = dataclasses.replace(records.samples, ids=ids)
    return dataclasses.replace(records, samples=samples).take(np.argsort(ids))


def _new_ids(ids: NDArray[np.uint64], measurement: Measurement) -> NDArray[np.uint64]:
    """Return the new id of each sample; a sample that a limit left out keeps its id."""
    if measurement.former is None:
        return ids
    order = np.argsort(measurement.former.sample_id)
    old, new = measurement.former.sample_id[order], measurement.records.sample_id[order]
    places = np.searchsorted(old, ids).clip(max=len(old) - 1)
    return np.where(old[places] == ids, new[places], ids)


def renamed_files(
    directory: Path, baseline: Baseline, measurement: Measurement
) -> tuple[Baseline, dict[Path, bytes]] | None:
    """Return a baseline with the new names and all its sample files; None if there is no renaming or a file is absent.

    Every entry keeps its values, even if this run did not measure it.
    """
    if not baseline.entries or not is_renamed(baseline, measurement) or missing_files(directory, baseline):
        return None
    entries: dict[str, BaselineEntry] = {}
    contents: dict[str, bytes] = {}
    shared = b""
    for key, entry in baseline.entries.items():
        stored = renamed(read_reference(directory, baseline.name, key, baseline=baseline), measurement)
        if stored.records is None:
            return None
        entries[key], of_entry = _renamed_entry(entry, stored, stored.records)
        contents |= {sha256_of(content): content for content in of_entry}
        shared = shared_content(stored.records.samples)
    merged = dataclasses.replace(
        under_new_names(baseline, measurement), entries=entries, samples_sha256=sha256_of(shared)
    )
    files = {shared_path(directory, merged): shared}
    for entry in entries.values():
        files |= {path: contents[sha256] for path, sha256 in hashed_files(directory, merged, entry)}
    return merged, files


def _renamed_entry(entry: BaselineEntry, stored: Reference, records: Records) -> tuple[BaselineEntry, list[bytes]]:
    """Return an entry with the hashes of its files under the new names, and these files."""
    content = own_content(records, entry.rule)
    seeds = [own_content(seed, entry.rule) for seed in stored.seeds]
    contents, golden = [content, *seeds], entry.golden
    if golden is not None and stored.golden is not None:
        first = own_content(stored.golden, golden.rule)
        further = [own_content(seed, golden.rule) for seed in stored.golden_seeds]
        hashes = tuple(map(sha256_of, further))
        golden = dataclasses.replace(golden, records_sha256=sha256_of(first), seeds=hashes)
        contents += [first, *further]
    renamed_seeds = tuple(
        dataclasses.replace(seed, records_sha256=sha256_of(new)) for seed, new in zip(entry.seeds, seeds, strict=True)
    )
    return (
        dataclasses.replace(entry, records_sha256=sha256_of(content), golden=golden, seeds=renamed_seeds),
        contents,
    )


def check_lines(rename: Mapping[str, str], baseline: Baseline, measurement: Measurement) -> str:
    """Return a sentence on the lines that are no longer needed; "" if every line still renames.

    Raises:
        ConfigError: a line names a class that neither side has.
    """
    stored, now = baseline.data.classes, measurement.provenance.data.classes
    done = []
    for old, new in rename.items():
        line = f"failaware_rename = {old} => {new}"
        if old not in stored and new not in stored:
            raise ConfigError(f"{line}: baseline {baseline.name!r} has no class {old!r}; {choices(old, stored)}")
        if new not in now:
            raise ConfigError(f"{line}: the data set has no class {new!r}; {choices(new, now)}")
        done += [f"{old} => {new}"] if old not in stored else []
    if not done:
        return ""
    return f"failaware_rename: baseline {baseline.name!r} has the new names; remove {', '.join(done)} from the ini"

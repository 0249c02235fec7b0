"""Reading and writing of samples and records in the files beside a baseline; the YAML has the hash of each file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from pytest_failaware.baselines.sample_files import (
    golden_path,
    own_path,
    read_content,
    seed_path,
    sha256_of,
    shared_path,
)
from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.npz import (
    ColumnsError,
    OtherGroupsError,
    OtherSamplesError,
    PointerError,
    pack,
    records_of,
    samples_of,
    unpack,
)
from pytest_failaware.core.records import LOGITS, Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import score_columns
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.metrics.rates import count_cells

_REMEDY: Final = "restore it from version control, or delete it and re-run with --failaware-update-baselines"


def read_records(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Records | None:
    """Return the stored records of one condition; None if one of their files is absent.

    Raises:
        BaselineError: a file is damaged or does not belong to the entry.
    """
    path, key = own_path(directory, baseline, entry), f"conditions.{entry.condition.key}"
    records = _read(directory, baseline, path, f"{key}.records", entry.records_sha256)
    if records is not None:
        place = _place(directory, baseline, key)
        _check_counts(records, entry.rule, entry.cells, f"{place}: {key}.cells are not those of {path.name}")
    return records


def read_seeds(directory: Path, baseline: Baseline, entry: BaselineEntry) -> tuple[Records, ...] | None:
    """Return the records of the further seeds of one condition; None if one of their files is absent.

    Raises:
        BaselineError: a file is damaged or does not belong to its seed.
    """
    several = []
    for number, seed in enumerate(entry.seeds):
        key = f"conditions.{entry.condition.key}.seeds[{number}]"
        path = seed_path(directory, baseline, entry, seed.records_sha256)
        records = _read(directory, baseline, path, f"{key}.records", seed.records_sha256)
        if records is None:
            return None
        place = _place(directory, baseline, key)
        _check_counts(records, entry.rule, seed.cells, f"{place}: the counts of {key} are not those of {path.name}")
        several.append(records)
    return tuple(several)


def _check_counts(records: Records, rule: FailureRule, cells: Cells, finding: str) -> None:
    """Refuse records that do not have the counts in the YAML."""
    if count_cells(records, rule) != cells:
        raise BaselineError(
            f"{finding} under its rule (edited by hand?); restore the file from version control; another rule belongs "
            "in the marker or failaware_rule"
        )


def read_golden(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Records | None:
    """Return the golden reference of one condition; None if the stored records are golden themselves.

    Raises:
        BaselineError: its file is absent, is damaged or does not belong to the entry.
    """
    if entry.golden is None:
        return None
    path, key = golden_path(directory, baseline, entry), f"conditions.{entry.condition.key}.golden"
    return _read_golden(directory, baseline, path, f"{key}.records", entry.golden.records_sha256)


def read_golden_seeds(directory: Path, baseline: Baseline, entry: BaselineEntry) -> tuple[Records, ...]:
    """Return the records of the further seeds of the golden reference of one condition; empty if it has none.

    Raises:
        BaselineError: a file is absent, is damaged or does not belong to its seed.
    """
    hashes, key = entry.golden.seeds if entry.golden else (), f"conditions.{entry.condition.key}.golden.seeds"
    return tuple(
        _read_golden(directory, baseline, seed_path(directory, baseline, entry, sha256), f"{key}[{number}]", sha256)
        for number, sha256 in enumerate(hashes)
    )


def _read_golden(directory: Path, baseline: Baseline, path: Path, key: str, sha256: str) -> Records:
    records = _read(directory, baseline, path, key, sha256)
    if records is None:
        raise BaselineError(
            f"{_place(directory, baseline, key)}: {key.removesuffix('.records')} has no file {path}, so drift cannot "
            "be judged; restore it from version control, or accept the stored values with "
            '--failaware-update-baselines --failaware-reset-golden --failaware-reason="…"'
        )
    return records


def read_samples(directory: Path, baseline: Baseline) -> Samples | None:
    """Return the samples that all conditions of a baseline share; None if their file is absent.

    Raises:
        BaselineError: the file is damaged or does not belong to the baseline.
    """
    path = shared_path(directory, baseline)
    content = read_content(path)
    if content is None:
        return None
    columns = _unpacked(path, content)
    if baseline.samples_sha256:
        _check_hash(directory, baseline, path, content, "data.samples_sha256", baseline.samples_sha256)
    data = baseline.data
    try:
        return samples_of(columns, data)
    except OtherSamplesError as error:
        place = _place(directory, baseline, "data.fingerprint")
        raise BaselineError(
            f"{place}: data.fingerprint is not that of {path}, which belongs to other data; {_REMEDY}"
        ) from error
    except OtherGroupsError as error:
        place = _place(directory, baseline, "data.groups" if data.groups else "data.fingerprint")
        raise BaselineError(f"{place}: data.groups is not what {path} holds ({error}); {_REMEDY}") from error
    except ColumnsError as error:
        raise BaselineError(f"{path}: {error}; {_REMEDY}") from error


def shared_content(samples: Samples) -> bytes:
    """Return the content of the file of ids and labels, and of groups if there are any."""
    return pack(samples.columns)


def own_content(records: Records, rule: FailureRule) -> bytes:
    """Return the content of the file of a condition's outcome, with the scores at the temperature of its rule."""
    return pack(score_columns(records, rule).outcome)


def holds_logits(path: Path) -> bool:
    """Return whether a file of columns exists and has all logits."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{LOGITS}.npy" in archive.namelist()
    except Exception:  # no file, or a damaged file, which can raise any error
        return False


# ---- one file ------------------------------------------------------------------------------------------------------


def _read(directory: Path, baseline: Baseline, path: Path, key: str, sha256: str) -> Records | None:
    """Return the records in one file of columns with the shared ids and labels; None if a file is absent."""
    samples, content = read_samples(directory, baseline), read_content(path)
    if samples is None or content is None:
        return None
    columns = _unpacked(path, content)
    _check_hash(directory, baseline, path, content, key, sha256)
    try:
        return records_of({**columns, **samples.columns}, baseline.data)
    except ColumnsError as error:
        raise BaselineError(f"{path}: {error}; {_REMEDY}") from error


def _unpacked(path: Path, content: bytes) -> dict[str, NDArray[Any]]:  # Any: as in unpack
    try:
        return unpack(content)
    except PointerError as error:
        raise BaselineError(f"{path}: {error}") from error
    except ColumnsError as error:
        raise BaselineError(f"{path}: {error}; {_REMEDY}") from error


def _check_hash(directory: Path, baseline: Baseline, path: Path, content: bytes, key: str, sha256: str) -> None:
    if sha256_of(content) != sha256:
        raise BaselineError(
            f"{_place(directory, baseline, key)}: {key} is not the hash of {path}, which belongs to another version "
            f"of the entry; {_REMEDY}"
        )


def _place(directory: Path, baseline: Baseline, key: str) -> str:
    """Return the baseline's file with the line of a dotted key."""
    return f"{directory / baseline.name}.yaml:{baseline.lines.get(key, 1)}"

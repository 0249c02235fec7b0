"""The outcome of every sample beside a baseline: samples-HASH.npz (ids, labels, groups) and CONDITION-HASH.npz.

The hash is the first digits of the one that the YAML names, so that a file never changes and the YAML alone says which
files count. Baselines of schema 1 have names without a hash.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.lfs import is_lfs_pointer
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
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.metrics.rates import count_cells

_DIGITS: Final = 12  # of the hash, in a file's name
_REMEDY: Final = "restore it from version control, or delete it and re-run with --failaware-update-baselines"


def read_records(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Records | None:
    """Return the stored records of one condition, None if a file of theirs is absent.

    Raises:
        BaselineError: a file is damaged or does not belong to the entry.
    """
    own = own_path(directory, baseline, entry)
    records = _read(directory, baseline, own, f"conditions.{entry.condition.key}.records", entry.records_sha256)
    if records is not None and count_cells(records, entry.rule) != entry.cells:
        key = f"conditions.{entry.condition.key}"
        place = _place(directory, baseline, key)
        raise BaselineError(
            f"{place}: {key}.cells are not those of {own.name} under its rule (edited by hand?); restore the file from "
            "version control; another rule belongs in the marker or failaware_rule"
        )
    return records


def read_golden(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Records | None:
    """Return the golden reference of one condition, None if the stored records are golden themselves.

    Raises:
        BaselineError: its file is absent, is damaged or does not belong to the entry.
    """
    if entry.golden is None:
        return None
    path, key = golden_path(directory, baseline, entry), f"conditions.{entry.condition.key}.golden"
    records = _read(directory, baseline, path, f"{key}.records", entry.golden.records_sha256)
    if records is None:
        place = _place(directory, baseline, f"{key}.records")
        raise BaselineError(
            f"{place}: {key} has no file {path}, so drift cannot be judged; restore it from version control, or accept "
            'the stored values with --failaware-update-baselines --failaware-reset-golden --failaware-reason="…"'
        )
    return records


def read_samples(directory: Path, baseline: Baseline) -> Samples | None:
    """Return the samples that all conditions of a baseline share, None if their file is absent.

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


def missing_files(directory: Path, baseline: Baseline, keys: Collection[str] | None = None) -> tuple[Path, ...]:
    """Return the sample files that a baseline names and that are not there; a Git LFS pointer is none.

    Args:
        directory: the folder of the baselines.
        baseline: what names them.
        keys: of the entries to look at, which all need the list of samples too; None for every entry.
    """
    return tuple(path for path in sorted(named_files(directory, baseline, keys)) if _is_missing(path))


def named_files(directory: Path, baseline: Baseline, keys: Collection[str] | None = None) -> set[Path]:
    """Return the sample files that a baseline names, those of all entries or of the entries `keys`."""
    files = {shared_path(directory, baseline)}
    for key in baseline.entries if keys is None else keys:
        entry = baseline.entries[key]
        files |= {own_path(directory, baseline, entry), golden_path(directory, baseline, entry)}
    return files


def _is_missing(path: Path) -> bool:
    """Whether a file is absent or a Git LFS pointer; an update may remove it at any moment, so it is opened at once."""
    try:
        with path.open("rb") as file:
            return is_lfs_pointer(file.read(64))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return True


def former_files(directory: Path, baseline: Baseline) -> Iterator[tuple[Path, str]]:
    """Yield where schema 1 keeps the sample files, each with the hash that the YAML names, "" for none."""
    folder = directory / baseline.name
    yield folder / "samples.npz", ""
    for entry in baseline.entries.values():
        yield folder / f"{entry.condition.slug}.npz", entry.records_sha256
        golden = entry.golden.records_sha256 if entry.golden else ""
        yield folder / f"{entry.condition.slug}.golden.npz", golden


def shared_path(directory: Path, baseline: Baseline) -> Path:
    """Return where a baseline's ids and labels lie."""
    return directory / baseline.name / f"samples{_suffix(baseline, baseline.samples_sha256)}.npz"


def own_path(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Path:
    """Return where a condition's columns lie."""
    return directory / baseline.name / f"{entry.condition.slug}{_suffix(baseline, entry.records_sha256)}.npz"


def golden_path(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Path:
    """Return where the columns of a condition's golden reference lie; they may be the stored ones themselves."""
    if entry.golden is None:
        return own_path(directory, baseline, entry)
    suffix = _suffix(baseline, entry.golden.records_sha256) or ".golden"
    return directory / baseline.name / f"{entry.condition.slug}{suffix}.npz"


def _suffix(baseline: Baseline, sha256: str) -> str:
    """What a file's name says of its content; nothing in schema 1."""
    return f"-{sha256.removeprefix('sha256:')[:_DIGITS]}" if baseline.samples_sha256 else ""


def shared_content(samples: Samples) -> bytes:
    """Return the file of ids and labels, and of groups if there are any."""
    return pack(samples.columns)


def own_content(records: Records) -> bytes:
    """Return the file of a condition's outcome."""
    return pack(records.outcome)


def holds_logits(path: Path) -> bool:
    """Return whether a file of columns is there and has every logit."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{LOGITS}.npy" in archive.namelist()
    except Exception:  # none there, or a damaged one, which raises whatever its bytes provoke
        return False


def sha256_of(content: bytes) -> str:
    """Return the hash that binds a file to its entry."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def read_content(path: Path) -> bytes | None:
    """Return the bytes of a sample file, None if it is absent.

    Raises:
        BaselineError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read ({error.strerror or error}); make it readable") from error


# ---- one file ------------------------------------------------------------------------------------------------------


def _read(directory: Path, baseline: Baseline, own: Path, key: str, sha256: str) -> Records | None:
    """The records in one file of columns, with the ids and labels that all share; None if a file is absent."""
    samples, content = read_samples(directory, baseline), read_content(own)
    if samples is None or content is None:
        return None
    columns = _unpacked(own, content)
    _check_hash(directory, baseline, own, content, key, sha256)
    try:
        return records_of({**columns, **samples.columns}, baseline.data)
    except ColumnsError as error:
        raise BaselineError(f"{own}: {error}; {_REMEDY}") from error


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
    """The baseline's file with the line of a dotted key."""
    return f"{directory / baseline.name}.yaml:{baseline.lines.get(key, 1)}"

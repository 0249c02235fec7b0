"""The outcome of every sample beside a baseline: samples.npz (ids, labels, groups) and a file for each condition."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.errors import BaselineError
from pytest_failaware.fingerprint import data_fingerprint
from pytest_failaware.judge.groups import are_told
from pytest_failaware.judge.metrics import count_cells
from pytest_failaware.judge.rule import FailureRule
from pytest_failaware.lfs import is_lfs_pointer
from pytest_failaware.schema import GROUP, RECORD_DTYPES, SCORES, Baseline, BaselineEntry, Condition, Records

_SHARED: Final = ("sample_id", "label")
_LOGITS: Final = "logits"
_OWN: Final = ("prediction", *SCORES, _LOGITS)
_REMEDY: Final = "restore it from version control, or delete it and re-run with --failaware-update-baselines"


def read_records(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Records | None:
    """The stored records of one condition, None where their files are absent.

    Raises:
        BaselineError: a file is damaged or does not belong to the entry.
    """
    own = own_path(directory, baseline.name, entry.condition)
    records = _read(directory, baseline, own, f"conditions.{entry.condition.key}.records", entry.records_sha256)
    if records is not None and count_cells(records, FailureRule.parse(entry.rule)) != entry.cells:
        place, key = _place(directory, baseline, f"  {entry.condition.key}:"), entry.condition.key
        raise BaselineError(
            f"{place}: conditions.{key}.cells are not those of {own.name} under its rule (edited by hand?); restore "
            "the file from version control; another rule belongs in the marker or failaware_rule"
        )
    return records


def read_golden(directory: Path, baseline: Baseline, entry: BaselineEntry) -> Records | None:
    """The golden reference of one condition, None where the stored records are golden themselves.

    Raises:
        BaselineError: its file is absent, is damaged or does not belong to the entry.
    """
    if entry.golden is None:
        return None
    path, key = golden_path(directory, baseline.name, entry.condition), f"conditions.{entry.condition.key}.golden"
    records = _read(directory, baseline, path, f"{key}.records", entry.golden.records_sha256)
    if records is None:
        place = _place(directory, baseline, entry.golden.records_sha256)
        raise BaselineError(
            f"{place}: {key} has no file {path}, so drift cannot be judged; restore it from version control, or accept "
            'the stored values with --failaware-update-baselines --failaware-reset-golden --failaware-reason="…"'
        )
    return records


def read_groups(directory: Path, baseline: Baseline) -> NDArray[np.uint32] | None:
    """The group of each stored sample, (N,), ascending by id; None where none are stored.

    Raises:
        BaselineError: the file is damaged or does not belong to the baseline.
    """
    path, told = shared_path(directory, baseline.name), baseline.data.groups
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as found:
            groups: NDArray[np.uint32] | None = found.get(GROUP)
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise BaselineError(f"{path}: cannot be read ({type(error).__name__}); {_REMEDY}") from error
    if not are_told(groups, baseline.data):
        place = _place(directory, baseline, f"  groups: {told}" if told else baseline.data.fingerprint)
        raise BaselineError(
            f"{place}: data.groups is {told}, which is not what the column {GROUP} of {path} holds; {_REMEDY}"
        )
    return groups


def missing_files(directory: Path, baseline: Baseline, keys: Collection[str] | None = None) -> tuple[Path, ...]:
    """Return the sample files that a baseline names and that are not there; a Git LFS pointer is none.

    Args:
        directory: the folder of the baselines.
        baseline: what names them.
        keys: of the entries to look at, which all need the list of samples too; None for every entry.
    """
    files = {shared_path(directory, baseline.name)}
    for key in baseline.entries if keys is None else keys:
        entry = baseline.entries[key]
        files.add(own_path(directory, baseline.name, entry.condition))
        if entry.golden is not None:
            files.add(golden_path(directory, baseline.name, entry.condition))
    return tuple(path for path in sorted(files) if not path.is_file() or is_pointer(path))


def is_pointer(path: Path) -> bool:
    """Return whether a file holds a Git LFS pointer in place of its content."""
    with path.open("rb") as file:
        return is_lfs_pointer(file.read(64))


def _read(directory: Path, baseline: Baseline, own: Path, key: str, sha256: str) -> Records | None:
    """The records in one file of columns, with the ids and labels that all share; None where a file is absent."""
    shared = shared_path(directory, baseline.name)
    if not shared.is_file() or not own.is_file():
        return None
    content = own.read_bytes()
    if sha256_of(content) != sha256:
        raise BaselineError(
            f"{_place(directory, baseline, sha256)}: {key} is not the hash of {own}, which belongs to another version "
            f"of the entry; {_REMEDY}"
        )
    columns = _columns(shared, shared.read_bytes(), _SHARED) | _columns(own, content, _OWN)
    data = baseline.data
    _check_logits(own, columns.get(_LOGITS), len(data.classes))
    if {len(column) for column in columns.values()} != {data.samples} or data.fingerprint != data_fingerprint(
        columns["sample_id"], columns["label"], data.classes
    ):
        place = _place(directory, baseline, data.fingerprint)
        raise BaselineError(
            f"{place}: data.fingerprint is not that of {shared}, which belongs to other data; {_REMEDY}"
        )
    return Records(**columns)


def _place(directory: Path, baseline: Baseline, text: str) -> str:
    """The baseline's file with the line where a text stands."""
    path = directory / f"{baseline.name}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    number = next((number for number, line in enumerate(lines, start=1) if text in line), 1)
    return f"{path}:{number}"


def shared_path(directory: Path, name: str) -> Path:
    """Where a baseline's ids and labels lie."""
    return directory / name / "samples.npz"


def own_path(directory: Path, name: str, condition: Condition) -> Path:
    """Where a condition's columns lie."""
    return directory / name / f"{condition.slug}.npz"


def golden_path(directory: Path, name: str, condition: Condition) -> Path:
    """Where the columns of a condition's golden reference lie."""
    return directory / name / f"{condition.slug}.golden.npz"


def shared_content(records: Records, groups: NDArray[np.uint32] | None = None) -> bytes:
    """The file of ids and labels, and of groups where there are any."""
    told = {} if groups is None else {GROUP: groups}
    return _packed({**{name: getattr(records, name) for name in _SHARED}, **told})


def own_content(records: Records) -> bytes:
    """The file of a condition's columns."""
    return _packed({name: column for name, column in records.columns.items() if name in _OWN})


def holds_logits(path: Path) -> bool:
    """Whether a file of columns is there and has every logit."""
    try:
        with zipfile.ZipFile(path) as found:
            return f"{_LOGITS}.npy" in found.namelist()
    except Exception:  # none there, or a damaged one, which raises whatever its bytes provoke
        return False


def sha256_of(content: bytes) -> str:
    """The hash that binds a file to its entry."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _packed(columns: dict[str, Any]) -> bytes:  # Any: as in Records.columns
    """An uncompressed npz: its bytes depend on the columns alone, and version control compresses it anyway."""
    buffer = io.BytesIO()
    np.savez(buffer, **columns)
    return buffer.getvalue()


def _columns(path: Path, content: bytes, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            columns = {name: found[name] for name in names if name != _LOGITS or name in found.files}
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise BaselineError(f"{path}: cannot be read ({type(error).__name__}); {_REMEDY}") from error
    dtypes = {name: dtype for name, dtype in RECORD_DTYPES.items() if name in columns}
    wrong = [name for name, dtype in dtypes.items() if columns[name].dtype != dtype or columns[name].ndim != 1]
    if wrong:
        raise BaselineError(
            f"{path}: the column {wrong[0]} is not {RECORD_DTYPES[wrong[0]]} of one dimension; {_REMEDY}"
        )
    return columns


def _check_logits(path: Path, logits: NDArray[Any] | None, classes: int) -> None:
    if logits is not None and (logits.dtype != np.float32 or logits.ndim != 2 or logits.shape[1] < classes):
        raise BaselineError(
            f"{path}: the logits are {logits.dtype} {logits.shape}, not float32 with one for each of the {classes} "
            f"classes; {_REMEDY}"
        )
    if logits is not None and not np.isfinite(logits).all():
        raise BaselineError(f"{path}: the logits are not all finite; {_REMEDY}")

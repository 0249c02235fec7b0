"""Write and read Records and Samples as npz: the only codec for baselines, cache, reports and attachments."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.budgets import check_unpacked
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.identity import data_fingerprint, group_count
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.measurement import DataFacts
from pytest_failaware.core.records import NO_CLASS, RECORD_DTYPES, TRUSTED_UP_TO, Records
from pytest_failaware.core.samples import GROUP, LABEL, SAMPLE_ID, Samples
from pytest_failaware.core.text import describe_error

Columns = Mapping[str, NDArray[Any]]
"""Arrays by name. Any: of any type, until they are checked."""

_ROUNDING: Final = 1e-6  # how far float32 rounding may exceed a bound
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "confidence": (0, 1),
    "entropy": (0, np.inf),
    "label_log_probability": (-np.inf, 0),
    "sum_squares": (0, 1),
    "second_probability": (0, 0.5),
    "max_logit": (-np.inf, np.inf),
}


class ColumnsError(FailAwareError):
    """Columns are not valid. The message has neither the place nor the remedy; the caller adds both."""


class PointerError(ColumnsError):
    """The content is only a Git LFS pointer; the message has the remedy."""


class OtherSamplesError(ColumnsError):
    """The samples are valid, but they are not the samples of the data."""


class OtherGroupsError(ColumnsError):
    """The groups of the samples are not the groups of the data."""


# ---- bytes ---------------------------------------------------------------------------------------------------------


def pack(columns: Columns, *, compressed: bool = False) -> bytes:
    """Return an npz whose bytes depend only on the columns.

    Files that are committed are not compressed, since version control compresses them.
    """
    buffer, method = io.BytesIO(), zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, column in columns.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            member.compress_type = method
            member.create_system = 3  # numpy.savez writes 3 on POSIX, and another number on Windows
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(column), allow_pickle=False)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, NDArray[Any]]:  # Any: not checked yet
    """Return every array of an npz; nothing is unpickled, and the sizes are limited.

    Raises:
        PointerError: the content is a pointer of Git LFS.
        ColumnsError: the content is not an npz, or is too large.
    """
    if is_lfs_pointer(content):
        raise PointerError(f"is a Git LFS pointer; {LFS_REMEDY}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_unpacked(archive, Path("it"), ColumnsError)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name]) for name in arrays.files}
    except Exception as error:  # a damaged file can raise any exception
        raise ColumnsError(f"cannot be read ({describe_error(error)})") from error


def read_only(column: NDArray[Any]) -> NDArray[Any]:  # Any: of every type
    """Return a copy that cannot be made writable, since a bytes object owns its memory.

    The body of a test gets the same arrays that are judged and stored.
    """
    return np.frombuffer(column.tobytes(), dtype=column.dtype).reshape(column.shape)


# ---- columns -------------------------------------------------------------------------------------------------------


def samples_of(columns: Columns, data: DataFacts) -> Samples:
    """Return the samples in columns, and check that they are the samples of the data.

    Raises:
        ColumnsError: a column is missing, or as in `check_samples`.
    """
    _check_types(columns, (SAMPLE_ID, LABEL))
    samples = Samples.from_columns(columns)
    check_samples(samples, data)
    return samples


def records_of(columns: Columns, data: DataFacts) -> Records:
    """Return the records in columns, and check that they belong to the samples and classes of the data.

    Raises:
        ColumnsError: a column is missing, or as in `check_records`.
    """
    _check_types(columns, RECORD_DTYPES)
    records = Records.from_columns(columns)
    check_records(records, data)
    return records


def check_records(records: Records, data: DataFacts) -> None:
    """Refuse records that no model can have produced on this data.

    Raises:
        ColumnsError: a column is wrong; the message says which.
    """
    check_outcome(records, data.classes)
    check_samples(records.samples, data)


def check_samples(samples: Samples, data: DataFacts) -> None:
    """Refuse samples that are not the samples of the data.

    Raises:
        OtherSamplesError: the ids and labels belong to other data.
        OtherGroupsError: the number of groups is not that of the data.
        ColumnsError: a column is wrong; the message says which.
    """
    _check_types(samples.columns, (SAMPLE_ID, LABEL))
    count = len(samples)
    if count != data.samples or len(samples.labels) != count:
        raise OtherSamplesError(f"the column {SAMPLE_ID} has {count:,} samples, the data has {data.samples:,}")
    if not count:
        raise ColumnsError("holds no sample")
    if data.fingerprint != data_fingerprint(samples.ids, samples.labels, data.classes):
        raise OtherSamplesError(f"the columns {SAMPLE_ID} and {LABEL} are not those of the data")
    _check_groups(samples, data)
    _check_ids_and_labels(samples, data.classes)


def check_outcome(records: Records, classes: tuple[str, ...]) -> None:
    """Refuse records that no model with these classes can have produced on the samples of the records.

    Raises:
        ColumnsError: a column is wrong; the message says which.
    """
    columns = records.columns
    _check_types(columns, RECORD_DTYPES)
    _check_logits(records.logits, len(classes))
    count = len(records.samples)
    if short := [name for name, column in columns.items() if len(column) != count]:
        raise ColumnsError(f"the column {short[0]} has {len(columns[short[0]]):,} samples, the data has {count:,}")
    if not count:
        raise ColumnsError("holds no sample")
    _check_ids_and_labels(records.samples, classes)
    _check_predictions(records, classes)
    for name, bounds in _RANGES.items():
        _check_range(name, columns[name], bounds)
    _check_rule_columns(records)


def _check_types(columns: Columns, names: Collection[str]) -> None:
    """Refuse columns if one of the names is missing or has a wrong type."""
    for name in names:
        if name not in columns:
            raise ColumnsError(f"the column {name} is missing")
        column, dtype = columns[name], RECORD_DTYPES[name]
        if column.dtype != dtype or column.ndim != 1:
            raise ColumnsError(f"the column {name} is {column.dtype} {column.shape}, not {dtype} of one dimension")


def _check_groups(samples: Samples, data: DataFacts) -> None:
    groups = samples.groups
    if groups is not None and (groups.dtype != np.uint32 or groups.shape != (data.samples,)):
        raise OtherGroupsError(
            f"the column {GROUP} is {groups.dtype} {groups.shape}, not uint32 with one for each sample"
        )
    if (count := group_count(groups)) != data.groups:
        raise OtherGroupsError(f"the column {GROUP} holds {count:,} groups, the data has {data.groups:,}")


def _check_ids_and_labels(samples: Samples, classes: tuple[str, ...]) -> None:
    if (samples.ids[1:] <= samples.ids[:-1]).any():
        raise ColumnsError(f"the column {SAMPLE_ID} is not ascending, or holds an id twice")
    if (largest := int(samples.labels.max())) >= (known := len(classes)):
        raise ColumnsError(f"the column {LABEL} holds class {largest}, the data has {known} (0 to {known - 1})")


def _check_logits(logits: NDArray[Any] | None, classes: int) -> None:  # Any: not checked yet
    if logits is None:
        return
    if logits.dtype != np.float32 or logits.ndim != 2 or logits.shape[1] < classes:
        raise ColumnsError(
            f"the logits are {logits.dtype} {logits.shape}, not float32 with one for each of the {classes} classes"
        )
    if not np.isfinite(logits).all():
        raise ColumnsError("the logits are not all finite")


def _check_predictions(records: Records, classes: tuple[str, ...]) -> None:
    """Refuse predictions of unknown classes.

    A model may know more classes than the data if the classes of the data are only numbered.
    """
    known = len(classes)
    if records.logits is not None:
        known = max(known, records.logits.shape[1])
    elif classes == tuple(map(str, range(known))):
        known = NO_CLASS
    answered = records.prediction[records.prediction != NO_CLASS]
    if len(answered) and (largest := int(answered.max())) >= known:
        raise ColumnsError(f"the column prediction holds class {largest}, there are {known} (0 to {known - 1})")


def _check_rule_columns(records: Records) -> None:
    for name, column in records.rule_columns.items():
        if column.dtype != np.float32 or column.ndim != 1:
            raise ColumnsError(f"the column {name} is {column.dtype} {column.shape}, not float32 of one dimension")
        if name.startswith(TRUSTED_UP_TO):
            if np.isnan(column).any() or column.min() < 0:
                raise ColumnsError(f"the column {name} holds a number that is not a temperature")
        else:
            _check_range(name, column, _RANGES[name.partition(" ")[0]])


def _check_range(name: str, column: NDArray[np.float32], bounds: tuple[float, float]) -> None:
    low, high = bounds
    if not np.isfinite(column).all():
        raise ColumnsError(f"the column {name} is not finite everywhere")
    if column.min() < low - _ROUNDING or column.max() > high + _ROUNDING:
        raise ColumnsError(f"the column {name} goes from {column.min():.6g} to {column.max():.6g}, not {low} to {high}")

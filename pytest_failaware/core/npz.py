"""Bytes of an npz <-> the columns of Records: the one reader for baselines, reports and the cache."""

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
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.measurement import DataFacts
from pytest_failaware.core.records import NO_CLASS, RECORD_DTYPES, Records
from pytest_failaware.core.request import GROUP
from pytest_failaware.core.text import describe_error

Columns = Mapping[str, NDArray[Any]]
"""Arrays by name. Any: of any type, until they are checked."""

LOGITS: Final = "logits"
_ROUNDING: Final = 1e-6  # by which float32 may go beyond a bound
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "confidence": (0, 1),
    "entropy": (0, np.inf),
    "label_log_probability": (-np.inf, 0),
    "sum_squares": (0, 1),
    "second_probability": (0, 0.5),
    "max_logit": (-np.inf, np.inf),
}


class ColumnsError(FailAwareError):
    """Columns are not those of samples. The text names neither the place nor the remedy; the caller adds them."""


class PointerError(ColumnsError):
    """Where the columns should be, there is only a pointer of Git LFS; the text names the remedy."""


def pack(columns: Columns) -> bytes:
    """Return an uncompressed npz; its bytes depend on the columns alone, and version control compresses it anyway."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, column in columns.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            member.create_system = 3  # what numpy.savez writes on POSIX; on Windows it writes another number
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(column), allow_pickle=False)
    return buffer.getvalue()


def read_only(column: NDArray[Any]) -> NDArray[Any]:  # Any: of every type
    """Return a copy that nothing can make writable, since its memory is that of a bytes object.

    The body of a test sees the very columns that are judged and stored.
    """
    return np.frombuffer(column.tobytes(), dtype=column.dtype).reshape(column.shape)


def unpack(content: bytes) -> dict[str, NDArray[Any]]:  # Any: not checked yet
    """Return every array of an npz; nothing is unpickled, and the sizes are limited.

    Raises:
        PointerError: the content is a pointer of Git LFS.
        ColumnsError: the content is no npz, or too large.
    """
    if is_lfs_pointer(content):
        raise PointerError(f"is a Git LFS pointer; {LFS_REMEDY}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_unpacked(archive, Path("it"), ColumnsError)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name]) for name in arrays.files}
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise ColumnsError(f"cannot be read ({describe_error(error)})") from error


def check_columns(columns: Columns, names: Collection[str]) -> None:
    """Refuse columns unless each one that is named is there, has its type and one number for each sample.

    Raises:
        ColumnsError: saying which column is wrong.
    """
    for name in names:
        if name not in columns:
            raise ColumnsError(f"the column {name} is missing")
        column, dtype = columns[name], RECORD_DTYPES[name]
        if column.dtype != dtype or column.ndim != 1:
            raise ColumnsError(f"the column {name} is {column.dtype} {column.shape}, not {dtype} of one dimension")


def records_of(columns: Columns, data: DataFacts) -> Records:
    """Return the records in columns, which have to be those of as many samples and classes as the data has.

    Raises:
        ColumnsError: saying which column is wrong.
    """
    check_columns(columns, RECORD_DTYPES)
    records = Records(**{name: column for name, column in columns.items() if name in Records.__slots__})
    check_records(records, data)
    return records


def check_records(records: Records, data: DataFacts) -> None:
    """Refuse records that no model can have made of this data.

    Raises:
        ColumnsError: saying which column is wrong.
    """
    columns = records.columns
    check_columns(columns, RECORD_DTYPES)
    _check_logits(records.logits, len(data.classes))
    lengths = {name: len(column) for name, column in columns.items()}
    short = [name for name, length in lengths.items() if length != data.samples]
    if short:
        raise ColumnsError(f"the column {short[0]} has {lengths[short[0]]:,} samples, the data has {data.samples:,}")
    if not data.samples:
        raise ColumnsError("holds no sample")
    if (records.sample_id[1:] <= records.sample_id[:-1]).any():
        raise ColumnsError("the column sample_id is not ascending, or holds an id twice")
    _check_classes(records, data.classes)
    for name, bounds in _RANGES.items():
        _check_range(name, columns[name], bounds)


def check_groups(groups: NDArray[Any] | None, data: DataFacts) -> None:  # Any: not checked yet
    """Refuse groups that are not those which the facts of the data count; None stands for no groups.

    Raises:
        ColumnsError: saying what is wrong.
    """
    if groups is None:
        count = 0
    elif groups.dtype != np.uint32 or groups.shape != (data.samples,):
        raise ColumnsError(f"the column {GROUP} is {groups.dtype} {groups.shape}, not uint32 with one for each sample")
    else:
        count = len(np.unique(groups))
    if count != data.groups:
        raise ColumnsError(f"the column {GROUP} holds {count:,} groups, the data has {data.groups:,}")


def _check_logits(logits: NDArray[Any] | None, classes: int) -> None:  # Any: not checked yet
    if logits is None:
        return
    if logits.dtype != np.float32 or logits.ndim != 2 or logits.shape[1] < classes:
        raise ColumnsError(
            f"the logits are {logits.dtype} {logits.shape}, not float32 with one for each of the {classes} classes"
        )
    if not np.isfinite(logits).all():
        raise ColumnsError("the logits are not all finite")


def _check_classes(records: Records, classes: tuple[str, ...]) -> None:
    """A model may know more classes than the data, unless these have names."""
    known = len(classes)
    if (largest := int(records.label.max())) >= known:
        raise ColumnsError(f"the column label holds class {largest}, the data has {known} (0 to {known - 1})")
    if records.logits is not None:
        known = max(known, records.logits.shape[1])
    elif classes == tuple(map(str, range(known))):
        known = NO_CLASS
    answered = records.prediction[records.prediction != NO_CLASS]
    if len(answered) and (largest := int(answered.max())) >= known:
        raise ColumnsError(f"the column prediction holds class {largest}, there are {known} (0 to {known - 1})")


def _check_range(name: str, column: NDArray[np.float32], bounds: tuple[float, float]) -> None:
    low, high = bounds
    if not np.isfinite(column).all():
        raise ColumnsError(f"the column {name} is not finite everywhere")
    if column.min() < low - _ROUNDING or column.max() > high + _ROUNDING:
        raise ColumnsError(f"the column {name} goes from {column.min():.6g} to {column.max():.6g}, not {low} to {high}")

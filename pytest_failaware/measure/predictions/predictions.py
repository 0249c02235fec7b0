"""Turn predictions of a model that runs elsewhere into a measurement for each condition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.errors import DataError, choices
from pytest_failaware.core.identity import data_fingerprint, former_data, group_count, group_numbers
from pytest_failaware.core.measurement import (
    ELSEWHERE,
    DataFacts,
    Former,
    Measurement,
    ModelFacts,
    Provenance,
)
from pytest_failaware.core.npz import read_only
from pytest_failaware.core.records import LOGITS, Records
from pytest_failaware.core.samples import Samples
from pytest_failaware.core.scores import as_float32, columns_of
from pytest_failaware.core.text import describe_error, spelled
from pytest_failaware.measure.class_labels import missing_zero_note
from pytest_failaware.measure.predictions.columns import (
    check_samples,
    checked_logits,
    class_names,
    group_names,
    label_numbers,
    rows_by_condition,
    sample_numbers,
    scale_doubts,
)
from pytest_failaware.measure.predictions.files import read_table
from pytest_failaware.measure.predictions.table import Table, table_of_arrays, table_of_frame

_KINDS: Final = ("npz", "csv", "parquet", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """The predictions of a model by condition key; all conditions have the same samples."""

    place: str
    sha256: str
    data: DataFacts
    records: Mapping[str, Records]
    written: NDArray[np.object_]  # (N,), the texts of the samples, in the order of the records
    has_conditions: bool
    kind: str  # of the scores: logits or probabilities
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()  # the notes that make every number doubtful
    former: Former | None = None  # in the order of the records

    def measurement(self, condition: Condition, seed: int, preprocessing: str = ELSEWHERE) -> Measurement:
        """Return the measurement of a condition, as if the model ran here.

        Args:
            condition: what was done to the samples; this cannot be checked here.
            seed: of the condition, which cannot be checked either.
            preprocessing: what the user states.

        Raises:
            DataError: there are no predictions under the condition.
        """
        if condition.key not in self.records:
            raise DataError(
                f"{self.place}: has no predictions under {condition.key}; {self._conditions(condition.key)}"
            )
        return Measurement(
            condition=condition,
            seed=seed if condition.is_random else None,
            records=self.records[condition.key],
            provenance=Provenance(
                data=self.data,
                preprocessing=preprocessing,
                model=ModelFacts(sha256=self.sha256, architecture=""),
                environment={},
            ),
            former=self.former,
        )

    def _conditions(self, wanted: str) -> str:
        """Return a hint on how to gate the conditions of the predictions, if the wanted one is missing."""
        origin = "" if self.has_conditions else " (without a column condition every row is clean)"
        return (
            f"{choices(wanted, tuple(self.records))}{origin}; write conditions={json.dumps(list(self.records))} in the "
            f"marker, or failaware_conditions = {' '.join(self.records)} in the ini"
        )

    def names(self, sample_ids: Sequence[int]) -> dict[int, str]:
        """Return the texts of the given samples by id, except texts that are the id."""
        ids = next(iter(self.records.values())).sample_id
        rows = np.flatnonzero(np.isin(ids, np.array(sample_ids, dtype=np.uint64)))
        written = dict(zip(ids[rows].tolist(), self.written[rows].tolist(), strict=True))
        return {sample_id: spelled(text) for sample_id, text in written.items() if text != str(sample_id)}


def read_predictions(
    path: Path,
    group: str | None = None,
    option: str = "--failaware-predictions",
    rename: Mapping[str, str] | None = None,
) -> Predictions:
    """Return the predictions in a file.

    Args:
        path: of an npz, csv or parquet file, recognised by its content.
        group: as in `read_table`.
        option: the option that names the file, for errors.
        rename: new names of classes by their old ones.

    Raises:
        DataError: with the file, the row or column, and the remedy.
    """
    place = f"{option}={path}"
    if path.is_dir():
        raise DataError(f"{place}: is a folder; give an npz, csv or parquet file of predictions")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        prefix, colon, rest = path.name.partition(":")
        if colon and prefix in _KINDS:
            raise DataError(
                f"{place}: no such file; leave out {prefix}:, since the format is recognised by content; give {rest}"
            ) from error
        raise DataError(f"{place}: no such file; give an npz, csv or parquet file of predictions") from error
    except OSError as error:
        raise DataError(f"{place}: cannot be read ({describe_error(error)}); give a readable file") from error
    return build_predictions(read_table(content, place, group), hashlib.sha256(content).hexdigest(), rename)


def adopt_predictions(source: Any, group: str | None = None) -> Predictions:  # Any: a data frame, or arrays by name
    """Return the predictions in a data frame or a mapping of arrays; they have the columns of a file.

    Raises:
        DataError: as for a file.
    """
    place = "records"
    if isinstance(source, Mapping):
        table = table_of_arrays(source, place, group)
    else:
        table = table_of_frame(_frame(source, place), place, group)
    return build_predictions(table, _sha256(table))


def _frame(frame: Any, place: str) -> Any:  # Any: data frames of several libraries
    """Return a data frame of any library as one of pandas."""
    if hasattr(frame, "columns") and hasattr(frame, "iloc"):
        return frame
    try:
        if hasattr(frame, "columns") or hasattr(frame, "column_names"):
            return frame.to_pandas()
    except Exception as error:  # another library's code runs here
        raise DataError(
            f"{place}: the {type(frame).__name__} cannot become a data frame of pandas ({describe_error(error)}); give "
            "one, or a mapping of arrays"
        ) from error
    raise DataError(f"{place}: is a {type(frame).__name__}; give a path, a data frame or a mapping of arrays")


def _sha256(table: Table) -> str:
    """Return a SHA-256 over every column that has a meaning, in hex; it stands for the hash of a file."""
    digest = hashlib.sha256(np.ascontiguousarray(table.scores).data)
    columns = [table.sample_id, table.label, table.condition, table.group]
    texts = [None if column is None else column.tolist() for column in columns]
    digest.update(json.dumps([table.kind, table.scores.shape, table.classes, *texts]).encode())
    return digest.hexdigest()


def build_predictions(table: Table, sha256: str, rename: Mapping[str, str] | None = None) -> Predictions:
    """Return the predictions of a table, sorted by condition and sample.

    Raises:
        DataError: scores are invalid, or samples are missing, repeated or labelled in two ways.
    """
    classes = class_names(table)
    logits, labels = checked_logits(table), label_numbers(table, classes)
    ids = sample_numbers(table, [classes[label] for label in labels])
    rows = rows_by_condition(table, ids)
    check_samples(table, ids, labels, rows)
    groups = group_names(table, rows)
    first = next(iter(rows.values()))
    numbers = None if groups is None else group_numbers(groups[first])
    samples = _samples(ids[first], labels[first], numbers)
    records = {key: _records(logits[indices], samples) for key, indices in rows.items()}
    fingerprint = data_fingerprint(ids[first], labels[first], classes)
    doubts = tuple(_doubts(table, labels))
    former = former_data(lambda names: sample_numbers(table, list(names)), labels, classes, rename or {})
    return Predictions(
        place=table.place,
        sha256=sha256,
        data=DataFacts(fingerprint=fingerprint, samples=len(first), classes=classes, groups=group_count(numbers)),
        records=records,
        written=table.sample_id[first],
        has_conditions=table.has_conditions,
        kind=table.kind,
        former=None
        if former is None
        else Former(
            classes=former.classes,
            fingerprint=data_fingerprint(former.sample_id[first], labels[first], former.classes),
            sample_id=former.sample_id[first],
        ),
        notes=(*_unused(table), *doubts),
        doubts=doubts,
    )


def _unused(table: Table) -> Iterator[str]:
    """Yield a sentence on columns that are not used."""
    if table.unused:
        yield f"columns of the predictions that are not used: {', '.join(table.unused)}"


def _doubts(table: Table, labels: NDArray[np.uint16]) -> Iterator[str]:
    """Yield sentences on labels and scores that may mean something else."""
    if table.classes is None and (note := missing_zero_note(labels)):
        yield note
    yield from scale_doubts(table)


def _samples(ids: NDArray[np.uint64], labels: NDArray[np.uint16], groups: NDArray[np.uint32] | None) -> Samples:
    return Samples(ids=read_only(ids), labels=read_only(labels), groups=None if groups is None else read_only(groups))


def _records(logits: NDArray[np.float64], samples: Samples) -> Records:
    """Return the predictions under one condition."""
    outcome = {**columns_of(logits, samples.labels), LOGITS: as_float32(logits)}
    return Records.of_outcome(samples, {name: read_only(column) for name, column in outcome.items()})

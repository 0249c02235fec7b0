"""Predictions made elsewhere, by whatever serves the model: a measurement for each condition they were made under."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.conditions import DEFINITIONS, AnyName
from pytest_failaware.errors import ConfigError, DataError, choices
from pytest_failaware.fingerprint import data_fingerprint, sample_ids
from pytest_failaware.prediction_files import Table, read_table, table_of_arrays, table_of_frame
from pytest_failaware.schema import ELSEWHERE, Condition, DataFacts, Measurement, ModelFacts, Provenance, Records
from pytest_failaware.scores import columns_of
from pytest_failaware.spelling import parse_condition
from pytest_failaware.text import describe_error, one_line

_SUM_TOLERANCE: Final = 0.01
"""How far probabilities may be from a sum of 1 before they are no softmax: float16 and three decimals stay within."""

_CLASSES: Final = 2**16  # what uint16 holds
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What a model answered, by the key of each condition; all conditions have the same samples."""

    place: str
    sha256: str
    data: DataFacts
    records: Mapping[str, Records]
    groups: NDArray[np.uint32] | None
    notes: tuple[str, ...] = ()

    def measurement(self, condition: Condition, seed: int, preprocessing: str = ELSEWHERE) -> Measurement:
        """One condition as if it had been measured here.

        Args:
            condition: what was done to the samples, which only whoever predicted can know.
            seed: of its randomness, likewise.
            preprocessing: likewise, where somebody says it.

        Raises:
            DataError: there are no predictions under it.
        """
        if condition.key not in self.records:
            raise DataError(
                f"{self.place}: has no predictions under {condition.key}; {choices(condition.key, tuple(self.records))}"
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
            groups=self.groups,
        )


def read_predictions(path: Path, group: str | None = None, option: str = "--failaware-predictions") -> Predictions:
    """The predictions in a file.

    Args:
        path: npz, csv or parquet, told apart by content.
        group: as in `read_table`.
        option: what named the file, for errors.

    Raises:
        DataError: naming the file, the row or column, and the remedy.
    """
    place = f"{option}={path}"
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{place}: no such file; give an npz, csv or parquet file of predictions") from error
    except OSError as error:
        raise DataError(f"{place}: cannot be read ({describe_error(error)}); give a readable file") from error
    return build_predictions(read_table(content, place, group), hashlib.sha256(content).hexdigest())


def adopt_predictions(given: Any, group: str | None = None) -> Predictions:  # Any: a data frame, or arrays by name
    """The predictions in a data frame or a mapping of arrays, as the columns of a file.

    Raises:
        DataError: as for a file.
    """
    place = "records"
    if isinstance(given, Mapping):
        table = table_of_arrays(given, place, group)
    elif hasattr(given, "columns"):
        table = table_of_frame(given, place, group)
    else:
        raise DataError(f"{place}: is a {type(given).__name__}; give a path, a data frame or a mapping of arrays")
    return build_predictions(table, hashlib.sha256(np.ascontiguousarray(table.scores).data).hexdigest())


def build_predictions(table: Table, sha256: str) -> Predictions:
    """Every prediction of a table in its place.

    Raises:
        DataError: scores are no scores, samples are missing, given twice or labelled in two ways.
    """
    classes = _classes(table)
    logits, labels = _logits(table), _labels(table, classes)
    ids = _ids(table, [classes[label] for label in labels])
    keys = _keys(table)
    records: dict[str, Records] = {}
    first: NDArray[np.intp] | None = None
    for key in dict.fromkeys(keys.tolist()):
        rows = np.flatnonzero(keys == key)
        rows = rows[np.argsort(ids[rows], kind="stable")]
        _refuse_twice(table, ids, rows, key)
        first = rows if first is None else first
        _refuse_other_samples(table, ids, labels, first, rows, (str(keys[first[0]]), key))
        records[key] = Records(sample_id=ids[rows], **columns_of(logits[rows], labels[rows]))
    assert first is not None  # a table has a row
    for column in (getattr(one, name) for one in records.values() for name in Records.__slots__):
        column.setflags(write=False)
    fingerprint = data_fingerprint(ids[first], labels[first], classes)
    return Predictions(
        place=table.place,
        sha256=sha256,
        data=DataFacts(fingerprint=fingerprint, samples=len(first), classes=classes),
        records=records,
        groups=None if table.group is None else _codes(table.group[first]),
        notes=(f"columns of the predictions that are not used: {', '.join(table.unused)}",) if table.unused else (),
    )


# ---- scores --------------------------------------------------------------------------------------------------------


def _logits(table: Table) -> NDArray[np.float64]:
    """The logits (M, K); of probabilities their logarithms, which softmax takes back to them."""
    scores = table.scores
    finite = np.isfinite(scores).all(axis=1)
    if not finite.all():
        raise DataError(
            f"{table.row(int(finite.argmin()))} has {table.kind} that are not finite (NaN, infinite or left out), as "
            f"have {int((~finite).sum()):,} of {len(scores):,}; repair what predicts, or leave out those samples"
        )
    sums = scores.sum(axis=1)
    ranged = (scores.min(axis=1) >= 0) & (scores.max(axis=1) <= 1)
    normalised = np.logical_and(ranged, np.abs(sums - 1) <= _SUM_TOLERANCE)
    if table.kind == "logits":
        if normalised.all():
            raise DataError(
                f"{table.place}: the logits are probabilities, every row sums to 1; name them probabilities (softmax "
                "would be applied twice)"
            )
        return scores
    if not normalised.all():
        row = int(normalised.argmin())
        found = f"sum to {sums[row]:.4g}" if ranged[row] else "lie outside of [0, 1]"
        raise DataError(
            f"{table.row(row)}: the probabilities {found}, as in {int((~normalised).sum()):,} of {len(scores):,} rows; "
            "give softmax outputs of all classes, or name them logits"
        )
    with np.errstate(divide="ignore"):
        return np.log(scores)


# ---- classes, labels, samples, conditions --------------------------------------------------------------------------


def _classes(table: Table) -> tuple[str, ...]:
    count = table.scores.shape[1]
    classes = tuple(map(str, range(count))) if table.classes is None else table.classes
    if len(classes) != count or len(set(classes)) != count or count > _CLASSES:
        raise DataError(
            f"{table.place}: {len(classes)} class names ({len(set(classes))} different) for {count} columns of "
            f"{table.kind}; give one name for each, at most {_CLASSES}"
        )
    return classes


def _labels(table: Table, classes: tuple[str, ...]) -> NDArray[np.uint16]:
    """The number of each label's class: a class name, or a whole number from 0."""
    known = {str(number): number for number in range(len(classes))}
    if table.label.dtype.kind not in "iu":  # numbers written as text may be the names of classes
        known |= {name: number for number, name in enumerate(classes)}
    texts, which = np.unique(table.label.astype(str), return_inverse=True)
    unknown = [index for index, text in enumerate(texts.tolist()) if text not in known]
    if unknown:
        text, row = str(texts[unknown[0]]), int(np.flatnonzero(which == unknown[0])[0])
        some = choices(text, classes[:20]) + (", …" if len(classes) > 20 else "")
        raise DataError(
            f"{table.row(row)}: the label {one_line(repr(text))} is no class; {some}, or 0 to {len(classes) - 1}"
        )
    labels: NDArray[np.uint16] = np.array([known[text] for text in texts.tolist()], dtype=np.uint16)[which]
    return labels


def _ids(table: Table, class_names: list[str]) -> NDArray[np.uint64]:
    """The ids (M,): whole numbers as they are, as records hold them; other text as a data set's own keys are taken."""
    texts = table.sample_id.astype(str).tolist()
    if all(_WHOLE.fullmatch(text) and int(text) < 2**64 for text in texts):
        return np.array([int(text) for text in texts], dtype=np.uint64)
    known = dict(zip(texts, class_names, strict=True))
    hashed = sample_ids([hashlib.sha256(text.encode()).digest() for text in known], list(known.values()))
    by_text = dict(zip(known, hashed, strict=True))
    return np.array([by_text[text] for text in texts], dtype=np.uint64)


def _keys(table: Table) -> NDArray[np.str_]:
    """The condition of each row, (M,), as a gate spells it."""
    definitions, spelled = AnyName(DEFINITIONS), {}
    for text in dict.fromkeys(table.condition.tolist()):
        try:
            spelled[text] = parse_condition(text, "condition", definitions).key
        except ConfigError as error:
            row = int(np.flatnonzero(table.condition == text)[0])
            raise DataError(f"{table.row(row)}: {error}") from error
    return np.array([spelled[text] for text in table.condition.tolist()])


def _refuse_twice(table: Table, ids: NDArray[np.uint64], rows: NDArray[np.intp], key: str) -> None:
    again = np.flatnonzero(ids[rows][1:] == ids[rows][:-1])
    if len(again):
        row, other = rows[again[0] + 1], rows[again[0]]
        raise DataError(
            f"{table.row(int(row))}: the sample {table.sample_id[row]} is given twice under {key} (first in row "
            f"{other + table.first_row}), one of {len(again):,}; keep one prediction of each"
        )


def _refuse_other_samples(
    table: Table,
    ids: NDArray[np.uint64],
    labels: NDArray[np.uint16],
    first: NDArray[np.intp],
    rows: NDArray[np.intp],
    keys: tuple[str, str],
) -> None:
    """Refuse a condition whose samples or labels are not those of the first one."""
    for (few, few_key), (many, many_key) in (
        ((rows, keys[1]), (first, keys[0])),
        ((first, keys[0]), (rows, keys[1])),
    ):
        lacking = many[~np.isin(ids[many], ids[few])]
        if len(lacking):
            raise DataError(
                f"{table.place}: {len(lacking):,} samples have predictions under {many_key} and none under {few_key}, "
                f"such as {table.sample_id[lacking[0]]}; predict the same samples under every condition"
            )
    differing = np.flatnonzero(labels[first] != labels[rows])
    if len(differing):
        row, other = rows[differing[0]], first[differing[0]]
        raise DataError(
            f"{table.row(int(row))}: the sample {table.sample_id[row]} has the label {table.label[row]}, in row "
            f"{other + table.first_row} {table.label[other]}; a sample has one label"
        )


def _codes(groups: NDArray[Any]) -> NDArray[np.uint32]:
    """A number per group."""
    codes: NDArray[np.uint32] = np.unique(groups.astype(str), return_inverse=True)[1].astype(np.uint32)
    return codes

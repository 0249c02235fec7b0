"""The columns of predictions, each read for what it means; what cannot mean anything is refused, with its row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.conditions import DEFINITIONS, AnyName
from pytest_failaware.errors import ConfigError, DataError, choices
from pytest_failaware.fingerprint import sample_ids
from pytest_failaware.output_scale import SUM_TOLERANCE, OutputScale, scale_of
from pytest_failaware.predictions.files import Table
from pytest_failaware.schema import NO_CLASS
from pytest_failaware.spelling import parse_condition
from pytest_failaware.text import one_line, spelled

_CLASSES: Final = NO_CLASS  # the last number that uint16 holds stands for no class
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,19}")


# ---- scores --------------------------------------------------------------------------------------------------------


def checked_logits(table: Table) -> NDArray[np.float64]:
    """The logits (M, K); of probabilities their logarithms, which softmax takes back to them."""
    scores = table.scores
    finite = np.isfinite(scores).all(axis=1)
    if not finite.all():
        raise DataError(
            f"{table.row(int(finite.argmin()))} has {table.kind} that are not finite (NaN, infinite or left out), as "
            f"have {int((~finite).sum()):,} of {len(scores):,}; repair what predicts, or leave out those samples"
        )
    scale = scale_of(scores)
    if scale is OutputScale.PERCENTAGES:
        raise DataError(
            f"{table.place}: the {table.kind} are {scale.value}; divide them by 100 and name them probabilities"
        )
    if table.kind == "logits":
        if scale is OutputScale.PROBABILITIES:
            raise DataError(f"{table.place}: the logits are {scale.value}; name them probabilities")
        return scores
    sums = scores.sum(axis=1)
    ranged = (scores.min(axis=1) >= 0) & (scores.max(axis=1) <= 1)
    normalised = np.logical_and(ranged, np.abs(sums - 1) <= SUM_TOLERANCE)
    if not normalised.all():
        row = int(normalised.argmin())
        found = f"sum to {sums[row]:.4g}" if ranged[row] else "lie outside of [0, 1]"
        raise DataError(
            f"{table.row(row)}: the probabilities {found}, as in {int((~normalised).sum()):,} of {len(scores):,} rows; "
            "give softmax outputs of all classes (or, before softmax, name them logits)"
        )
    with np.errstate(divide="ignore"):
        return np.log(scores)


# ---- classes, labels, samples, conditions --------------------------------------------------------------------------


def class_names(table: Table) -> tuple[str, ...]:
    """The names in label order, "0", "1", … where the file has none."""
    count = table.scores.shape[1]
    classes = tuple(map(str, range(count))) if table.classes is None else tuple(map(spelled, table.classes))
    if len(classes) != count or len(set(classes)) != count or count > _CLASSES:
        raise DataError(
            f"{table.place}: {len(classes)} class names ({len(set(classes))} different) for {count} columns of "
            f"{table.kind}; give one name for each, at most {_CLASSES}"
        )
    return classes


def label_numbers(table: Table, classes: tuple[str, ...]) -> NDArray[np.uint16]:
    """The number of each label's class: a class name, or a whole number from 0; where names are numbers, not both."""
    written, which = np.unique(table.label.astype(str), return_inverse=True)
    texts = list(map(spelled, written.tolist()))
    known = {str(number): number for number in range(len(classes))}
    named = {name: number for number, name in enumerate(classes)}
    if table.label.dtype.kind not in "iu":  # numbers written as text may be the names of classes
        if named.keys() >= set(texts):
            known = named
        elif named.keys().isdisjoint(known):  # "0" beside classes named 1, 2, 3 counts from 0, as then does "1"
            known |= named
    unknown = [index for index, text in enumerate(texts) if text not in known]
    if unknown:
        text, row = texts[unknown[0]], int(np.flatnonzero(which == unknown[0])[0])
        some = choices(text, classes[:20]) + (", …" if len(classes) > 20 else "")
        raise DataError(
            f"{table.row(row)}: the label {one_line(repr(text))} is no class; {some}, or 0 to {len(classes) - 1}"
        )
    labels: NDArray[np.uint16] = np.array([known[text] for text in texts], dtype=np.uint16)[which]
    return labels


def sample_numbers(table: Table, class_names: list[str]) -> NDArray[np.uint64]:
    """The ids (M,): whole numbers as they are, as records hold them; other text as a data set's own keys are taken."""
    texts = table.sample_id.astype(str).tolist()
    if all(_WHOLE.fullmatch(text) and int(text) < 2**64 for text in texts):
        return np.array([int(text) for text in texts], dtype=np.uint64)
    known = dict(zip(texts, class_names, strict=True))
    hashed = sample_ids([hashlib.sha256(spelled(text).encode()).digest() for text in known], list(known.values()))
    by_text = dict(zip(known, hashed, strict=True))
    return np.array([by_text[text] for text in texts], dtype=np.uint64)


def _condition_keys(table: Table) -> NDArray[np.str_]:
    """The condition of each row, (M,), as a gate spells it."""
    definitions, spelled = AnyName(DEFINITIONS), {}
    for text in dict.fromkeys(table.condition.tolist()):
        try:
            spelled[text] = parse_condition(text, "condition", definitions).key
        except ConfigError as error:
            row = int(np.flatnonzero(table.condition == text)[0])
            raise DataError(f"{table.row(row)}: {error}") from error
    return np.array([spelled[text] for text in table.condition.tolist()])


def rows_by_condition(table: Table, ids: NDArray[np.uint64]) -> dict[str, NDArray[np.intp]]:
    """The rows of each condition, ascending by id."""
    keys, order = _condition_keys(table), np.argsort(ids, kind="stable")
    return {key: order[keys[order] == key] for key in dict.fromkeys(keys.tolist())}


def check_samples(
    table: Table, ids: NDArray[np.uint64], labels: NDArray[np.uint16], rows: Mapping[str, NDArray[np.intp]]
) -> None:
    """Refuse a sample that a condition has twice or lacks, or that has two labels."""
    first_key, first = next(iter(rows.items()))
    for key, own in rows.items():
        again = np.flatnonzero(ids[own][1:] == ids[own][:-1])
        if len(again):
            former, latter = own[again[0]], own[again[0] + 1]
            more = f", and {len(again) - 1:,} more" if len(again) > 1 else ""
            raise DataError(
                f"{table.row(latter)}: the sample {table.sample_id[latter]} is given twice under {key} (first in row "
                f"{former + table.first_row}){more}; keep one prediction of each"
            )
        odd = np.setxor1d(ids[first], ids[own], assume_unique=True)
        if len(odd):
            row = int(np.flatnonzero(ids == odd[0])[0])
            has, lacks = (first_key, key) if odd[0] in ids[first] else (key, first_key)
            raise DataError(
                f"{table.place}: {len(odd):,} samples are not predicted under both {first_key} and {key}, such as "
                f"{table.sample_id[row]}, under {has} but not {lacks}; predict the same samples under every condition"
            )
    _refuse_two(table, "label", labels, table.label, rows)


def group_names(table: Table, rows: Mapping[str, NDArray[np.intp]]) -> NDArray[np.str_] | None:
    """The group of each row, (M,); None where the table has none. A sample has one under all conditions."""
    if table.group is None:
        return None
    groups = table.group.astype(str)
    empty = np.flatnonzero(np.isin(groups, ("", "nan", "None", "<NA>")))
    if len(empty):
        raise DataError(f"{table.row(empty[0])}: has no group; give one, a sample alone a group of its own")
    _refuse_two(table, "group", groups, groups, rows)
    return groups


def _refuse_two(
    table: Table, what: str, values: NDArray[Any], written: NDArray[Any], rows: Mapping[str, NDArray[np.intp]]
) -> None:
    """Refuse a sample that has one value (M,) under the first condition and another elsewhere."""
    first = next(iter(rows.values()))
    for own in rows.values():
        differing = np.flatnonzero(values[first] != values[own])
        if len(differing):
            former, latter = first[differing[0]], own[differing[0]]
            raise DataError(
                f"{table.row(latter)}: the sample {table.sample_id[latter]} has the {what} {written[latter]}, in row "
                f"{former + table.first_row} {written[former]}; a sample has one {what}"
            )

"""Interpret the columns of predictions; a value without a meaning is refused with its row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.conditions.catalogue import DEFINITIONS, AnyName
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ConfigError, DataError
from pytest_failaware.core.identity import sample_ids
from pytest_failaware.core.output_scale import (
    UNIT_RANGE_REMEDY,
    OutputScale,
    constancy_doubt,
    logarithms,
    not_probabilities,
    scale_of,
)
from pytest_failaware.core.samples import MOST_OUTPUTS
from pytest_failaware.core.scores import is_answered
from pytest_failaware.core.text import described, one_line, spelled
from pytest_failaware.measure.class_labels import LabelError, class_numbers
from pytest_failaware.measure.predictions.table import Table

_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,19}")


# ---- scores --------------------------------------------------------------------------------------------------------


def checked_logits(table: Table) -> NDArray[np.float64]:
    """Return the logits, (M, K); probabilities become their logarithms, which softmax turns back into them."""
    scores = table.scores
    answered = is_answered(scores)
    if not answered.all():
        raise DataError(
            f"{table.row(int(answered.argmin()))} has {table.kind} that are not finite (NaN, infinite or left out), as "
            f"have {int((~answered).sum()):,} of {len(scores):,}; repair the model, or leave out those samples"
        )
    scale = scale_of(scores)
    if scale is OutputScale.PERCENTAGES:
        raise DataError(
            f"{table.place}: the {table.kind} are {scale.value}; divide them by 100 and name them probabilities"
            f"{constancy_doubt(scores)}"
        )
    if table.kind == "logits":
        if scale is OutputScale.PROBABILITIES:
            doubt = constancy_doubt(scores)
            raise DataError(f"{table.place}: the logits are {scale.value}; name them probabilities{doubt}")
        return scores
    wrong = not_probabilities(scores)
    if wrong.any():
        row = int(wrong.argmax())
        is_inside = scores[row].min() >= 0 and scores[row].max() <= 1
        finding = f"sum to {scores[row].sum():.4g}" if is_inside else "lie outside of [0, 1]"
        raise DataError(
            f"{table.row(row)}: the probabilities {finding}, as in {int(wrong.sum()):,} of {len(scores):,} rows; "
            "give softmax outputs of all classes (or, before softmax, name them logits)"
        )
    return logarithms(scores)


def scale_doubts(table: Table) -> tuple[str, ...]:
    """Return a sentence if the logits may be something else."""
    scale = scale_of(table.scores) if table.kind == "logits" else None
    return (f"the logits are {scale.value}; {UNIT_RANGE_REMEDY}",) if scale is OutputScale.UNIT_RANGE else ()


# ---- classes, labels, samples, conditions --------------------------------------------------------------------------


def class_names(table: Table) -> tuple[str, ...]:
    """Return the names in label order; "0", "1", … if the file has none."""
    count = table.scores.shape[1]
    classes = tuple(map(str, range(count))) if table.classes is None else tuple(map(spelled, table.classes))
    if "" in classes:
        raise DataError(f"{table.place}: class {classes.index('')} has no name; name every class")
    if len(classes) != count or len(set(classes)) != count or count > MOST_OUTPUTS:
        raise DataError(
            f"{table.place}: {len(classes)} class names ({len(set(classes))} different) for {count} columns of "
            f"{table.kind}; give one name for each, at most {MOST_OUTPUTS:,}"
        )
    return classes


def label_numbers(table: Table, classes: tuple[str, ...]) -> NDArray[np.uint16]:
    """Return the class number of each label, (M,)."""
    texts = [spelled(text) for text in table.label]
    try:
        numbers = class_numbers(dict.fromkeys(texts), classes)
    except LabelError as error:
        raise DataError(f"{table.row(texts.index(error.label))}: {error}") from error
    return np.array([numbers[text] for text in texts], dtype=np.uint16)


def sample_numbers(table: Table, class_names: list[str]) -> NDArray[np.uint64]:
    """Return the ids, (M,): a whole number is its own id, as in records; text is hashed, as the keys of a data set."""
    known = dict(zip(table.sample_id.tolist(), class_names, strict=True))
    numbers = {text: int(text) for text in known if _WHOLE.fullmatch(text) and int(text) < 2**64}
    texts = [text for text in known if text not in numbers]
    hashed = sample_ids(
        [hashlib.sha256(spelled(text).encode()).digest() for text in texts], [known[text] for text in texts]
    )
    by_text = numbers | dict(zip(texts, hashed.tolist(), strict=True))
    if len(set(by_text.values())) < len(by_text):
        raise DataError(f"{table.place}: a whole number is the 64-bit id of another sample; change one of the two")
    return np.array([by_text[text] for text in table.sample_id], dtype=np.uint64)


def _condition_keys(table: Table) -> NDArray[np.str_]:
    """Return the condition of each row, (M,), as a gate spells it."""
    definitions, spelled = AnyName(DEFINITIONS), {}
    for text in dict.fromkeys(table.condition.tolist()):
        try:
            spelled[text] = parse_condition(text, "condition", definitions).key
        except ConfigError as error:
            row, is_built_in = int(np.flatnonzero(table.condition == text)[0]), re.split("[:(]", text)[0] in DEFINITIONS
            if is_built_in:
                raise DataError(f"{table.row(row)}: {error}") from error
            raise DataError(
                f"{table.row(row)}: the condition {described(text)} is not a name; write small letters, digits and _, "
                "starting with a letter, as in typos, or a built-in condition, as in fog:3"
            ) from error
    return np.array([spelled[text] for text in table.condition.tolist()])


def rows_by_condition(table: Table, ids: NDArray[np.uint64]) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each condition, ascending by id."""
    keys, order = _condition_keys(table), np.argsort(ids, kind="stable")
    return {key: order[keys[order] == key] for key in dict.fromkeys(keys.tolist())}


def check_samples(
    table: Table, ids: NDArray[np.uint64], labels: NDArray[np.uint16], rows: Mapping[str, NDArray[np.intp]]
) -> None:
    """Refuse a sample that a condition has twice or not at all, or that has two labels."""
    first_key, first = next(iter(rows.items()))
    for key, current in rows.items():
        again = np.flatnonzero(ids[current][1:] == ids[current][:-1])
        if len(again):
            former, latter = current[again[0]], current[again[0] + 1]
            more = f", and {len(again) - 1:,} more" if len(again) > 1 else ""
            raise DataError(
                f"{table.row(latter)}: the sample {table.sample(latter)} is given twice under {key} (first in row "
                f"{table.rows.number(former)}){more}; keep one prediction of each"
            )
        odd = np.setxor1d(ids[first], ids[current], assume_unique=True)
        if len(odd):
            row = int(np.flatnonzero(ids == odd[0])[0])
            has, lacks = (first_key, key) if odd[0] in ids[first] else (key, first_key)
            raise DataError(
                f"{table.place}: {len(odd):,} samples are not predicted under both {first_key} and {key}, such as "
                f"{table.sample(row)}, under {has} but not {lacks}; predict the same samples under every condition"
            )
    _refuse_two(table, "label", labels, table.label, rows)


def group_names(table: Table, rows: Mapping[str, NDArray[np.intp]]) -> NDArray[np.str_] | None:
    """Return the group of each row, (M,), or None without groups; refuse a sample that has two groups."""
    if table.group is None:
        return None
    groups = table.group.astype(str)
    _refuse_two(table, "group", groups, groups, rows)
    return groups


def _refuse_two(
    table: Table, what: str, values: NDArray[Any], written: NDArray[Any], rows: Mapping[str, NDArray[np.intp]]
) -> None:
    """Refuse a sample that has text value (M,) under the first condition and another elsewhere."""
    first = next(iter(rows.values()))
    for current in rows.values():
        differing = np.flatnonzero(values[first] != values[current])
        if len(differing):
            former, latter = first[differing[0]], current[differing[0]]
            text, former_text = one_line(written[latter]), one_line(written[former])
            raise DataError(
                f"{table.row(latter)}: the sample {table.sample(latter)} has the {what} {text}, in row "
                f"{table.rows.number(former)} {former_text}; a sample has one {what}"
            )

"""Find the columns of predictions by their names: scores, samples, labels, conditions and groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.cells import CellError, class_texts
from pytest_failaware.core.errors import DataError, choices
from pytest_failaware.core.samples import GROUP
from pytest_failaware.core.text import one_line
from pytest_failaware.measure.predictions.arrays import array_of, matrix_of, numbers_of, texts_of
from pytest_failaware.measure.predictions.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

SCORE_KINDS: Final = ("logits", "probabilities")
"""The kinds of scores; npz arrays and parquet columns of lists have these names."""


_PREFIXES: Final = {"logit_": "logits", "probability_": "probabilities"}
"""The prefixes of columns that hold the scores of a single class, in csv and parquet files."""


_LIKE_SCORES: Final = re.compile(
    r"(?P<kind>prob(a|s|ability|abilities)?|p|softmax|score|logits?)[_ .:-]+(?P<name>.+)", re.IGNORECASE
)
"""The names of such columns in other tools."""


_MEANT: Final = {
    "sample_id": ("id", "sample", "uid", "file", "filename", "path", "image", "image_id"),
    "label": ("target", "class", "y", "y_true", "true_label", "ground_truth"),
}
"""The names of the other columns in other tools."""


LAYOUT: Final = (
    "give sample_id, label, condition (if there is more than clean) and logits or probabilities (in csv and parquet "
    "one column a class: logit_NAME or probability_NAME)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """M predictions as they were written."""

    rows: Rows
    sample_id: NDArray[np.object_]  # (M,), texts
    label: NDArray[np.object_]  # (M,), texts: names of classes or whole numbers
    condition: NDArray[np.object_]  # (M,), texts
    scores: NDArray[np.float64]  # (M, K)
    kind: str  # one of SCORE_KINDS
    classes: tuple[str, ...] | None
    group: NDArray[np.object_] | None  # (M,), texts
    unused: tuple[str, ...]
    has_conditions: bool  # whether the table says under which condition each row was predicted

    @property
    def place(self) -> str:
        """The name of the table in errors."""
        return self.rows.place

    def row(self, index: np.intp | int) -> str:
        """Return the name of a prediction for errors."""
        return self.rows.name(index)

    def sample(self, index: np.intp | int) -> str:
        """Return the name of the sample of a prediction for errors."""
        return one_line(self.sample_id[index])


def table_of_arrays(arrays: Mapping[str, Any], place: str, group: str | None) -> Table:  # Any: arrays of any library
    """Return the predictions in named arrays, such as those of an npz file."""
    refuse_namesakes(list(map(str, arrays)), place)
    columns = {str(name): values for name, values in arrays.items()}
    classes = array_of(columns.pop("classes"), "classes", place) if "classes" in columns else None
    if classes is not None and classes.ndim != 1:
        raise DataError(f"{place}: classes must have one dimension, got shape {classes.shape}")
    try:
        names = None if classes is None else tuple(class_texts(classes))
    except CellError as error:
        raise DataError(f"{place}: classes: {error}") from error
    return _table(columns, names, Rows(place=place), group)


def table_of_frame(frame: pd.DataFrame, place: str, group: str | None, text: str | None = None) -> Table:
    """Return the predictions in a data frame: a column per class, or one of lists; `text` is that of a csv file."""
    if "sample_id" in frame.index.names and "sample_id" not in frame.columns:
        frame = frame.reset_index()
    refuse_namesakes(list(map(str, frame.columns)), place)
    return _table(
        {str(name): frame[name].to_numpy() for name in frame.columns}, None, Rows(place=place, text=text), group
    )


def refuse_namesakes(names: list[str], place: str) -> None:
    """Refuse columns of which two have the same name."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{place}: has two columns {one_line(repr(twice))}; rename one of them")


def _table(columns: Mapping[str, Any], classes: tuple[str, ...] | None, rows: Rows, group: str | None) -> Table:
    """Return the columns that have a meaning; `classes` are the names of the columns of a matrix, if it has names."""
    _refuse_absent(columns, rows.place, group)
    kind, wide = _scores(columns, rows.place)
    if wide and classes is not None:
        raise DataError(
            f"{rows.place}: has both classes and columns {_prefix(kind)}…, which name them; leave out classes"
        )
    if wide:
        classes = tuple(name.removeprefix(_prefix(kind)) for name in wide)
    scores = _matrix(columns, kind, wide, rows)
    count, grouped = len(scores), group or GROUP
    meant = [name for name in ("sample_id", "label", "condition", grouped) if name in columns]
    arrays = {name: array_of(columns[name], name, rows.place) for name in meant}
    _refuse_lengths(arrays, count, rows.place, kind)
    texts = {name: texts_of(array, name, rows) for name, array in arrays.items()}
    return Table(
        rows=rows,
        sample_id=texts["sample_id"],
        label=texts["label"],
        condition=texts.get("condition", np.full(count, "clean", dtype=object)),
        scores=scores.astype(np.float64),
        kind=kind,
        classes=classes,
        group=texts.get(grouped),
        unused=tuple(name for name in columns if name not in (*meant, *wide, kind)),
        has_conditions="condition" in columns,
    )


def _matrix(columns: Mapping[str, Any], kind: str, wide: list[str], rows: Rows) -> NDArray[Any]:
    """Return the scores, (M, K), from one column for each class or from one array."""
    if wide:
        cells = [numbers_of(array_of(columns[name], name, rows.place), name, rows) for name in wide]
        _refuse_lengths(dict(zip(wide, cells, strict=True)), len(cells[0]), rows.place, wide[0])
        scores: NDArray[Any] = np.stack(cells, axis=1)
    else:
        scores = matrix_of(array_of(columns[kind], kind, rows.place), kind, rows)
    if scores.ndim and not len(scores):
        raise DataError(f"{rows.place}: has no row; write one for each sample and condition")
    if scores.ndim != 2 or scores.dtype.kind not in "fiu" or scores.shape[1] < 2:
        raise DataError(
            f"{rows.place}: {kind} must be numbers of shape (samples, classes >= 2), got {scores.dtype} {scores.shape}"
        )
    return scores


def _refuse_absent(columns: Mapping[str, object], place: str, group: str | None) -> None:
    """Refuse a table without a required column, or without the group column that the user named."""
    kinds = set(columns) & set(SCORE_KINDS)
    if not kinds and not any(name.startswith(tuple(_PREFIXES)) for name in columns):
        return  # `_scores` says more
    for name in ("sample_id", "label"):
        if name not in columns:
            alias = next((other for other in columns if other.lower() in _MEANT[name]), None)
            hint = choices(name, tuple(columns)) if alias is None else f"rename {alias!r} to {name}"
            raise DataError(f"{place}: has no column {name}; {hint}; {LAYOUT}")
    if group is not None and group not in columns:
        raise DataError(f"{place}: has no column {group!r} of --failaware-group; {choices(group, tuple(columns))}")


def _scores(columns: Mapping[str, object], place: str) -> tuple[str, list[str]]:
    """Return the kind of the scores, and the columns of single classes; there are none if a matrix holds all scores."""
    kinds = {meant for prefix, meant in _PREFIXES.items() if any(name.startswith(prefix) for name in columns)}
    kinds |= set(columns) & set(SCORE_KINDS)
    if len(kinds) > 1:
        raise DataError(f"{place}: has both logits and probabilities; leave one of them out")
    if not kinds:
        names = one_line(", ".join(list(columns)[:8])) + (", …" if len(columns) > 8 else "")
        raise DataError(f"{place}: has no scores, only {names or 'nothing'}; {_other_names(columns)}{LAYOUT}")
    kind = kinds.pop()
    wide = [name for name in columns if name.startswith(_prefix(kind))]
    if kind in columns and wide:
        raise DataError(f"{place}: has both a column {kind} and columns {_prefix(kind)}…; leave one of them out")
    return kind, wide


def _prefix(kind: str) -> str:
    return next(prefix for prefix, meant in _PREFIXES.items() if meant == kind)


def _other_names(columns: Mapping[str, object]) -> str:
    """Return a hint to rename columns that have the names of another tool."""
    for name in columns:
        match = _LIKE_SCORES.fullmatch(name)
        if match:
            prefix = "logit_" if match["kind"].lower().startswith("logit") else "probability_"
            return f"rename {one_line(repr(name))} to {prefix}{one_line(match['name'])}; "
    return ""


def _refuse_lengths(columns: Mapping[str, NDArray[Any]], count: int, place: str, other: str) -> None:
    for name, column in columns.items():
        if column.shape != (count,):
            raise DataError(
                f"{place}: {name} has shape {column.shape}, and {other} has {count:,} rows; give one per row"
            )

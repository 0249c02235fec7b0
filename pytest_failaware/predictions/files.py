"""Files of predictions -> their columns: npz, csv or parquet, told apart by their first bytes."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.budgets import check_unpacked
from pytest_failaware.errors import DataError, choices
from pytest_failaware.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.schema import GROUP
from pytest_failaware.text import describe_error, one_line

if TYPE_CHECKING:
    import pandas as pd

SCORE_KINDS: Final = ("logits", "probabilities")
"""What the scores of a prediction can be: npz arrays and parquet columns of lists have these names."""

_PREFIXES: Final = {"logit_": "logits", "probability_": "probabilities"}
"""How the columns of a csv or parquet file begin that hold one class's scores each."""

_KNOWN: Final = ("sample_id", "label", "condition", "classes", *SCORE_KINDS)
_LAYOUT: Final = (
    "give sample_id, label, condition (if there is more than clean) and logits or probabilities (in csv and parquet "
    "one column a class: logit_NAME or probability_NAME)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """M predictions as they were written; `first_row` is the number that people know the first one by."""

    place: str
    first_row: int
    sample_id: NDArray[Any]  # (M,), text or whole numbers
    label: NDArray[Any]  # (M,), class names or whole numbers
    condition: NDArray[np.str_]  # (M,)
    scores: NDArray[np.float64]  # (M, K)
    kind: str  # of SCORE_KINDS
    classes: tuple[str, ...] | None
    group: NDArray[Any] | None  # (M,)
    unused: tuple[str, ...]

    def row(self, index: np.intp | int) -> str:
        """How an error names a prediction."""
        return f"{self.place}: row {index + self.first_row}"


def read_table(content: bytes, place: str, group: str | None) -> Table:
    """The predictions in a file.

    Args:
        content: all of it.
        place: how errors name it.
        group: the column that says which samples belong together; None: `group`, where there is one.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    if is_lfs_pointer(content):
        raise DataError(f"{place}: is a Git LFS pointer, not the predictions themselves; {LFS_REMEDY}")
    if content.startswith(b"PK\x03\x04"):
        return table_of_arrays(_npz(content, place), place, group)
    is_text = not content.startswith(b"PAR1")
    frame = _frame(content, place, group or GROUP)
    return table_of_frame(frame, place, group, first_row=2 if is_text else 0)  # a line in an editor


def table_of_arrays(arrays: Mapping[str, Any], place: str, group: str | None) -> Table:  # Any: whatever arrays hold
    """The predictions in arrays by name, as an npz file has them."""
    columns = {name: np.asarray(value) for name, value in arrays.items()}
    kind = _only(set(columns) & set(SCORE_KINDS), place, columns)
    classes = columns.get("classes")
    if classes is not None and classes.ndim != 1:
        raise DataError(f"{place}: classes must have one dimension, got shape {classes.shape}")
    names = None if classes is None else tuple(map(str, classes.tolist()))
    return _table(columns, columns[kind], kind, names, place, group, first_row=0)


def table_of_frame(frame: pd.DataFrame, place: str, group: str | None, *, first_row: int = 0) -> Table:
    """The predictions in a data frame: a column per class, or one column of lists."""
    _refuse_namesakes([str(name) for name in frame.columns], place)
    columns = {str(name): frame[name].to_numpy() for name in frame.columns}
    kinds = {_PREFIXES[prefix] for prefix in _PREFIXES for name in columns if name.startswith(prefix)}
    kind = _only(kinds | (set(columns) & set(SCORE_KINDS)), place, columns)
    prefix = next(prefix for prefix, meant in _PREFIXES.items() if meant == kind)
    wide = [name for name in columns if name.startswith(prefix)]
    if kind in columns and wide:
        raise DataError(f"{place}: has both a column {kind} and columns {prefix}…; leave one of them out")
    if kind in columns:
        return _table(columns, _stacked(columns[kind], kind, place), kind, None, place, group, first_row=first_row)
    for name in wide:
        if columns[name].dtype.kind not in "fiu":
            raise DataError(f"{place}: the column {name} holds more than numbers; write one number in every row")
    scores = np.stack([columns[name] for name in wide], axis=1)
    others = {name: column for name, column in columns.items() if name not in wide}
    classes = tuple(name.removeprefix(prefix) for name in wide)
    return _table(others, scores, kind, classes, place, group, first_row=first_row)


def _npz(content: bytes, place: str) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            check_unpacked(found.zip, place, DataError, remedy="leave out what is not needed, or write parquet")
            return {name: found[name] for name in found.files}
    except DataError:
        raise
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise DataError(
            f"{place}: cannot be read as npz ({describe_error(error)}); save it with numpy.savez, no objects"
        ) from error


def _frame(content: bytes, place: str, group: str) -> pd.DataFrame:
    import pandas as pd

    text = {"sample_id": str, "label": str, "condition": str, group: str}
    try:
        if content.startswith(b"PAR1"):
            return pd.read_parquet(io.BytesIO(content))
        frame = pd.read_csv(io.BytesIO(content), dtype=text, keep_default_na=False, encoding="utf-8-sig")
        names = pd.read_csv(
            io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None, nrows=1
        )
    except ImportError as error:
        raise DataError(
            f"{place}: reading parquet needs pyarrow; pip install 'pytest-failaware[parquet]', or write csv or npz"
        ) from error
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise DataError(
            f"{place}: is neither npz nor parquet, and cannot be read as csv ({describe_error(error)}); {_LAYOUT}"
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas would shift every column
        raise DataError(f"{place}: its rows have more fields than its first line has names; name every column")
    _refuse_namesakes(names.iloc[0].tolist(), place)  # pandas has renamed them in the frame
    return frame


def _refuse_namesakes(names: list[str], place: str) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{place}: has two columns {one_line(repr(twice))}; rename one of them")


def _only(found: set[str], place: str, columns: Mapping[str, object]) -> str:
    """The one kind of scores there is."""
    if len(found) != 1:
        names = one_line(", ".join(list(columns)[:8])) + (", …" if len(columns) > 8 else "")
        has = "both logits and probabilities" if found else f"no scores, only {names or 'nothing'}"
        raise DataError(f"{place}: has {has}; {'leave one of them out' if found else _LAYOUT}")
    return found.pop()


def _stacked(column: NDArray[Any], kind: str, place: str) -> NDArray[np.float64]:
    try:
        return np.stack([np.asarray(row, dtype=np.float64) for row in column])
    except ValueError as error:
        raise DataError(f"{place}: {kind} must hold as many numbers in every row ({error})") from error


def _table(
    columns: Mapping[str, NDArray[Any]],
    scores: NDArray[Any],
    kind: str,
    classes: tuple[str, ...] | None,
    place: str,
    group: str | None,
    *,
    first_row: int,
) -> Table:
    for name in ("sample_id", "label"):
        if name not in columns:
            raise DataError(f"{place}: has no column {name}; {choices(name, tuple(columns))}; {_LAYOUT}")
    if group is not None and group not in columns:
        raise DataError(f"{place}: has no column {group!r} of --failaware-group; {choices(group, tuple(columns))}")
    if scores.ndim != 2 or scores.dtype.kind not in "fiu" or scores.shape[1] < 2 or not len(scores):
        raise DataError(
            f"{place}: {kind} must be numbers of shape (samples, classes >= 2), got {scores.dtype} {scores.shape}"
        )
    count, grouped = len(scores), group or GROUP
    condition = columns.get("condition", np.full(count, "clean"))
    own = {name: columns[name] for name in ("sample_id", "label", grouped) if name in columns}
    for name, column in {**own, "condition": condition}.items():
        if column.shape != (count,):
            raise DataError(f"{place}: {name} has shape {column.shape}, {kind} {scores.shape}; give one per row")
    return Table(
        place=place,
        first_row=first_row,
        sample_id=columns["sample_id"],
        label=columns["label"],
        condition=condition.astype(str),
        scores=scores.astype(np.float64),
        kind=kind,
        classes=classes,
        group=columns.get(grouped),
        unused=tuple(name for name in columns if name not in (*_KNOWN, grouped)),
    )

"""Convert arrays of any library to numpy columns of texts or numbers; errors name the row of a wrong cell."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.cells import CellError, id_text_of, is_absent, is_missing, text_of
from pytest_failaware.core.errors import DataError
from pytest_failaware.core.text import describe_error, described, one_line
from pytest_failaware.measure.predictions.rows import Rows

_MISSING: Final = {
    "sample_id": "has no sample_id; give every sample one",
    "label": "has no label; give the name of the class or its number, or leave out the sample under every condition",
    "condition": "has no condition; write clean if nothing was done to the sample",
}
_NO_GROUP: Final = "has no group; give every sample a group; a sample that belongs to no other needs its own"
_NUMBERS: Final = "fiu"


def array_of(values: Any, name: str, place: str) -> NDArray[Any]:  # Any: an array of any library
    """Return values as a numpy array; a list becomes an array of objects, so that no cell changes its type.

    Tensors are detached, moved to the CPU and widened to a type of numpy; masked cells become None.

    Raises:
        DataError: the values are no array.
    """
    try:
        if isinstance(values, (list, tuple)):
            return np.fromiter(map(_detached, values), dtype=object, count=len(values))
        array = _detached(values)
        if np.ma.is_masked(array):
            cells = np.array(array.data, dtype=object)
            cells[np.ma.getmaskarray(array)] = None
            return cells
        return np.asarray(array)
    except Exception as error:  # other libraries raise errors of any kind
        raise DataError(
            f"{place}: {name} is no array ({describe_error(error)}); give a numpy array, a list or a column"
        ) from error


def _is_tensor(value: object) -> bool:
    torch: Any = sys.modules.get("torch")  # Any: a module; if it is not loaded, no value is a tensor
    return torch is not None and isinstance(value, torch.Tensor)


def _detached(value: Any) -> Any:  # Any: a tensor, or any value, which stays as it is
    if not _is_tensor(value):
        return value
    dense = value.detach().cpu().to_dense().resolve_conj().resolve_neg()
    array = (dense.double() if dense.is_floating_point() else dense).numpy()
    return array.item() if not array.shape else array


def texts_of(column: NDArray[Any], name: str, rows: Rows) -> NDArray[np.object_]:
    """Return the texts of a column, (M,); refuse missing values and cells that are neither text nor a number.

    Raises:
        DataError: with the row.
    """
    convert: Callable[[object], str] = id_text_of if name == "sample_id" else text_of
    if column.dtype.kind in "biu":
        return column.astype(str).astype(object)
    texts = np.empty(len(column), dtype=object)
    for index, value in enumerate(column):
        if is_absent(value):
            raise DataError(f"{rows.name(index)}: {_MISSING.get(name, _NO_GROUP)}")
        try:
            texts[index] = convert(value)
        except CellError as error:
            raise DataError(f"{rows.name(index)}: the {name} {error}") from error
    return texts


def numbers_of(column: NDArray[Any], name: str, rows: Rows) -> NDArray[np.float64]:
    """Return the numbers of a column, float64 (M,), NaN for a missing one; text is read if it is a number.

    Raises:
        DataError: with the row and what it holds.
    """
    if column.ndim == 1 and column.dtype.kind in _NUMBERS:
        return column.astype(np.float64)
    if column.ndim != 1 or column.dtype.kind not in "OSUT":
        raise DataError(
            f"{rows.place}: the column {name} is {column.dtype} {column.shape}; write a number in every row"
        )
    numbers = np.empty(len(column), dtype=np.float64)
    for index, value in enumerate(column):
        numbers[index] = _number(value, name, rows, index)
    return numbers


def _number(value: object, name: str, rows: Rows, index: int) -> float:
    if is_missing(value):
        return np.nan
    is_for_python_only = isinstance(value, bool) or (isinstance(value, str) and "_" in value)  # True, 1_000
    if isinstance(value, (str, Real, Decimal)) and not is_for_python_only:
        with contextlib.suppress(ValueError, OverflowError):
            return float(value)
    raise DataError(f"{rows.name(index)}: the column {name} {_no_number(value)}")


def _no_number(value: object) -> str:
    """Return what a cell holds instead of a number, and the remedy."""
    if not isinstance(value, str):
        return f"holds {described(value)} ({type(value).__name__}); write a number"
    if not value.strip():
        return "is blank; write a number, or leave out the sample under every condition"
    comma = " with a point, not a comma" if "," in value else ""
    return f"holds {one_line(repr(value))}; write a number{comma}"


def matrix_of(values: NDArray[Any], kind: str, rows: Rows) -> NDArray[Any]:
    """Return the scores, (M, K), of an array of numbers or of lists of numbers.

    Raises:
        DataError: the cells are not lists of numbers of one length.
    """
    if values.dtype != object or not values.ndim or not values.size:
        return values
    lists = [_list(value, kind, rows, index) for index, value in enumerate(values)]
    odd = next((index for index, scores in enumerate(lists) if scores.shape != lists[0].shape), None)
    if odd is not None:
        raise DataError(
            f"{rows.name(odd)}: has {_count(lists[odd])} {kind}, row {rows.number(0)} has {_count(lists[0])}; give one "
            "for each class in every row"
        )
    return np.stack(lists)


def _count(scores: NDArray[np.float64]) -> object:
    return len(scores) if scores.ndim == 1 else scores.shape


def _list(value: Any, kind: str, rows: Rows, index: int) -> NDArray[np.float64]:  # Any: a cell of a column of lists
    is_list = isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes))
    try:
        if is_list and np.asarray(value).dtype.kind in f"{_NUMBERS}O":
            return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # a tensor with a gradient raises the last
        pass
    raise DataError(f"{rows.name(index)}: {kind} is {described(value)}; give a list of numbers, one for each class")

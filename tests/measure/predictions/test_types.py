"""Predictions of any type that has a value are read; of any other one line says what it is."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from numpy.typing import NDArray

from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.measure.predictions.predictions import adopt_predictions

LOGITS = ((2.0, -1.0), (0.5, 3.0))
TENSOR = torch.tensor(LOGITS)
FRAME = pd.DataFrame({"sample_id": [1, 2], "label": ["a", "b"], "logit_a": [2.0, 0.5], "logit_b": [-1.0, 3.0]})
Pair = namedtuple("Pair", ["first", "second"])


def arrays(**changed: Any) -> dict[str, Any]:  # Any: what people hold predictions in
    """Two samples."""
    return {"sample_id": [1, 2], "label": [0, 1], "logits": LOGITS} | changed


@pytest.mark.parametrize(
    "logits",
    [
        TENSOR.bfloat16(),
        TENSOR.half(),
        TENSOR.double(),
        TENSOR.clone().requires_grad_(),
        TENSOR.to_sparse(),
        torch.nn.Parameter(TENSOR),
        [row.bfloat16() for row in TENSOR],
        list(TENSOR.clone().requires_grad_()),
        list(map(list, LOGITS)),
        Pair(*LOGITS),
        np.array(LOGITS, dtype=object),
        np.array(LOGITS, dtype=np.longdouble),
        np.ma.array(LOGITS),
        np.asfortranarray(LOGITS)[::1],
        pd.DataFrame(LOGITS),
        pd.Series([list(row) for row in LOGITS]),
        pa.array([list(row) for row in LOGITS]),
        [tuple(map(Fraction, row)) for row in LOGITS],
        [[Decimal(str(score)) for score in row] for row in LOGITS],
        memoryview(np.array(LOGITS)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_scores_of_many_types(logits: object) -> None:
    """All are the same numbers."""
    records = adopt_predictions(arrays(logits=logits)).records["clean"]

    assert [list(row) for row in LOGITS] == records.logits.tolist()  # type: ignore[union-attr] # predictions have all


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor([0, 1]),
        torch.tensor([0.0, 1.0], dtype=torch.bfloat16),
        [torch.tensor(0), torch.tensor(1)],
        np.array([0, 1], dtype=np.uint8),
        np.array([0.0, 1.0]),
        np.array([0, 1], dtype=object),
        np.ma.array([0, 1], mask=[False, False]),
        pd.Series([0, 1], dtype="Int8"),
        pd.Categorical(["0", "1"]),
        pa.chunked_array([[0], [1]]),
        (0, 1),
        ["0", 1.0],
        range(2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_labels_of_many_types(labels: object) -> None:
    """All are the classes 0 and 1."""
    assert [0, 1] == adopt_predictions(arrays(label=labels)).records["clean"].label.tolist()


@pytest.mark.parametrize(
    "table",
    [
        FRAME.set_index("sample_id"),
        FRAME.convert_dtypes(),
        FRAME.astype({"logit_a": object}),
        FRAME.astype({"logit_a": "Float32", "label": "category"}),
        FRAME.assign(**{"logit_a": ["2.0", "0.5"]}),
        pa.Table.from_pandas(FRAME),
        pa.RecordBatch.from_pandas(FRAME),
        FRAME.to_dict("list"),
        dict(FRAME.items()),
        FRAME.rename(columns=lambda name: np.str_(name)),
        pd.concat([FRAME, pd.DataFrame({7: [1, 2], ("a", 1): [3, 4]})], axis=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_tables_of_many_types(table: object) -> None:
    """All hold the same records."""
    records = adopt_predictions(table).records["clean"]

    assert [1, 2] == records.sample_id.tolist()
    assert [0, 1] == records.label.tolist()
    assert [0, 1] == records.prediction.tolist()


def test_boolean_labels_are_names() -> None:
    """True is no number of a class; a class may be called True."""
    named = arrays(label=np.array([True, False]), classes=np.array([True, False]))

    assert [0, 1] == adopt_predictions(named).records["clean"].label.tolist()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"logits": [[1, 2], [1]]}, "row 1: has 1 logits, row 0 has 2; give one for each class in every row"),
        ({"logits": [[1, 2], None]}, "row 1: logits is None; give a list of numbers"),
        ({"logits": [[1, 2], ["a", "b"]]}, r"row 1: logits is \['a', 'b'\]; give a list of numbers"),
        ({"logits": [[1, 2], {"a": 1}]}, r"row 1: logits is \{'a': 1\}; give a list"),
        ({"logits": [1.0, 2.0]}, "row 0: logits is 1.0; give a list"),
        ({"logits": TENSOR.to(torch.complex64)}, r"logits must be numbers .*, got complex64"),
        ({"logits": TENSOR > 0}, r"logits must be numbers .*, got bool"),
        ({"logits": TENSOR.to("meta")}, "logits is no array .*; give a numpy array, a list or a column"),
        ({"logits": None}, "logits must be numbers of shape"),
        ({"logits": iter(LOGITS)}, "logits must be numbers of shape"),
        ({"logits": np.ma.array(LOGITS, mask=[(0, 0), (0, 1)])}, "row 1 has logits that are not finite"),
        ({"logits": [[1.0, 2.0], [None, 1.0]]}, "row 1 has logits that are not finite"),
        ({"logits": []}, "has no row; write one for each sample and condition"),
        ({"label": np.array([True, False])}, "row 0: the label 'True' is no class"),
        ({"label": [0, -1]}, "row 1: the label '-1' is no class"),
        ({"label": [0, 0.5]}, "row 1: the label '0.5' is no class"),
        ({"label": [0, (1,)]}, r"row 1: the label is \(1,\) \(tuple\); write text or a whole number"),
        ({"label": [[1, 0], [0, 1]]}, r"row 0: the label is \[1, 0\] \(list\)"),
        ({"label": np.eye(2)}, r"label has shape \(2, 2\), and logits has 2 rows; give one per row"),
        ({"label": 3}, r"label has shape \(\)"),
        ({"label": torch.tensor([0, 1j])}, r"row 0: the label is .*\(complex64\); write text"),
        ({"condition": "clean"}, r"condition has shape \(\)"),
        ({"condition": [("fog", 3), "clean"]}, r"row 0: the condition is \('fog', 3\) \(tuple\)"),
        ({"group": [["a"], "b"]}, r"row 0: the group is \['a'\] \(list\)"),
        ({"classes": "ab"}, r"classes must have one dimension, got shape \(\)"),
        ({"classes": [["a"], ["b"]]}, r"classes: the name of class 0 is \['a'\] \(list\)"),
        ({1: [1, 2], "1": [1, 2]}, "has two columns '1'; rename one of them"),
        ({"logit_a": [1, 2]}, "has both a column logits and columns logit_…"),
    ],
)
def test_arrays_without_a_value(changed: dict[str, Any], words: str) -> None:
    """One line has the place, the finding and the remedy."""
    with pytest.raises(FailAwareError, match=words) as caught:
        adopt_predictions(arrays() | changed)
    assert 1 == len(str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (FRAME.assign(logit_b=[1, None]), "row 1 has logits that are not finite"),
        (FRAME.assign(logit_b=pd.array([1, None], dtype="Int64")), "row 1 has logits that are not finite"),
        (FRAME.assign(logit_b=[1, "much"]), "row 1: the column logit_b holds 'much'; write a number"),
        (FRAME.assign(logit_b=[True, False]), r"the column logit_b is bool \(2,\); write a number in every row"),
        (FRAME.assign(logit_b=pd.Series([1, True], dtype=object)), r"row 1: the column logit_b holds True \(bool\)"),
        (FRAME.assign(logit_b=[1, 1j]), "the column logit_b is complex128"),
        (FRAME.assign(logit_b=pd.to_datetime(["2026-01-01"] * 2)), "the column logit_b is datetime64"),
        (FRAME.iloc[:0], "has no row"),
        (pd.DataFrame(), "has no scores, only nothing"),
        (FRAME.rename(columns=lambda name: (name, "x")), "has no scores, only"),
        (FRAME.to_dict("list") | {"classes": ["a", "b"]}, "has both classes and columns logit_…"),
        (FRAME["label"], "records: is a Series; give a path, a data frame or a mapping of arrays"),
        (FRAME.to_numpy(), "records: is a ndarray; give a path"),
        ([FRAME], "records: is a list; give a path"),
        (TENSOR, "records: is a Tensor; give a path"),
    ],
)
def test_tables_without_a_value(table: object, words: str) -> None:
    """One line has the place, the finding and the remedy."""
    with pytest.raises(FailAwareError, match=words) as caught:
        adopt_predictions(table)
    assert 1 == len(str(caught.value).splitlines())


def test_the_table_that_is_given_is_not_changed() -> None:
    """Masked cells of objects become missing in a copy."""
    labels = np.ma.array(np.array(["a", "b"], dtype=object), mask=[False, True])
    with pytest.raises(FailAwareError, match="row 1: has no label"):
        adopt_predictions(arrays(label=labels))

    assert ["a", "b"] == labels.data.tolist()


class Hostile:
    """Code of somebody else that fails wherever it is asked."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError

    __hash__ = object.__hash__


ODD_CELLS = (
    *(None, float("nan"), pd.NA, pd.NaT, "", b"", b"\xff", "a\nb", "\ud800", "1" * 5000, 2**70, -(2**70), 10**400),
    *(0.5, float("inf"), 1j, True, np.bool_(True), np.float16(1), Decimal("sNaN"), np.datetime64("NaT"), object()),
    *(Hostile(), (1, 2), [1], {}, np.array(3), np.array([1, 2]), torch.tensor([1, 2]), np.ma.masked, slice(1)),
    *(torch.tensor(1.5, requires_grad=True), torch.eye(2).bfloat16(), range(2), pd.Timestamp("2026")),
)


def of_objects(cells: Sequence[object]) -> NDArray[np.object_]:
    """The cells as they are: pandas before 3 asks a tensor for an array."""
    column = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        column[row] = cell
    return column


@pytest.mark.parametrize("column", ["sample_id", "label", "condition", "group", "classes", "logits", "logit_a"])
@pytest.mark.parametrize("in_frame", [False, True])
def test_odd_cells_are_read_or_refused_in_one_line(column: str, in_frame: bool) -> None:
    """No cell of any column ends in a traceback."""
    refusals = []
    for cell in ODD_CELLS:
        given: dict[str, object] = arrays() if column in ("classes", "logits") else FRAME.to_dict("list")
        given[column] = [cell, *list(given.get(column, [cell, cell]))[1:]]  # type: ignore[call-overload] # lists
        table = pd.DataFrame({name: pd.Series(of_objects(cells), dtype=object) for name, cells in given.items()})  # type: ignore[call-overload] # lists
        try:
            adopt_predictions(table if in_frame else given)
        except FailAwareError as error:
            refusals.append(str(error))

    assert [] == [text for text in refusals if 1 != len(text.splitlines())]

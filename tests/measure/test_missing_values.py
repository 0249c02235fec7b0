"""A missing value in predictions or in a data set is refused with its place; it never becomes text."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pytest_failaware.core.errors import DataError
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.predictions.predictions import adopt_predictions, read_predictions

NAMES = ("nan", "None")


def frame(**changed: Any) -> pd.DataFrame:  # Any: whatever a column may hold
    """Two samples of classes that are called nan and None."""
    given = {"sample_id": [1, 2], "label": ["nan", "None"], "logit_nan": [1.0, 0.0], "logit_None": [0.0, 3.0]}
    return pd.DataFrame(given | changed)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT")])
@pytest.mark.parametrize("column", ["label", "group", "condition"])
def test_missing_values_of_a_frame(column: str, missing: object) -> None:
    """Missing values of every kind are refused, even if a class has such a name."""
    given = frame(**{column: pd.Series(["nan", missing], dtype=object)})

    with pytest.raises(DataError, match=f"row 1: has no {column}; "):
        adopt_predictions(given)


@pytest.mark.parametrize("column", ["label", "group", "condition", "sample_id"])
@pytest.mark.parametrize("kind", ["parquet", "table of pyarrow", "strings of pandas", "categories", "masked", "csv"])
def test_missing_values_through_other_ways(tmp_path: Path, column: str, kind: str) -> None:
    """A file, another library's table, masked arrays and blank cells."""
    cells = pd.Series(["nan", None], dtype="string")
    with pytest.raises(DataError, match=rf"row {3 if kind == 'csv' else 1}: has no {column}"):
        _read(frame(**{column: cells}), column, kind, tmp_path / "p")


def _read(given: pd.DataFrame, column: str, kind: str, path: Path) -> None:
    if kind in ("parquet", "csv"):
        buffer = io.BytesIO()
        given.to_parquet(buffer) if kind == "parquet" else given.to_csv(buffer, index=False)
        path.write_bytes(buffer.getvalue())
        read_predictions(path)
    elif kind == "table of pyarrow":
        adopt_predictions(pa.Table.from_pandas(given))
    elif kind == "masked":
        arrays: dict[str, object] = {name: given[name].to_numpy() for name in given.columns}
        adopt_predictions(arrays | {column: np.ma.array(["nan", "b"], mask=[False, True])})
    else:
        adopt_predictions(given.astype({column: "string" if kind == "strings of pandas" else "category"}))


def test_words_that_look_like_missing_values_are_words() -> None:
    """Labels, classes, groups and ids may be called nan or None."""
    found = adopt_predictions(frame(sample_id=["nan", "None"], group=["None", "nan"]))

    assert NAMES == found.data.classes
    assert [0, 1] == sorted(found.records["clean"].label.tolist())
    groups = found.records["clean"].samples.groups
    assert groups is not None
    assert 2 == len(set(groups.tolist()))


@pytest.mark.parametrize("classes", [["a", None], np.array([0.0, np.nan]), [pd.NA, "a"], ["", "a"], [("a", None), "b"]])
def test_classes_without_a_name(classes: object) -> None:
    """In predictions and in data sets."""
    arrays: Mapping[str, object] = {"sample_id": [1], "label": [0], "logits": [[1.0, 0.0]], "classes": classes}
    with pytest.raises(DataError, match=r"records: classes: class \d has no name; name every class"):
        adopt_predictions(arrays)
    with pytest.raises(DataError, match=r"data: \.classes: class \d has no name"):
        adopt_dataset(_Images(classes=classes), "data")


@pytest.mark.parametrize("groups", [[pd.NA, "a"], [None, "a"], [pd.NaT, "a"], np.array([np.nan, 1]), ["", "a"]])
def test_items_without_a_group(groups: object) -> None:
    """An item without a group is refused, even if comparing its value raises."""
    with pytest.raises(DataError, match="groups has no group for item 0"):
        adopt_dataset(_Images(groups=groups), "data")


# ---- bytes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["label", "sample_id", "group", "condition", "classes"])
def test_bytes_are_utf8(tmp_path: Path, name: str) -> None:
    """As texts in npz files of other libraries; what is no UTF-8 is refused."""
    texts = {"label": ["caté", "dog"], "sample_id": ["é1", "é2"], "group": ["é", "b"], "condition": ["clean"] * 2}
    texts |= {"classes": ["caté", "dog"]}
    encoded = {**texts, name: np.char.encode(np.array(texts[name]), "utf-8")}
    for given in (texts, encoded):
        np.savez(tmp_path / "p.npz", logits=[[1.0, 0.0], [0.0, 3.0]], **given)
        found = read_predictions(tmp_path / "p.npz")
        assert ("caté", "dog") == found.data.classes
        assert {"é1", "é2"} == set(found.names(found.records["clean"].sample_id.tolist()).values())
    bad = {**texts, name: np.array([b"\xe9", b"\xe8"])}
    np.savez(tmp_path / "p.npz", logits=[[1.0, 0.0], [0.0, 3.0]], **bad)
    with pytest.raises(DataError, match=r"p\.npz: .* is b'.xe9', which is not UTF-8; write text"):
        read_predictions(tmp_path / "p.npz")


def test_bytes_in_parquet(tmp_path: Path) -> None:
    """Binary columns are texts, too."""
    frame(label=[b"nan", b"None"], sample_id=[b"a", b"b"]).to_parquet(tmp_path / "p.parquet")

    assert [0, 1] == sorted(read_predictions(tmp_path / "p.parquet").records["clean"].label.tolist())


def test_bytes_of_a_data_set() -> None:
    """Its classes and groups."""
    images = adopt_dataset(_Images(classes=np.array([b"cat", b"dog"]), groups=[b"a", b"b"]), "data")

    assert ("cat", "dog") == images.classes
    assert ["a", "b"] == images.groups


class _Images:
    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.zeros((4, 4), np.uint8), 0

"""The identity of a sample of predictions depends on its own id and class, never on its neighbours."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.identity import sample_ids
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.predictions import columns as columns_module
from pytest_failaware.measure.predictions.predictions import adopt_predictions, read_predictions


def ids_of(written: object) -> dict[str, int]:
    """The identity of each sample by how it was written, all of class 0."""
    cells = list(written)  # type: ignore[call-overload] # whatever holds ids
    found = adopt_predictions({"sample_id": written, "label": [0] * len(cells), "logits": [[2.0, -1.0]] * len(cells)})
    names = found.names(found.records["clean"].sample_id.tolist())
    return {names.get(number, str(number)): number for number in found.records["clean"].sample_id.tolist()}


def hashed(text: str) -> int:
    """The identity of a text, as a data set that declares it has it."""
    return int(sample_ids([hashlib.sha256(text.encode()).digest()], ["0"])[0])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([7, 8], {"7": 7, "8": 8}),
        (["7", "8"], {"7": 7, "8": 8}),
        (["7", "b"], {"7": 7, "b": hashed("b")}),
        (["a", "b"], {"a": hashed("a"), "b": hashed("b")}),
        ([7, "8", b"b"], {"7": 7, "8": 8, "b": hashed("b")}),
        ([7.0, 8.0], {"7": 7, "8": 8}),
        (np.array([7.0, 8.0], dtype=np.float32), {"7": 7, "8": 8}),
        (pd.Series([7, 8], dtype="Int64"), {"7": 7, "8": 8}),
        (["07", "7"], {"07": hashed("07"), "7": 7}),
        ([-7, 7], {"-7": hashed("-7"), "7": 7}),
        ([2**64 - 1, str(2**64)], {str(2**64 - 1): 2**64 - 1, str(2**64): hashed(str(2**64))}),
        (["7.0", "a"], {"7.0": hashed("7.0"), "a": hashed("a")}),  # text stays what it is
        (["nan", "None"], {"nan": hashed("nan"), "None": hashed("None")}),
    ],
)
def test_each_id_for_itself(written: object, expected: dict[str, int]) -> None:
    """A whole number is its own id, another text is hashed; other rows do not matter."""
    assert expected == ids_of(written)


@pytest.mark.parametrize("foreign", ["x", "", "-1", "1e3", "7,5"])
def test_a_foreign_id_in_a_csv_leaves_the_others_alone(tmp_path: Path, foreign: str) -> None:
    """Numbers stay numbers; an empty id is refused with its line."""
    path = tmp_path / "p.csv"
    path.write_text(f'sample_id,label,logit_a,logit_b\n7,a,2,0\n8,a,2,0\n"{foreign}",a,2,0\n', encoding="utf-8")

    if foreign:
        assert {7, 8} < set(read_predictions(path).records["clean"].sample_id.tolist())
    else:
        with pytest.raises(DataError, match="row 4: has no sample_id; give every sample one"):
            read_predictions(path)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([7.5, 8.0], "row 0: the sample_id is the float 7.5; write text or a whole number"),
        ([2.0**60, 8.0], "row 0: the sample_id is the float 1.15"),
        ([(1, 2), (1, 3)], r"row 0: the sample_id is \(1, 2\) \(tuple\)"),
        ([7, None], "row 1: has no sample_id"),
        ([7, float("nan")], "row 1: has no sample_id"),
        (np.array([np.nan, 7]), "row 0: has no sample_id"),
        (pd.Series([7, None], dtype="Int64"), "row 1: has no sample_id"),
        (pd.Series(["a", None]), "row 1: has no sample_id"),
        (np.ma.array([7, 8], mask=[False, True]), "row 1: has no sample_id"),
        ([b"a", b"\xff"], "row 1: the sample_id is .* not UTF-8"),
        ([7, "7"], "row 1: the sample 7 is given twice"),
        ([7.0, 7], "row 1: the sample 7 is given twice"),
    ],
)
def test_ids_that_identify_nothing(written: Sequence[object], words: str) -> None:
    """They are refused with their row."""
    with pytest.raises(DataError, match=words):
        ids_of(written)


def test_a_number_that_is_the_hash_of_another_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two samples must not become one; the chance is 1 in 10 billion."""
    monkeypatch.setattr(columns_module, "sample_ids", lambda keys, names: np.array([7], dtype=np.uint64))

    with pytest.raises(DataError, match="a whole number is the 64-bit id of another sample"):
        ids_of(["a", 7])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([None, "a"], "sample_ids: item 0 has no key"),
        ([float("nan"), 1.0], "sample_ids: item 0 has no key"),
        ([pd.NA, 1], "sample_ids: item 0 has no key"),
        ([b"\xff", b"a"], "sample_ids: item 0 is .* not UTF-8"),
        ([object(), "a"], r"sample_ids: item 0 is .* \(object\); write text"),
    ],
)
def test_keys_of_a_data_set_that_identify_nothing(keys: list[object], words: str) -> None:
    """As in predictions."""
    with pytest.raises(DataError, match=words):
        adopt_dataset(_Keyed(keys), "data")


def test_keys_of_a_data_set() -> None:
    """Bytes and floats of whole value are the texts that they stand for."""
    for keys in (["1", "2"], [1, 2], [1.0, 2.0], [b"1", b"2"], np.array([b"1", b"2"])):
        assert adopt_dataset(_Keyed(["1", "2"]), "data").read(0).key == adopt_dataset(_Keyed(keys), "data").read(0).key


class _Keyed:
    def __init__(self, keys: object) -> None:
        self.sample_ids = keys

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.zeros((4, 4), np.uint8), 0

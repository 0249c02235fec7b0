"""Labels that are numbers: a name or a place by what the file says, the same through every way in."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.class_labels import LabelError, class_numbers, missing_zero_note
from pytest_failaware.measure.images.sources import open_dataset
from pytest_failaware.measure.predictions.predictions import Predictions, adopt_predictions, read_predictions

TEXT_ORDER = tuple(sorted(map(str, range(12))))  # 0, 1, 10, 11, 2, …


@pytest.mark.parametrize(
    ("classes", "labels", "numbers"),
    [
        (("0", "1", "2"), ("0", "2"), [0, 2]),
        (("1", "2", "3"), ("1", "3"), [0, 2]),  # 3 is no place
        (("1", "2", "3"), ("0", "2"), [0, 2]),  # 0 is no name
        (("10", "20", "30"), ("10", "30"), [0, 2]),
        (("cat", "dog", "eel"), ("0", "eel"), [0, 2]),
        (("1.0", "2.0", "3.0"), ("1", "3"), [0, 2]),  # as pandas names columns of floats
        (("1", "2", "3"), ("1.0", "3.0"), [0, 2]),
        (("01", "02", "03"), ("1", "3"), [0, 2]),
        (("0", "01", "2"), ("0", "2.0"), [0, 2]),
        (("-1", "0", "1"), ("-1", "1"), [0, 2]),
        (("False", "True", "2"), ("False", "2"), [0, 2]),
        (TEXT_ORDER, ("0", "1"), [0, 1]),  # both readings agree
    ],
)
def test_labels_with_one_meaning(classes: Sequence[str], labels: Sequence[str], numbers: list[int]) -> None:
    """They are read so."""
    assert dict(zip(labels, numbers, strict=True)) == class_numbers(labels, classes)


@pytest.mark.parametrize(
    ("classes", "labels", "words"),
    [
        (TEXT_ORDER, TEXT_ORDER, "'10' can be the class of this name, .* or class number 10, .*put the classes in the"),
        (("1", "2", "3"), ("1", "2"), "'1' can be .*write names that are no numbers .'class_1'. there and for the cl"),
        (("01", "02", "03"), ("1", "2"), "'1' can be"),
        (("1.0", "2.0", "3.0"), ("1", "2"), "'1' can be"),
        (("2", "0", "1"), ("0",), "'0' can be"),
        (("0", "2", "4"), ("2", "0"), "'2' can be"),
        (("1", "2", "3"), ("0", "3"), "'3' is no class if labels count from 0 to 2, as the label '0' must"),
        (("cat", "1", "2"), ("cat", "0"), "'cat' is no class if labels count from 0 to 2"),
        (("cat", "dog"), ("-1",), "'-1' is no class; choose from cat, dog, or 0 to 1"),
        (("cat", "dog"), ("0.5",), "'0.5' is no class"),
        (("cat", "dog"), ("2",), "'2' is no class"),
        (("caf\u00e9", "dog"), ("cafe\u0301",), r"'cafe.u0301' is no class but looks like 'caf.xe9'"),
        (("cat", "dog"), ("cat ",), "'cat ' is no class but looks like 'cat'"),
    ],
)
def test_labels_with_two_meanings_or_none(classes: Sequence[str], labels: Sequence[str], words: str) -> None:
    """They are refused with the line that settles it."""
    with pytest.raises(LabelError, match=words):
        class_numbers(labels, classes)


# ---- ways in -------------------------------------------------------------------------------------------------------

Way = Callable[[Path, Sequence[str], "Sequence[int]"], Predictions]


def _frame(classes: Sequence[str], labels: Sequence[int]) -> pd.DataFrame:
    scores = {f"logit_{name}": np.arange(len(labels)) + number for number, name in enumerate(classes)}
    return pd.DataFrame({"sample_id": range(len(labels)), "label": labels, **scores})


def _arrays(classes: Sequence[str], labels: Sequence[int]) -> dict[str, object]:
    logits = np.add.outer(np.arange(len(labels)), np.arange(len(classes)))
    ids = np.arange(len(labels))
    return {"sample_id": ids, "label": np.array(labels), "logits": logits, "classes": np.array(classes)}


def _written(path: Path, write: Callable[[io.BytesIO], None]) -> Predictions:
    buffer = io.BytesIO()
    write(buffer)
    path.write_bytes(buffer.getvalue())
    return read_predictions(path)


WAYS: dict[str, Way] = {
    "csv": lambda path, classes, labels: _written(path, lambda file: _frame(classes, labels).to_csv(file, index=False)),
    "parquet": lambda path, classes, labels: _written(path, _frame(classes, labels).to_parquet),
    "npz": lambda path, classes, labels: _written(path, lambda file: np.savez(file, **_arrays(classes, labels))),
    "frame": lambda _, classes, labels: adopt_predictions(_frame(classes, labels)),
    "frame of floats": lambda _, classes, labels: adopt_predictions(_frame(classes, labels).astype({"label": float})),
    "frame of texts": lambda _, classes, labels: adopt_predictions(_frame(classes, labels).astype({"label": str})),
    "arrays": lambda _, classes, labels: adopt_predictions(_arrays(classes, labels)),
    "lists": lambda _, classes, labels: adopt_predictions(
        {name: list(column) for name, column in _arrays(classes, labels).items()}  # type: ignore[call-overload] # arrays
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("classes", "labels", "numbers"),
    [
        (("1", "2", "3"), (1, 3, 1), [0, 2, 0]),
        (("1", "2", "3"), (0, 1, 2), [0, 1, 2]),
        (("a", "b", "c"), (2, 1), [2, 1]),
    ],
)
def test_predictions_read_labels_alike(
    tmp_path: Path, way: str, classes: Sequence[str], labels: Sequence[int], numbers: list[int]
) -> None:
    """The same content means the same classes in every format and type."""
    found = WAYS[way](tmp_path / "p", classes, labels)

    assert numbers == found.records["clean"].label.tolist()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("classes", "labels"), [(TEXT_ORDER, (2, 10, 1)), (("1", "2", "3"), (1, 2, 1))])
def test_predictions_refuse_labels_alike(
    tmp_path: Path, way: str, classes: Sequence[str], labels: Sequence[int]
) -> None:
    """The same content is refused in every format and type."""
    with pytest.raises(DataError, match=r"row \d: the label '\d+(.0)?' can be the class of this name"):
        WAYS[way](tmp_path / "p", classes, labels)


@pytest.mark.parametrize(
    ("classes", "labels", "expected"),
    [
        (["1", "2", "3"], [1, 3, 1], [0, 2, 0]),
        (["a", "b", "c"], [0, 2, 0], [0, 2, 0]),
        (np.array([1, 2, 3]), [1, 3, 1], [0, 2, 0]),
        (np.array([b"1", b"2", b"3"]), [0, 2, 0], [0, 2, 0]),
        (["1", "2", "3"], [1, 2, 1], "item 0: the label '1' can be the class of this name"),
        (list(TEXT_ORDER), [0, 1, 10], "item 2: the label '10' can be the class of this name"),
        (["a", "b", "c"], [0, 3, 1], "item 1: the label '3' is no class"),
        (np.array([1.0, np.nan, 2.0]), [0, 1, 1], "classes: class 1 has no name"),
        (np.array([b"caf\xe9", b"b", b"c"]), [0, 1, 1], "classes: the name of class 0 is .* not UTF-8"),
    ],
)
def test_npz_data_sets_read_labels_so_too(tmp_path: Path, classes: object, labels: list[int], expected: object) -> None:
    """As predictions do."""
    path = tmp_path / "data.npz"
    np.savez(path, images=np.zeros((3, 4, 4), np.uint8), labels=labels, classes=np.asarray(classes))
    source = Source(kind=SourceKind.NPZ, target=str(path))

    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected):
            open_dataset(source, None)
    else:
        images = open_dataset(source, None)
        assert expected == [images.read(index).label for index in range(3)]


@pytest.mark.parametrize(("labels", "is_noted"), [([1, 2], True), ([2], True), ([0, 2], False), ([0], False)])
def test_labels_that_may_count_from_1(labels: list[int], is_noted: bool) -> None:
    """Labels of classes without names are noted if none is 0."""
    words = f"no sample has the label 0, only {labels[0]} to {labels[-1]}, and labels count from 0"
    arrays = {"sample_id": range(len(labels)), "label": labels, "logits": [[1.0, 0.0, 2.0]] * len(labels)}

    assert is_noted == (words in str(missing_zero_note(np.array(labels, dtype=np.uint16))))
    assert is_noted == any(words in note for note in adopt_predictions(arrays).notes)
    assert () == adopt_predictions(arrays | {"classes": ["a", "b", "c"]}).notes

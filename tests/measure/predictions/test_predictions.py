"""Predictions made elsewhere: what becomes of their columns in every kind of file, and a sentence for each mistake."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from predicted import CLASSES, LOGITS, PROBABILITIES, columns, frame

from pytest_failaware import evaluate
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ConfigError, DataError
from pytest_failaware.core.identity import data_fingerprint, sample_ids
from pytest_failaware.core.records import SCORES
from pytest_failaware.measure.predictions.predictions import Predictions, adopt_predictions, read_predictions

# ---- the numbers ---------------------------------------------------------------------------------------------------


def test_scores_by_hand() -> None:
    """Ascending by id, from logits as from the probabilities they stand for."""
    by_logits = adopt_predictions(columns()).records["clean"]
    by_probabilities = adopt_predictions(columns(logits=None, probabilities=PROBABILITIES)).records["clean"]

    for records in (by_logits, by_probabilities):
        order = [1, 0, 2]
        assert [5, 7, 9] == records.sample_id.tolist()
        assert [1, 0, 1] == records.label.tolist()
        assert [1, 0, 2] == records.prediction.tolist()
        assert records.confidence == pytest.approx(PROBABILITIES.max(axis=1)[order], abs=1e-6)
        assert records.entropy == pytest.approx(-(PROBABILITIES * np.log(PROBABILITIES)).sum(axis=1)[order], abs=1e-6)
        assert not records.confidence.flags.writeable


def test_texts_that_no_file_can_hold() -> None:
    """Names of files that are no UTF-8 get into a table with os.listdir; they stand for what they did."""
    odd = "caf\udce9"
    given = {"sample_id": [f"{odd}/1.png", "b.png", "c.png"], "label": [odd, "dog", "dog"]}
    found = adopt_predictions(columns(**given, classes=np.array([odd, "dog", "eel"])))
    names = found.names(found.records["clean"].sample_id.tolist())

    assert ("caf\\udce9", "dog", "eel") == found.data.classes
    assert {"caf\\udce9/1.png", "b.png", "c.png"} == set(names.values())
    assert [0, 1, 1] == sorted(found.records["clean"].label.tolist())


@pytest.mark.parametrize("deflate", [False, True])
def test_npz_that_unpacks_to_more_than_a_gigabyte(tmp_path: Path, deflate: bool) -> None:
    """A small file must not take all memory; nothing of it is read, used or not."""
    path = tmp_path / "p.npz"
    (np.savez_compressed if deflate else np.savez)(path, **columns(other=np.zeros(4, dtype=np.uint8)))
    bomb(path, 1 << 30)

    with pytest.raises(DataError, match=r"p\.npz: unpacks to 1,07\d,\d{3},\d{3} bytes, the limit is .*write parquet$"):
        read_predictions(path)


def bomb(path: Path, size: int) -> None:
    """Let the file's own list say that one of its members has so many bytes."""
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")  # of the last member in that list
    content[entry + 24 : entry + 28] = size.to_bytes(4, "little")
    path.write_bytes(content)


def test_predictions_that_git_lfs_has_not_fetched(tmp_path: Path) -> None:
    """The error says how to fetch them."""
    path = tmp_path / "p.csv"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")

    with pytest.raises(DataError, match=r"is a Git LFS pointer, not the predictions .*; fetch .* git lfs pull$"):
        read_predictions(path)


def test_a_probability_of_zero_has_a_logarithm_that_is_stored() -> None:
    """As the least float32: a record holds no infinity."""
    certain = np.array([[1.0, 0, 0], [0, 1, 0], [0.5, 0, 0.5]])
    records = adopt_predictions(columns(logits=None, probabilities=certain)).records["clean"]

    assert [0, 0, pytest.approx(np.log(2))] == records.entropy.tolist()
    assert np.finfo(np.float32).min == records.label_log_probability[2]
    assert all(np.isfinite(getattr(records, name)).all() for name in SCORES)


def test_logits_are_kept() -> None:
    """In float32 and in the order of the ids; of probabilities their logarithms, as far as a float32 goes."""
    given = LOGITS.copy()
    given[0, 2] = -1e300
    by_logits = adopt_predictions(columns(logits=given)).records["clean"].logits
    certain = np.array([[1.0, 0, 0], [0, 1, 0], [0.5, 0, 0.5]])
    by_probabilities = adopt_predictions(columns(logits=None, probabilities=certain)).records["clean"].logits

    limits = np.finfo(np.float32)
    assert by_logits is not None
    assert (np.float32, False) == (by_logits.dtype, by_logits.flags.writeable)
    assert [[0.1, 0.2, 0.0], [2.0, 0.0, limits.min], [-3.0, 1.0, 4.0]] == [
        pytest.approx(row) for row in by_logits.tolist()
    ]
    assert by_probabilities is not None
    assert [limits.min, 0, limits.min] == by_probabilities[0].tolist()
    assert [np.log(0.5), limits.min, np.log(0.5)] == pytest.approx(by_probabilities[2].tolist())


def test_rounded_probabilities_are_normalised() -> None:
    """Three decimals that sum to 1.001 mean a softmax."""
    rounded = np.array([[0.334, 0.334, 0.333], [0.9, 0.05, 0.05], [0.2, 0.2, 0.6]])

    assert (
        pytest.approx(0.334 / 1.001)
        == adopt_predictions(columns(logits=None, probabilities=rounded)).records["clean"].confidence[1]
    )


# ---- files ---------------------------------------------------------------------------------------------------------


def saved(folder: Path, kind: str) -> Path:
    """The predictions as a file without a suffix."""
    path, buffer = folder / "predictions", io.BytesIO()
    if kind == "npz":
        np.savez(buffer, classes=np.array(CLASSES), **columns())
    elif kind == "csv":
        frame().to_csv(buffer, index=False)
    elif kind == "csv with a byte order mark":
        buffer.write(b"\xef\xbb\xbf")
        frame().to_csv(buffer, index=False)
    elif kind == "parquet":
        frame().to_parquet(buffer)
    else:
        wide = frame(**{f"logit_{name}": None for name in CLASSES}, logits=list(LOGITS))
        wide.assign(label=[0, 1, 1]).to_parquet(buffer)
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize("kind", ["npz", "csv", "csv with a byte order mark", "parquet", "parquet of lists"])
def test_every_kind_of_file_is_told_by_its_content(tmp_path: Path, kind: str) -> None:
    """And holds the same records and the same data."""
    path = saved(tmp_path, kind)
    found, expected = read_predictions(path), adopt_predictions(columns())

    assert hashlib.sha256(path.read_bytes()).hexdigest() == found.sha256
    for name in ("sample_id", "label", "prediction", *SCORES):
        assert np.array_equal(getattr(expected.records["clean"], name), getattr(found.records["clean"], name)), name
    classes = ("0", "1", "2") if "lists" in kind else CLASSES
    assert classes == found.data.classes
    records = found.records["clean"]
    assert data_fingerprint(records.sample_id, records.label, classes) == found.data.fingerprint


def test_names_that_pandas_takes_for_missing_are_names() -> None:
    """A class may be called NA."""
    text = b"sample_id,label,logit_NA,logit_null\na,NA,2,0\nb,null,0,2\n"
    found = read(text)

    assert ("NA", "null") == found.data.classes
    assert 2 == found.records["clean"].correct.sum()


def read(content: bytes) -> Predictions:
    """The predictions in a csv file."""
    return adopt_predictions(pd.read_csv(io.BytesIO(content), dtype={"label": str}, keep_default_na=False))


def test_text_ids_are_those_of_a_data_set_that_declares_them() -> None:
    """So predictions of its keys are paired with what the model makes of its images."""
    found = adopt_predictions(columns(sample_id=np.array(["b", "a", "c"]), classes=np.array(CLASSES)))
    keys = [hashlib.sha256(text.encode()).digest() for text in "bac"]

    assert sorted(sample_ids(keys, ["cat", "dog", "dog"]).tolist()) == found.records["clean"].sample_id.tolist()


@pytest.mark.parametrize("kind", [str, bytes, object])
def test_samples_are_named_by_their_texts(kind: type) -> None:
    """The requested samples have names in any order; a number among texts is a number."""
    texts = np.array(["b", "7", "a"]).astype(kind)
    found = adopt_predictions(columns(sample_id=texts, classes=np.array(CLASSES)))
    keys = [hashlib.sha256(text.encode()).digest() for text in "ba"]
    ids = sample_ids(keys, ["cat", "dog"]).tolist()

    assert dict(zip(ids, "ba", strict=True)) == found.names([*ids, 7])
    assert {ids[1]: "a"} == found.names([3, ids[1]])
    assert 7 in found.records["clean"].sample_id
    assert {} == adopt_predictions(columns()).names([5, 7, 9])


def test_class_names_that_are_numbers() -> None:
    """A label that is a name and a place with another name is refused, as a number and as text."""
    for labels in (np.array([0, 1, 1]), np.array(["0", "1", "1"])):
        with pytest.raises(
            DataError, match="row 0: the label '0' can be the class of this name, which is number 1, or"
        ):
            adopt_predictions(columns(classes=np.array(["2", "0", "1"]), label=labels))


def test_groups() -> None:
    """A column `group`, or the one that is named; each sample has its own in the records' order."""
    assert adopt_predictions(columns()).records["clean"].samples.groups is None
    assert [1, 0, 1] == groups(adopt_predictions(columns(group=np.array(["a", "b", "b"]))))
    assert [0, 1, 0] == groups(adopt_predictions(columns(patient=np.array([3, 1, 1]), group=[1, 2, 3]), "patient"))


def groups(found: Predictions) -> list[int]:
    """The groups' numbers."""
    numbers = found.records["clean"].samples.groups
    assert numbers is not None
    return numbers.tolist()


def test_columns_without_a_meaning_are_told() -> None:
    """Nothing is ignored in silence."""
    notes = adopt_predictions(columns(lenght=np.array([1, 2, 3]))).notes

    assert ("columns of the predictions that are not used: lenght",) == notes


# ---- conditions ----------------------------------------------------------------------------------------------------


def two_conditions(**changed: Any) -> dict[str, Any]:  # Any: as above
    """The three samples under clean and under a condition of the user's own."""
    one = columns()
    doubled = {name: np.concatenate([value, value]) for name, value in one.items()}
    return doubled | {"condition": np.array(["clean"] * 3 + ["typos"] * 3)} | changed


def test_conditions_of_any_name() -> None:
    """What is not a degradation of images is one of its own; built-in ones are spelled as a gate spells them."""
    names = np.array(["gaussian_noise(sigma=0.30)"] * 3 + ["typos"] * 3)

    assert ["gaussian_noise", "typos"] == list(adopt_predictions(two_conditions(condition=names)).records)


def test_a_condition_without_predictions() -> None:
    """Is named with those that there are."""
    found = adopt_predictions(two_conditions())
    with pytest.raises(DataError, match=r"records: has no predictions under blur; choose from clean, typos"):
        found.measurement(parse_condition("blur", ""), 0)


# ---- mistakes ------------------------------------------------------------------------------------------------------


def set_to(name: str, row: int, value: object) -> Callable[[dict[str, Any]], object]:
    """Put a value into a column."""

    def change(given: dict[str, Any]) -> None:
        given[name][row] = value

    return change


MISTAKES = {
    "a sum": (
        lambda c: c.update(probabilities=c.pop("logits") * 0 + 0.5),
        "row 0: the probabilities sum to 1.5, as in",
    ),
    "a range": (
        lambda c: c.update(probabilities=c.pop("logits") * 0 + [[1.5, -0.5, 0]]),
        "the probabilities lie outside",
    ),
    "percent": (
        lambda c: c.update(probabilities=np.concatenate([PROBABILITIES] * 2) * 100 + 0 * c.pop("logits")),
        "the probabilities are percentages, every row sums to 100; divide them by 100",
    ),
    "percent as logits": (
        lambda c: c.update(logits=np.concatenate([PROBABILITIES] * 2) * 100),
        "the logits are percentages, every row sums to 100; divide them by 100 and name them probabilities",
    ),
    "softmax twice": (lambda c: c.update(logits=np.concatenate([PROBABILITIES] * 2)), "the logits are probabilities"),
    "nan": (set_to("logits", (4, 1), np.nan), r"row 4 has logits that are not finite .* 1 of 6"),
    "twice": (
        set_to("sample_id", 4, 7),
        r"row 4: the sample 7 is given twice under typos \(first in row 3\); keep one",
    ),
    "missing": (
        lambda c: c.update({name: column[:-1] for name, column in c.items()}),
        "1 samples are not predicted under both clean and typos, such as 9, under clean but not typos; predict",
    ),
    "additional": (set_to("sample_id", 5, 10), "2 samples are not predicted under both"),
    "two labels": (set_to("label", 4, 2), "row 4: the sample 5 has the label 2, in row 1 1; a sample has one label"),
    "a label": (set_to("label", 2, 3), "row 2: the label '3' is no class; choose from 0, 1, 2, or 0 to 2"),
    "a condition": (
        set_to("condition", 3, "Typ!s"),
        "row 3: the condition 'Typ!s' is not a name; write small letters, digits and _",
    ),
    "strength": (set_to("condition", 3, "fog"), "row 3: condition: fog needs its strength"),
    "no id": (lambda c: c.pop("sample_id"), "has no column sample_id; choose from label, logits, condition"),
    "no scores": (lambda c: c.pop("logits"), "has no scores, only sample_id, label, condition; give"),
    "both": (lambda c: c.update(probabilities=c["logits"]), "has both logits and probabilities"),
    "one class": (lambda c: c.update(logits=c["logits"][:, :1]), r"classes >= 2\), got float64 \(6, 1\)"),
    "names": (lambda c: c.update(classes=np.array(["a", "b"])), "2 class names .* for 3 columns"),
    "the same name": (lambda c: c.update(classes=np.array(["a", "b", "a"])), r"3 class names \(2 different\)"),
    "lengths": (lambda c: c.update(label=c["label"][:2]), r"label has shape \(2,\), and logits has 6 rows"),
    "no rows": (lambda c: c.update({name: column[:0] for name, column in c.items()}), "has no row; write one for each"),
    "text": (lambda c: c.update(logits=c["logits"].astype(str)), r"logits must be numbers"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_its_sentence(name: str) -> None:
    """It names the row as people count them, what was found, and the remedy."""
    change, sentence = MISTAKES[name]
    given = two_conditions()
    change(given)

    with pytest.raises(DataError, match=sentence):
        adopt_predictions(given)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "cannot be read as csv"),
        (b"PK\x03\x04 cut short", "cannot be read as npz"),
        (b"PAR1 cut short", "cannot be read as parquet"),
        (b"sample_id,label,logit_a,logit_b\n1,a,0.1,\n", "row 2: the column logit_b is blank; write a number"),
        (b"sample_id,label,logit_a,logit_b\n1,a,0.1,much\n", "row 2: the column logit_b holds 'much'; write a"),
        (
            b"sample_id,label,logit_a,logit_b\n1,a,0.1,1\n1,a,0.1,2\n",
            r"row 3: the sample 1 is given twice .*in row 2\)",
        ),
        (b"sampleid,label,logit_a,logit_b\n1,a,0.1,2\n", "has no column sample_id; did you mean 'sampleid'"),
        (b"sample_id,label,prob_a,prob_b\n1,a,0.1,0.9\n", "has no scores, .*one column a class: .* probability_NAME"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, sentence: str) -> None:
    """The rows of a csv are numbered as an editor's lines."""
    path = tmp_path / "p.csv"
    path.write_bytes(content)

    with pytest.raises(DataError, match=sentence) as caught:
        read_predictions(path)
    assert f"--failaware-predictions={path}" in str(caught.value)


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    """An npz of Python objects would run code."""
    np.savez(tmp_path / "p.npz", **columns(label=np.array([{}, {}, {}], dtype=object)))

    with pytest.raises(DataError, match=r"cannot be read as npz .*no objects"):
        read_predictions(tmp_path / "p.npz")


# ---- evaluate ------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:clean. almost surely set up wrongly:pytest_failaware.FailAwareWarning")
def test_evaluate_takes_a_path_a_frame_or_arrays(tmp_path: Path) -> None:
    """And gives every condition there is, or those asked for."""
    path = saved(tmp_path, "csv")
    for records in (path, str(path), frame(), columns()):
        result = evaluate(records=records)
        assert ["clean"] == list(result)
        assert 2 == result["clean"].stats.rates["accuracy"].numerator
    assert ["typos"] == list(evaluate(records=two_conditions(), conditions=["typos"]))


def test_evaluate_takes_either_a_model_or_predictions() -> None:
    """Records and a model exclude each other, and one of them is required."""
    with pytest.raises(ConfigError, match="records cannot be combined with a model or dataset"):
        evaluate(records=columns(), model="model.pth")
    with pytest.raises(ConfigError, match="give model, dataset and preprocess, or records"):
        evaluate(model="model.pth")
    with pytest.raises(DataError, match="records: is a int"):
        evaluate(records=3)


def test_labels_from_0_beside_class_names_from_1_are_numbers(tmp_path: Path) -> None:
    """One label that is no name says that none is: "0" and "1" must not both become the first class."""
    path = tmp_path / "from_0.csv"
    path.write_text("sample_id,label,logit_1,logit_2,logit_3\na,0,1,2,3\nb,1,1,2,3\nc,2,1,2,3\n", encoding="utf-8")
    assert sorted(read_predictions(path).records["clean"].label.tolist()) == [0, 1, 2]
    path.write_text("sample_id,label,logit_1,logit_2,logit_3\na,1,1,2,3\nb,2,1,2,3\nc,3,1,2,3\n", encoding="utf-8")
    assert sorted(read_predictions(path).records["clean"].label.tolist()) == [0, 1, 2]
    path.write_text("sample_id,label,logit_1,logit_2,logit_3\na,0,1,2,3\nb,3,1,2,3\n", encoding="utf-8")
    with pytest.raises(DataError, match="the label '3' is no class"):
        read_predictions(path)


def test_rows_longer_than_the_first_line_are_refused(tmp_path: Path) -> None:
    """pandas would shift every column by one, and the rows would still look like predictions."""
    path = tmp_path / "long.csv"
    path.write_text("sample_id,label,logit_0,logit_1\nx,0,0,1,2\ny,1,1,2,3\n", encoding="utf-8")
    with pytest.raises(DataError, match="more fields than its first line has names"):
        read_predictions(path)


@pytest.mark.parametrize("absent", [np.array(["a", "", ""]), np.array([1.0, np.nan, np.nan])])
def test_samples_without_a_group_are_refused(absent: Any) -> None:
    """They would silently count as one group, and the intervals with them."""
    with pytest.raises(DataError, match="row 1: has no group"):
        adopt_predictions(columns(group=absent))


def test_a_sample_has_the_same_group_under_every_condition() -> None:
    """Groups are those of the samples; of two contradicting columns none is chosen."""
    twice = {name: np.concatenate([value, value]) for name, value in columns().items()}
    conditions, groups = np.array(["clean"] * 3 + ["blur"] * 3), np.array(list("aababb"))
    with pytest.raises(DataError, match="a sample has one group"):
        adopt_predictions({**twice, "condition": conditions, "group": groups})


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("label", np.array([0, 1, 2])),
        ("sample_id", np.array([7, 5, 8])),
        ("condition", np.array(["typos"] * 3)),
        ("group", np.array(["a", "b", "a"])),
        ("logits", LOGITS * 2),
    ],
)
def test_predictions_that_differ_in_any_column_have_another_identity(column: str, values: Any) -> None:
    """It stands in the baseline as the model's: the same scores of other samples are other predictions."""
    same = adopt_predictions(columns()).sha256

    assert same == adopt_predictions(columns()).sha256
    assert same != adopt_predictions(columns(**{column: values})).sha256


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """pandas renames the second column, and a class "a.1" that does not exist would count."""
    path = tmp_path / "twice.csv"
    path.write_text("sample_id,label,logit_a,logit_b,logit_a\nx,a,0,1,2\ny,b,1,2,3\n", encoding="utf-8")
    with pytest.raises(DataError, match="has two columns 'logit_a'; rename one of them"):
        read_predictions(path)
    with pytest.raises(DataError, match="has two columns 'label'"):
        adopt_predictions(pd.concat([frame(), frame()[["label"]]], axis=1))


@pytest.mark.parametrize("name", ["group", "patient"])
def test_groups_of_a_csv_are_texts(tmp_path: Path, name: str) -> None:
    """As numbers, 01 and 1 would be one patient."""
    path = tmp_path / "groups.csv"
    path.write_text(f"sample_id,label,logit_a,logit_b,{name}\n1,a,0,1,01\n2,b,1,2,1\n", encoding="utf-8")

    assert [0, 1] == groups(read_predictions(path, None if name == "group" else name))

"""csv files of predictions: the line that an error names, and what is no such file is named for what it is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import DataError
from pytest_failaware.measure.predictions.predictions import read_predictions

HEAD = "sample_id,label,probability_cat,probability_dog\n"
TABLE = HEAD + "a,cat,0.75,0.25\nb,dog,0.5,0.5\n"
FRAME = pd.read_csv(io.StringIO(TABLE))


def written(folder: Path, content: str | bytes) -> Path:
    """The content as a file."""
    path = folder / "p.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        TABLE,
        TABLE.replace(",", ", "),
        TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\r"),
        TABLE.rstrip(),
        TABLE.replace("\n", "\n\n \n"),
        "\n" + TABLE,
        "\ufeff" + TABLE,
        TABLE.replace("a,cat", '"a","cat"').replace("0.75", '"0.75"'),
        TABLE.replace("0.75,0.25", "7.5e-1,.25"),
    ],
)
def test_spellings_of_one_table(tmp_path: Path, content: str) -> None:
    """All hold the same samples, labels and scores."""
    found = read_predictions(written(tmp_path, content))

    assert ("cat", "dog") == found.data.classes
    assert ["'a'", "'b'"] == sorted(
        repr(name) for name in found.names(found.records["clean"].sample_id.tolist()).values()
    )
    assert [0.5, 0.75] == sorted(found.records["clean"].confidence.tolist())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            HEAD + "\n\na,cat,0.5,0.5\nb,cow,0.5,0.5\n",
            "row 5: the label 'cow' is no class; choose from cat, dog, or 0 to 1",
        ),
        ("\n" + HEAD + "a,cow,0.5,0.5\n", "row 3: the label 'cow' is no class"),
        (HEAD + '"a\n1",cat,0.5,0.5\nb,cow,0.5,0.5\n', "row 4: the label 'cow' is no class"),
        (HEAD + "a,cat,0.5,0.5\n  \na,dog,0.5,0.5\n", r"row 4: the sample a is given twice .*\(first in row 2\)"),
        (HEAD + "a,cat,0.5,0.5\n\nb,dog,0.5,\n", "row 4: the column probability_dog is blank; write a number"),
        (HEAD + "a,cat,0.5,0.5\n\nb,dog,0.5\n", "row 4: the column probability_dog is blank; write a number"),
        (HEAD + "a,cat,0.5,0.5\n\nb,dog,nan,0.5\n", r"row 4 has probabilities that are not finite .*1 of 2"),
        (HEAD + "a,cat,0.5,0.5\nb,dog,NULL,0.5\n", "row 3: the column probability_cat holds 'NULL'; write a number"),
        (HEAD + 'a,cat,"0,5","0,5"\n', "row 2: the column probability_cat holds '0,5'; write a number with a point"),
        (HEAD + "a,cat,0.5,0_5\n", "row 2: the column probability_dog holds '0_5'; write a number"),
        (HEAD + "a,cat,0.5,50%\n", "row 2: the column probability_dog holds '50%'; write a number"),
        (HEAD + "a,,0.5,0.5\n", "row 2: has no label; give the name of the class"),
        (HEAD + "a\n", "row 2: has no label|row 2: the column probability_cat is blank"),
        (HEAD, "has no row; write one for each sample and condition"),
        (HEAD + "a,cat,0.5,0.5,0.5\n", "more fields than its first line has names"),
        (HEAD + "a,cat,0.5,0.5\nb,cat,0.5,0.5,0.5\n", "cannot be read as csv .* line 3, saw 5"),
        (TABLE.replace(",", ";"), "its columns are separated by semicolons; write commas between them, and points in"),
        (TABLE.replace(",", ";").replace(".", ","), "its columns are separated by semicolons"),
        (TABLE.replace(",", "\t"), "its columns are separated by tabs"),
        (TABLE.replace(",", "|"), "its columns are separated by vertical bars"),
        (TABLE.replace("probability_cat", "prob_cat"), r"must be numbers of shape .*got float64 .2, 1."),
        (TABLE.replace("probability_", "prob_"), "rename 'prob_cat' to probability_cat; give sample_id, label"),
        (TABLE.replace("probability_", "Probability "), "rename 'Probability cat' to probability_cat; "),
        (TABLE.replace("probability_", "p_"), "rename 'p_cat' to probability_cat; "),
        (TABLE.replace("probability_", "logits."), "rename 'logits.cat' to logit_cat; "),
        (TABLE.replace("probability_cat", "probability_"), "class 0 has no name; name every class"),
        (TABLE.replace("sample_id", "image_id"), "has no column sample_id; rename 'image_id' to sample_id"),
        (TABLE.replace("label", "target"), "has no column label; rename 'target' to label"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, content: str, words: str) -> None:
    """With the line in an editor, what it holds, and what to write."""
    with pytest.raises(DataError, match=words) as caught:
        read_predictions(written(tmp_path, content))
    assert 1 == len(str(caught.value).splitlines())


def zipped() -> bytes:
    """A zip archive of the table."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("p.csv", TABLE)
    return buffer.getvalue()


def feather() -> bytes:
    """The table as an Arrow file."""
    buffer = io.BytesIO()
    FRAME.to_feather(buffer)
    return buffer.getvalue()


def single() -> bytes:
    """One array without a name."""
    buffer = io.BytesIO()
    np.save(buffer, np.eye(2))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(TABLE.encode(), mtime=0), "is compressed with gzip; unpack it first"),
        (bz2.compress(TABLE.encode()), "is compressed with bzip2; unpack it first"),
        (lzma.compress(TABLE.encode()), "is compressed with xz; unpack it first"),
        (b"\x28\xb5\x2f\xfd\x24", "is compressed with zstd; unpack it first"),
        (zipped(), "is a zip archive without arrays, such as a workbook or a zipped csv; write csv, or npz"),
        (feather(), "is an Arrow or Feather file; write parquet, npz or csv"),
        (single(), "is a single array; write all arrays with numpy.savez"),
        (pickle.dumps(FRAME), "is a pickle, which can run code; write parquet, npz or csv"),
        (FRAME.to_json().encode(), "is JSON; write parquet, npz or csv"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (TABLE.encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (
            TABLE.replace("b,dog", "é,dog").encode("latin-1"),
            r"is no UTF-8 text \(byte 0xe9 in line 3\); save it as UTF-8",
        ),
    ],
)
def test_files_of_other_formats(tmp_path: Path, content: bytes, words: str) -> None:
    """The error names the format and what to write instead."""
    with pytest.raises(DataError, match=words):
        read_predictions(written(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            TABLE,
            r"blur; choose from clean \(without a column condition every row is clean\); write conditions=.\"clean\".",
        ),
        (
            TABLE.replace("label", "label,condition").replace("t,0", "t,typos,0").replace("g,0", "g,typos,0"),
            r"choose from typos; write conditions=.\"typos\". in the marker, or failaware_conditions = typos",
        ),
    ],
)
def test_conditions_that_were_not_predicted(tmp_path: Path, content: str, words: str) -> None:
    """The error says what to write for those that were."""
    found = read_predictions(written(tmp_path, content))

    with pytest.raises(DataError, match=words):
        found.measurement(parse_condition("blur", ""), 0)

"""The reader of stored samples: what it refuses, and with which message."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from damaged import at, changed, encrypted, huge
from five import measurement_of, records_of

from pytest_failaware.core.measurement import DataFacts
from pytest_failaware.core.npz import (
    ColumnsError,
    PointerError,
    check_records,
    pack,
    read_only,
    unpack,
)
from pytest_failaware.core.npz import records_of as read_records
from pytest_failaware.core.records import NO_CLASS

DATA = measurement_of().provenance.data


def test_read_only_columns_stay_so() -> None:
    """A read-only copy has the same values and shape, and no flag makes it writable."""
    column = np.arange(6, dtype=np.float32).reshape(2, 3)
    copy = read_only(column)

    assert np.array_equal(column, copy)
    assert (np.float32, (2, 3)) == (copy.dtype, copy.shape)
    with pytest.raises(ValueError, match="WRITEABLE"):
        copy.flags.writeable = True


def test_what_is_packed_is_unpacked() -> None:
    """Packed columns are unpacked unchanged, and their bytes are the same on every system.

    They are the bytes that numpy.savez writes on POSIX.
    """
    columns, buffer = records_of().columns, io.BytesIO()
    np.savez(buffer, **columns)
    content = pack(columns)

    assert {name: column.tolist() for name, column in columns.items()} == {
        name: column.tolist() for name, column in unpack(content).items()
    }
    assert [3] * len(columns) == [member.create_system for member in zipfile.ZipFile(io.BytesIO(content)).infolist()]
    assert content == pack(unpack(buffer.getvalue()))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("confidence", lambda column: column.astype(np.float64), "the column confidence is float64 (5,), not float32"),
        ("label", lambda column: column.astype(np.int64), "the column label is int64 (5,), not uint16"),
        ("sample_id", lambda column: column.astype(">u8"), "the column sample_id is >u8 (5,), not uint64"),
        (
            "entropy",
            lambda column: column[:, None],
            "entropy is float32 (5, 1), not float32 of one dimension",
        ),
        ("prediction", lambda column: column[:4], "the column prediction has 4 samples, the data has 5"),
        ("sample_id", lambda column: column[::-1], "the column sample_id is not ascending"),
        ("sample_id", at(1, 10), "the column sample_id is not ascending, or holds an id twice"),
        ("label", at(0, 9), "the column label holds class 9, the data has 3 (0 to 2)"),
        ("prediction", at(0, 9), "the column prediction holds class 9, there are 3 (0 to 2)"),
        ("confidence", at(0, 1.5), "the column confidence goes from 0.5 to 1.5, not 0 to 1"),
        ("confidence", at(0, np.nan), "the column confidence is not finite everywhere"),
        ("entropy", at(0, -1), "the column entropy goes from -1 to 1.25, not 0 to inf"),
        ("label_log_probability", at(0, 0.5), "the column label_log_probability goes from -8 to 0.5"),
        ("max_logit", at(0, np.inf), "the column max_logit is not finite everywhere"),
        ("second_probability", at(0, 0.75), "the column second_probability goes from 0.2 to 0.75, not 0 to 0.5"),
    ],
)
def test_columns_that_no_model_makes(name: str, change: Callable[[np.ndarray], np.ndarray], words: str) -> None:
    """A column that no model can produce is refused by its name and the reason."""
    with pytest.raises(ColumnsError) as caught:
        check_records(changed(name, change), DATA)
    assert words in str(caught.value)


def test_unusual_columns_that_models_make() -> None:
    """Columns may hold answers that are not finite, and classes that data without class names do not have."""
    check_records(records_of(), DATA)
    check_records(
        dataclasses.replace(changed("prediction", at(0, NO_CLASS)), confidence=at(0, 0)(records_of().confidence)), DATA
    )
    unnamed = measurement_of(classes=("0", "1", "2")).provenance.data
    check_records(changed("prediction", at(0, 9)), unnamed)
    logits = np.zeros((5, 10), dtype=np.float32)
    check_records(dataclasses.replace(changed("prediction", at(0, 9)), logits=logits), DATA)


def test_no_sample_and_a_column_less() -> None:
    """Columns without a sample are refused, and so is a missing column."""
    empty = DataFacts(fingerprint="", samples=0, classes=("a",))
    with pytest.raises(ColumnsError, match="holds no sample"):
        check_records(records_of(""), empty)
    columns = records_of().columns
    del columns["entropy"]
    with pytest.raises(ColumnsError, match="the column entropy is missing"):
        read_records(columns, DATA)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: b"", "cannot be read (BadZipFile"),
        (lambda content: content[:-30], "cannot be read (BadZipFile"),
        (encrypted, "cannot be read (RuntimeError"),
        (huge, "unpacks to 2,147,"),
        (lambda content: content.replace(b"NUMPY", b"NUMPI"), "cannot be read ("),
    ],
)
def test_files_that_are_no_npz(damage: Callable[[bytes], bytes], words: str) -> None:
    """A damaged file is refused with a message of one line, whatever error its bytes cause."""
    with pytest.raises(ColumnsError) as caught:
        unpack(damage(pack(records_of().columns)))
    assert words in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


def test_a_pointer_of_git_lfs() -> None:
    """A Git LFS pointer is reported as such, with the command that fetches the file."""
    with pytest.raises(PointerError, match="is a Git LFS pointer; fetch the file with git lfs pull"):
        unpack(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")

"""Single cells: a missing value has no text, bytes are read as text, and a number keeps its value."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from pytest_failaware.core.cells import (
    CellError,
    class_texts,
    id_text_of,
    is_missing,
    look_alikes,
    text_of,
)


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), np.float32("nan"), np.datetime64("NaT"), pd.NA, pd.NaT, np.ma.masked, Decimal("nan")],
)
def test_missing_values(value: object) -> None:
    """The missing value of every library is recognised as missing."""
    assert is_missing(value)


@pytest.mark.parametrize("value", ["nan", "None", "<NA>", "NaT", "", b"", 0, 0.0, False, (None,), [], np.array([])])
def test_values_that_are_there(value: object) -> None:
    """Text that only looks like a missing value is not missing, and neither is an empty or a false value."""
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("cat", "cat"),
        (np.str_("cat"), "cat"),
        (b"caf\xc3\xa9", "café"),
        (np.bytes_(b"cat"), "cat"),
        (7, "7"),
        (np.uint64(2**64 - 1), "18446744073709551615"),
        (True, "True"),
        (np.float32(1), "1.0"),
        (Decimal("1.50"), "1.50"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_texts(value: object, text: str) -> None:
    """Each value is written as the text that people read."""
    assert text == text_of(value)


@pytest.mark.parametrize("value", [(1, 2), [1], {}, object(), np.array([1]), 1j, b"\xff", {1}])
def test_values_that_are_no_text(value: object) -> None:
    """Values without a readable text, such as containers, are refused."""
    with pytest.raises(CellError, match="write text"):
        text_of(value)


def test_floats_as_ids() -> None:
    """A whole float is read as its number; other floats, and floats too large to be exact, are refused."""
    assert ["7", "-3", "7"] == [id_text_of(value) for value in (7.0, np.float32(-3), "7")]
    for value in (7.5, 2.0**53, float("inf")):
        with pytest.raises(CellError, match="write text or a whole number"):
            id_text_of(value)


def test_class_names() -> None:
    """Only the first of several synonyms is the name of a class; a class without a name is refused."""
    assert ["tench, Tinca", "3", "None"] == class_texts([("tench", b"Tinca"), 3, "None"])
    for names in ([None], ["a", float("nan")], [("a", None)], [""]):
        with pytest.raises(CellError, match="has no name"):
            class_texts(names)


def test_names_that_look_alike() -> None:
    """Names that differ only in their Unicode form or in invisible characters look alike; other names do not."""
    assert {"cafe\u0301": "caf\u00e9"} == look_alikes(["cafe\u0301", "dog"], ["dog", "caf\u00e9"])
    assert {"cat": "cat\u200b"} == look_alikes(["cat"], ["cat\u200b"])
    assert {} == look_alikes(["cat"], ["cat", "Cat", "dog"])

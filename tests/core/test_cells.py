"""Single values: missing ones are no words, bytes are text, numbers are themselves."""

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
    """Of every library that has one."""
    assert is_missing(value)


@pytest.mark.parametrize("value", ["nan", "None", "<NA>", "NaT", "", b"", 0, 0.0, False, (None,), [], np.array([])])
def test_values_that_are_there(value: object) -> None:
    """A word that looks like a missing value is a word."""
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
    """Each value has the text that people read."""
    assert text == text_of(value)


@pytest.mark.parametrize("value", [(1, 2), [1], {}, object(), np.array([1]), 1j, b"\xff", {1}])
def test_values_that_are_no_text(value: object) -> None:
    """A container has no text of its own."""
    with pytest.raises(CellError, match="write text"):
        text_of(value)


def test_floats_as_ids() -> None:
    """A whole one is that number; another, or one too large to be exact, is refused."""
    assert ["7", "-3", "7"] == [id_text_of(value) for value in (7.0, np.float32(-3), "7")]
    for value in (7.5, 2.0**53, float("inf")):
        with pytest.raises(CellError, match="write text or a whole number"):
            id_text_of(value)


def test_class_names() -> None:
    """Synonyms are one name; a missing one is none."""
    assert ["tench, Tinca", "3", "None"] == class_texts([("tench", b"Tinca"), 3, "None"])
    for names in ([None], ["a", float("nan")], [("a", None)], [""]):
        with pytest.raises(CellError, match="has no name"):
            class_texts(names)


def test_names_that_look_alike() -> None:
    """Unicode forms, and what is not seen."""
    assert {"cafe\u0301": "caf\u00e9"} == look_alikes(["cafe\u0301", "dog"], ["dog", "caf\u00e9"])
    assert {"cat": "cat\u200b"} == look_alikes(["cat"], ["cat\u200b"])
    assert {} == look_alikes(["cat"], ["cat", "Cat", "dog"])

"""Classes that are not those of the baseline, in words, and whether the model changed at all."""

from __future__ import annotations

import dataclasses

import pytest
from five import baseline_of, measurement_of, records_of

from pytest_failaware.judge.class_names import class_difference, unchanged_predictions

ANIMALS = ("ape", "bee", "cat", "deer", "dog", "eel", "fox")


def test_which_output_means_what_now() -> None:
    """A name that moves to another place shifts those between; three are named, the others are counted."""
    now = tuple(sorted({*ANIMALS, "zebra"} - {"bee"}))
    text = class_difference(ANIMALS, now)

    assert (
        "gone 'bee'; new 'zebra'; output 1 was 'bee' and is 'cat' now, output 2 was 'cat' and is 'deer' now, "
        "output 3 was 'deer' and is 'dog' now and 3 more"
    ) == text


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (("ape", "bug", *ANIMALS[2:]), "add a line to failaware_rename in the ini for each: bee => bug"),
        (("ant", "bug", *ANIMALS[2:]), "failaware_rename in the ini for each: ape => ant, bee => bug"),
        (ANIMALS[::-1], "the same names in another order; output 0 was 'ape' and is 'fox' now"),
        (ANIMALS[:-1], "gone 'fox'"),
        ((*ANIMALS, "gnu"), "new 'gnu'"),
    ],
)
def test_only_new_names_can_be_renamed(now: tuple[str, ...], words: str) -> None:
    """A line is proposed only if no output has another meaning."""
    text = class_difference(ANIMALS, now)

    assert words in text
    assert ("failaware_rename" in words) is ("failaware_rename" in text)


def test_the_unicode_form_is_named() -> None:
    """NFC and NFD of one word look the same."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"

    text = class_difference((decomposed,), (composed,))
    assert r"gone 'cafe\u0301'; new 'caf\xe9'" in text
    assert r"'cafe\u0301' and 'caf\xe9' look the same: they differ in the Unicode form (NFC or NFD)" in text
    assert "Unicode" not in class_difference(("cafe",), (composed,))


@pytest.mark.parametrize("mark", ["\u200b", "\u00a0", "\ufeff", "\u00ad", " "])
def test_marks_that_are_not_seen_are_shown(mark: str) -> None:
    """A blank at the end, one without width or a soft hyphen makes another name that looks the same."""
    assert f"new {('cat' + mark)!a}" in class_difference(("cat",), (f"cat{mark}",))


def test_unchanged_predictions_are_a_fact() -> None:
    """The sentence needs the same hash and the same answers on each shared image."""
    now = measurement_of("RRWrw")
    entry = baseline_of(now).entries["clean"]
    said = list(unchanged_predictions(entry, now.records, now))

    assert ["on the 5 samples that both sides have"] == [
        text[text.index("on the 5") :].partition(" under")[0] for text in said
    ]
    assert [] == list(unchanged_predictions(entry, records_of("WRWrw"), now))
    assert [] == list(unchanged_predictions(entry, records_of(first_id=90), now))
    assert [] == list(unchanged_predictions(entry, None, now))
    other = dataclasses.replace(entry, model=dataclasses.replace(entry.model, sha256="sha256:other"))
    assert [] == list(unchanged_predictions(other, now.records, now))

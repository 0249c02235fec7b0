"""Printed lines fit the terminal and keep all of their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_failaware.core.layout import aligned, columns, table, wrapped

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=120)
CELL = st.text(st.sampled_from("ab1.%-_[模é "), max_size=30).map(str.strip)
ROWS = st.lists(st.tuples(CELL.filter(bool), CELL, CELL, CELL), min_size=1, max_size=5)
HEADINGS = ("test", "accuracy: all", "change", "verdict")
FOUR = [
    ("test_x[clean]", "88.62%", "", "passed"),
    ("test_x[blur]", "82.92%", "-5.69 pt", "REGRESSED"),
]


@pytest.mark.parametrize(("text", "wide"), [("abc", 3), ("模型", 4), ("e\N{COMBINING ACUTE ACCENT}", 1), ("", 0)])
def test_columns(text: str, wide: int) -> None:
    """A wide letter takes two columns, and a combining mark takes none."""
    assert wide == columns(text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("fits in ten", ["fits in ten"]),
        ("longer than eleven", ["longer than", "  eleven"]),
        ("  as deep as it was", ["  as deep as", "    it was"]),
        ("abcdefghijklmnopq", ["abcdefghijkl", "  mnopq"]),
        ("a  b   and a gap", ["a b and a", "  gap"]),
        ("模型模型模型 模型", ["模型模型模型", "  模型"]),
    ],
)
def test_wrapped(text: str, lines: list[str]) -> None:
    """Lines break at blanks and are indented by two columns; only a word that is wider than a line is cut."""
    assert lines == wrapped(text, 12)
    assert [text] == wrapped(text, None)


@given(st.integers(0, 100), TEXT, st.integers(2, 80))
def test_wrapping_loses_no_letter_and_fits(blanks: int, text: str, width: int) -> None:
    """Every letter stays in its order, and every line fits, for any width and any indent."""
    text = " " * blanks + text
    lines = wrapped(text, width)

    assert all(columns(line) <= width for line in lines)
    assert "".join(text.split()) == "".join("".join(lines).split())


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            50,
            [
                "test           accuracy: all    change  verdict",
                "test_x[clean]         88.62%            passed",
                "test_x[blur]          82.92%  -5.69 pt  REGRESSED",
            ],
        ),
        (
            47,
            [
                "               accuracy:",
                "test                 all    change  verdict",
                "test_x[clean]     88.62%            passed",
                "test_x[blur]      82.92%  -5.69 pt  REGRESSED",
            ],
        ),
        (
            40,
            [
                "  accuracy:",
                "        all    change  verdict",
                "test_x[clean]",
                "     88.62%            passed",
                "test_x[blur]",
                "     82.92%  -5.69 pt  REGRESSED",
            ],
        ),
        (
            30,
            [
                "test_x[clean]",
                "  accuracy: all 88.62%,",
                "    verdict passed",
                "test_x[blur]",
                "  accuracy: all 82.92%,",
                "    change -5.69 pt,",
                "    verdict REGRESSED",
            ],
        ),
    ],
)
def test_the_four_forms_of_a_table(width: int, lines: list[str]) -> None:
    """A table takes the first form that fits: single lines, folded headings, tests as titles, lists of cells."""
    assert lines == [line for block in table(HEADINGS, FOUR, left=(0, 3), width=width) for line in block]


def test_a_title_stands_once_over_its_rows() -> None:
    """Rows of the same test that follow each other share one title."""
    rows = [("test_with_a_name", "1 %"), ("test_with_a_name", "2 %"), ("test_y", "3 %")]

    assert [["  now"], ["test_with_a_name", "  1 %"], ["  2 %"], ["test_y", "  3 %"]] == table(
        ("test", "now"), rows, left=(0,), width=18
    )


def test_an_empty_column_is_left_out() -> None:
    """A column without any cell is left out, because its heading would say nothing."""
    assert [["test  now"], ["a       1"]] == table(("test", "baseline", "now"), [("a", "", "1")], left=(0,))


@given(ROWS, st.integers(20, 120))
def test_a_table_fits_and_keeps_every_cell(rows: list[tuple[str, ...]], width: int) -> None:
    """At any width the block of a row has all of its cells in their order; only blanks may differ."""
    _, *blocks = table(HEADINGS, rows, left=(0,), width=width)

    for row, block in zip(rows, blocks, strict=True):
        assert all(columns(line) <= width for line in block)
        text = "".join("".join(block).split())
        place = 0
        for cell in row[1:]:
            place = text.index("".join(cell.split()), place)


@given(ROWS)
def test_aligned_columns_end_at_the_same_place(rows: list[tuple[str, ...]]) -> None:
    """All lines are equally wide if the last column is aligned to the right."""
    assert 1 == len({columns(line) for line in aligned([(*row, "x") for row in rows], left=(0, 1))})

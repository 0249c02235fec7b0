"""Lay out tables and sentences in lines no wider than a terminal; without a width no line is broken."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_HANG: Final = "  "  # the indent of a continuation line
_GAP: Final = "  "  # between two columns

Row = Sequence[str]


def columns(text: str) -> int:
    """Return how many columns a text takes on a terminal: two for a wide letter, none for a combining mark."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


# ---- sentences -----------------------------------------------------------------------------------------------------


def wrapped(text: str, width: int | None) -> list[str]:
    """Break a line at its blanks if it is wider than `width`; the lines after the first are indented by two more."""
    if width is None or columns(text) <= width:
        return [text]
    indent = text[: len(text) - len(text.lstrip(" "))]
    return _packed(text.split(), width, indent=indent, hang=indent + _HANG)


def _packed(words: Iterable[str], width: int, *, indent: str, hang: str) -> list[str]:
    """Put words, which may hold blanks, on as few lines as possible; a word that is too wide for a line is cut."""
    deepest = max(0, width - 2) // 2  # leaves room for a wide letter on each line
    indent, hang = indent[:deepest], hang[:deepest]
    lines, line, is_empty = [], indent, True
    for word in words:
        longer = f"{line}{word}" if is_empty else f"{line} {word}"
        if columns(longer) > width and not is_empty:
            lines.append(line)
            longer = f"{hang}{word}"
        while columns(longer) > width:
            place = _fitting(longer, width)
            lines.append(longer[:place].rstrip())
            longer = f"{hang}{longer[place:].lstrip()}"
        line, is_empty = longer, False
    return [*lines, line]


def _fitting(text: str, width: int) -> int:
    """Return where to cut a text that is too wide: after the last blank with words before it, else at the width."""
    fits = next((place for place in range(len(text), 0, -1) if columns(text[:place]) <= width), 1)
    blank = text.rfind(" ", 0, fits)
    return blank + 1 if text[: max(blank, 0)].strip() else fits


# ---- tables --------------------------------------------------------------------------------------------------------


def aligned(rows: Iterable[Row], left: Sequence[int]) -> list[str]:
    """Return rows as lines with aligned columns; the columns in `left` are flush left, the others flush right."""
    table = list(rows)
    widths = [max(map(columns, column)) for column in zip(*table, strict=True)]
    return [
        _GAP.join(
            _padded(cell, width, flush_left=index in left)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _padded(cell: str, width: int, *, flush_left: bool) -> str:
    blanks = " " * (width - columns(cell))
    return cell + blanks if flush_left else blanks + cell


def table(headings: Row, rows: Sequence[Row], *, left: Sequence[int], width: int | None = None) -> list[list[str]]:
    """Return a table as blocks of lines, first the block of the headings, then one for each row.

    The first of four forms that fits the width is used: each row on one line; headings folded onto several lines; the
    first cell as a title above its rows; each row as a list of its cells, each after its heading. Every form shows
    every cell. A column of empty cells is left out.
    """
    filled = [column for column in range(len(headings)) if any(row[column] for row in rows)]
    headings, rows = _picked(headings, filled), [_picked(row, filled) for row in rows]
    left = [place for place, column in enumerate(filled) if column in left]
    plain = _plain(headings, rows, left)
    if width is None or _fits(plain, width):
        return plain
    folded = _folded(headings, rows, left)
    if _fits(folded, width):
        return folded
    titled = _folded(headings[1:], [row[1:] for row in rows], [column - 1 for column in left])
    titled = [[f"{_HANG}{line}" for line in block] for block in titled]
    if not _fits(titled, width):
        titled = [[], *(_listed(headings[1:], row[1:], width) for row in rows)]
    titles = ["", *(row[0] for row in rows)]
    return [
        titled[0],
        *(
            [*(wrapped(title, width) if title != above else []), *block]
            for above, title, block in zip(titles, titles[1:], titled[1:], strict=False)
        ),
    ]


def _picked(row: Row, places: Iterable[int]) -> list[str]:
    return [row[place] for place in places]


def _fits(blocks: Iterable[Iterable[str]], width: int) -> bool:
    return all(columns(line) <= width for block in blocks for line in block)


def _plain(headings: Row, rows: Sequence[Row], left: Sequence[int]) -> list[list[str]]:
    return [[line] for line in aligned([headings, *rows], left)]


def _folded(headings: Row, rows: Sequence[Row], left: Sequence[int]) -> list[list[str]]:
    """Return the table with the words of each heading on lines of their own, aligned at the bottom."""
    words = [heading.split() for heading in headings]
    height = max(map(len, words), default=0)
    above = zip(*([""] * (height - len(heading)) + heading for heading in words), strict=True)
    lines = aligned([*above, *rows], left)
    return [lines[:height], *([line] for line in lines[height:])]


def _listed(headings: Row, row: Row, width: int) -> list[str]:
    """Return the cells of a row that are not empty, each after its heading."""
    cells = [f"{heading} {cell}" for heading, cell in zip(headings, row, strict=True) if cell]
    words = [f"{cell}," for cell in cells[:-1]] + cells[-1:]
    return _packed(words, width, indent=_HANG, hang=_HANG * 2)


def flattened(blocks: Iterable[Iterable[str]]) -> Iterator[str]:
    """Return the lines of all blocks of a table, for output without colours."""
    return (line for block in blocks for line in block)

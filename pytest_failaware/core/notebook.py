"""Write tables and lines as HTML for the output of a notebook cell; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pytest_failaware.core.layout import Row


def html_table(rows: Sequence[Row], left: Sequence[int]) -> str:
    """Return a table; its first row holds the headings, and the columns in `left` are flush left."""
    head, *body = (_cells(row, "td" if place else "th", left) for place, row in enumerate(rows))
    return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


def _cells(row: Row, tag: str, left: Sequence[int]) -> str:
    sides = ("left" if column in left else "right" for column in range(len(row)))
    cells = (f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>' for cell, side in zip(row, sides, strict=True))
    return f"<tr>{''.join(cells)}</tr>"


def html_lines(lines: Iterable[str]) -> str:
    """Return a paragraph for each line."""
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def html_text(lines: Iterable[str]) -> str:
    """Return lines with their indentation kept, "" for no lines."""
    text = "\n".join(lines)
    return f"<pre>{escape(text)}</pre>" if text else ""

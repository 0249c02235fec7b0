"""The founding table as one SVG file: each number with a bar from 0 to 100 % under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from markupsafe import Markup

from pytest_failaware.core.estimates import percent
from pytest_failaware.core.layout import columns
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.text import shown
from pytest_failaware.report.html.svg import shape, text_at
from pytest_failaware.report.html.templates import render
from pytest_failaware.report.table import COLUMNS
from pytest_failaware.report.words import short_name

_EDGE: Final = 16  # units, about a pixel each
_LETTER: Final = 9  # width of the widest letter; a wide letter takes two
_LONGEST: Final = 40  # letters of a condition
_COLUMN: Final = 136  # from a column to the next
_BAR: Final = 112
_HEADINGS: Final = 64  # above the first row
_ROW: Final = 46
_LOOKS: Final = {"failure_rate": "second"}  # not an accuracy
_WORDS: Final = {**COLUMNS, "failure_rate": "Flagged"}  # "Failure Rate" reads as the error rate


def svg_text(results: Sequence[ItemResult]) -> str:
    """Return the table of all results, in their order, with a background for light and for dark screens."""
    names = _names(results)
    left = 2 * _EDGE + _LETTER * max(map(columns, ("12,345 images", *names)))
    rows = list(zip(names, results, strict=True))
    return render(
        "table.svg.j2",
        width=left + len(COLUMNS) * _COLUMN,
        height=_HEADINGS + max(1, len(rows)) * _ROW + _EDGE,
        description="; ".join(f"{name}: {_described(result)}" for name, result in rows) or "nothing was measured",
        headings=_together(_headings(left)),
        names=_together(text_at(_EDGE, _top(number) + 14, name, "start") for number, name in enumerate(names)),
        images=_together(_images(results)),
        cells=_together(cell for number, result in enumerate(results) for cell in _cells(left, _top(number), result)),
    )


def _names(results: Sequence[ItemResult]) -> list[str]:
    """Return the condition of each result, with the test's name if several tests have the condition."""
    uses = Counter(result.stats.condition for result in results)
    return [
        shown(result.stats.condition if uses[result.stats.condition] == 1 else short_name(result), _LONGEST)
        for result in results
    ]


def _described(result: ItemResult) -> str:
    """Return the text of a row for readers who cannot see it."""
    return ", ".join(f"{heading} {percent(result.stats.rates[name])}" for name, heading in _WORDS.items())


def _top(number: int) -> int:
    return _HEADINGS + number * _ROW


def _headings(left: int) -> Iterator[Markup]:
    """Yield the headings; text in brackets is on a separate line."""
    yield text_at(_EDGE, 44, "Condition", "start")
    for number, heading in enumerate(_WORDS.values()):
        lines = heading.replace(" (", "\n(").splitlines()
        for line, text in enumerate(reversed(lines)):
            yield text_at(left + number * _COLUMN, 44 - 18 * line, text, "start")


def _images(results: Sequence[ItemResult]) -> Iterator[Markup]:
    for number, result in enumerate(results):
        yield text_at(_EDGE, _top(number) + 31, f"{result.stats.cells.samples:,} images", "start")


def _cells(left: int, top: int, result: ItemResult) -> Iterator[Markup]:
    """Yield a line above the row, and the rates with their bars."""
    yield shape("rule", f"M{_EDGE} {top - 6}H{left + len(COLUMNS) * _COLUMN - _EDGE}")
    for number, name in enumerate(COLUMNS):
        rate, x = result.stats.rates[name], left + number * _COLUMN
        yield text_at(x, top + 14, percent(rate), "start")
        if rate.value is not None:
            yield shape("track", f"M{x} {top + 21}h{_BAR}v10h-{_BAR}Z")
            yield shape(_LOOKS.get(name, "first"), f"M{x} {top + 21}h{_BAR * rate.value:.1f}v10H{x}Z")


def _together(parts: Iterator[Markup]) -> Markup:
    return Markup("").join(parts)

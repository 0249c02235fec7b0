"""The tables of the summary: failed or changed metrics, a row of bars per corruption, the rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_failaware.core.layout import table
from pytest_failaware.core.result import ItemResult, Judged, Verdict
from pytest_failaware.report.questions import by_question
from pytest_failaware.report.terminal.display import Display, Line, colour, coloured
from pytest_failaware.report.terminal.rates import rate_cells, rate_columns, rate_headings
from pytest_failaware.report.terminal.severities import Range, severity_ranges, severity_table
from pytest_failaware.report.words import (
    comparison_cells,
    orientation_cells,
    orientation_headings,
    short_name,
    verdict_word,
)

MOST: Final = 12
"""With more tests than this, tables show only failures unless -v is given."""

_UNNAMED: Final = {"accuracy", "confident_accuracy_at_coverage", "confident_accuracy", "confident_correct_rate"}
"""Metrics that gate by default: their rows are left out if nothing changed."""
_ACCEPTED: Final = (Verdict.UPDATED, Verdict.NOT_WRITTEN)  # verdicts of failed metrics in a run that updates
_SHOWN: Final = (Verdict.INCONCLUSIVE, Verdict.WORSE_WITHIN_TOLERANCE, Verdict.IMPROVED)


def compared(results: Sequence[ItemResult], display: Display) -> Iterator[Line]:
    """Yield a row per metric that failed, is in doubt, improved or was chosen, under the question that it answers.

    With many tests only failures have a row.
    """
    rows = [
        (result, comparison) for result, comparison in _comparisons(results) if _is_shown(comparison, results, display)
    ]
    headings = ("test", "metric", "baseline", "now", "change", "allowed", "verdict")
    groups = by_question(rows, lambda row: row[1])
    rows = [row for group in groups.values() for row in group]
    cells = [(short_name(result), *comparison_cells(comparison)) for result, comparison in rows]
    lines = table(headings, cells, left=(0, 1, 6), width=display.width)
    yield from map(Line, lines.pop(0) if rows else [])
    for question, group in groups.items():
        yield from [Line(question.value)] if question.value else []
        for _, comparison in group:
            yield from (Line(line, colour(comparison.verdict)) for line in lines.pop(0))
    yield from [Line("")] if rows else []


def _comparisons(results: Sequence[ItemResult]) -> list[tuple[ItemResult, Judged]]:
    """Return all comparisons with their results, the worst tests first and their worst metrics first."""
    return [
        (result, comparison)
        for result in results
        for comparison in sorted(result.comparisons, key=lambda judged: judged.verdict.severity)
    ]


def _is_shown(comparison: Judged, results: Sequence[ItemResult], display: Display) -> bool:
    is_brief = len(results) > MOST
    is_chosen = comparison.metric not in _UNNAMED and not comparison.verdict.is_written
    is_worse = comparison.verdict.fails or comparison.verdict in _ACCEPTED
    return display.shows_all or is_worse or (not is_brief and (is_chosen or comparison.verdict in _SHOWN))


def not_compared(results: Sequence[ItemResult], display: Display) -> Iterator[Line]:
    """Yield a row per incomparable item, accepted or not: stored and new rates, for orientation only."""
    shown = [result for result in results if result.stored]
    blocks = table(
        orientation_headings(),
        [orientation_cells(result) for result in shown],
        left=(0, 4),
        width=display.width,
    )
    yield from coloured(blocks, [result.verdict for result in shown])


def measured(results: Sequence[ItemResult], display: Display) -> Iterator[Line]:
    """Yield a row of bars for each graded corruption, and a row of rates for each other item."""
    ranges = severity_ranges(results)
    if ranges:
        worst = [min((result.verdict for result in graded), key=lambda verdict: verdict.severity) for graded in ranges]
        yield from coloured(severity_table(ranges, bars=display.bars, width=display.width), worst)
    tabled = _tabled(results, ranges, display)
    shown = rate_columns(tabled)
    headings = ("test", *rate_headings(shown), "verdict")
    cells = [(short_name(result), *rate_cells(result, shown), verdict_word(result.verdict)) for result in tabled]
    blocks = table(headings, cells, left=(0, len(headings) - 1), width=display.width)
    yield from coloured(blocks, [result.verdict for result in tabled])


def _tabled(results: Sequence[ItemResult], ranges: Sequence[Range], display: Display) -> list[ItemResult]:
    """Return the items whose rates are shown."""
    if display.shows_all:
        return list(results)
    graded = {result.nodeid for severities in ranges for result in severities}
    others = [result for result in results if result.nodeid not in graded]
    return others if len(others) <= MOST else []


def left_out(results: Sequence[ItemResult], display: Display) -> Iterator[Line]:
    """Yield what only -v shows."""
    notable = [comparison for _, comparison in _comparisons(results) if comparison.verdict in _SHOWN]
    hidden = [comparison for comparison in notable if not _is_shown(comparison, results, display)]
    counts = Counter(comparison.verdict for comparison in hidden)
    parts = [f"{verdict_word(verdict)} metrics ({counts[verdict]})" for verdict in _SHOWN if counts[verdict]]
    if missing := len(results) - len(_tabled(results, severity_ranges(results), display)):
        parts.append(f"all rates by test ({missing})")
    if parts:
        yield Line(f"shown at -v: {', '.join(parts)}")

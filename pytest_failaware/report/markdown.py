"""A run as Markdown, for the page of a CI job or a comment; short enough for both."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_failaware.report.alarms import alarms
from pytest_failaware.report.corruption import corruption_sentences
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.rates import rate_cells, rate_columns, rate_headings
from pytest_failaware.report.terminal import total
from pytest_failaware.report.words import (
    comparison_cells,
    orientation_cells,
    orientation_headings,
    short_name,
    verdict_word,
)
from pytest_failaware.schema import ItemResult, RunReport, Verdict

_LONGEST: Final = 60_000  # characters: a comment on GitHub holds 65,536, a job summary 1 MiB
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]#|~@:]|(?<=www)\.|^([-+]|\d+[.)])(?=\s)")  # what means something


def markdown_text(report: RunReport) -> str:
    """The run: the total, what failed, the table of rates, corruption errors, notices. What does not fit is counted."""
    lines, used = [], 0
    everything = list(_lines(report))
    for number, line in enumerate(everything):
        used += len(line) + 1
        if used > _LONGEST:
            lines += ["", f"{len(everything) - number} more lines are in the log."]
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text of any origin as Markdown that shows it and does nothing else: one line, no tag, no link, no mention."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return _SPECIAL.sub(lambda match: "".join(f"&#{ord(one)};" for one in match[0]), html.escape(line, quote=False))


def _lines(report: RunReport) -> Iterator[str]:
    results = sorted(report.results, key=lambda result: result.verdict.severity)
    mark = "✅" if report.passed else "❌"
    yield f"## {mark} Reliability: {escaped(total(results, report.unwritten)) if results else 'nothing was compared'}"
    yield ""
    if report.incomplete:
        yield from _bullets([f"not a whole run: {report.incomplete}"])
    yield from _bullets([f"{nodeid} has no result" for nodeid in report.unchecked if nodeid not in report.errors])
    yield from _bullets([f"{nodeid} failed, though its gate did not" for nodeid in report.failed])
    yield from _bullets(
        [*alarms(report.results), *report.complaints, *(f"{nodeid}: {text}" for nodeid, text in report.errors.items())]
    )
    yield from _failures([result for result in results if result.verdict.fails])
    yield from _not_compared([result for result in results if result.stored])
    yield from _rates(results)
    yield from _bullets([*corruption_sentences(report.corruption), *report.facts, *report.notices])


def _failures(failed: Sequence[ItemResult]) -> Iterator[str]:
    """One row for each metric that failed, and a sentence for what was not compared at all."""
    rows = [
        (short_name(result), *comparison_cells(comparison))
        for result in failed
        for comparison in result.comparisons
        if comparison.verdict.fails
    ]
    if rows:
        yield from _table(("test", "metric", "baseline", "now", "change", "allowed", "verdict"), rows)
    others = [result for result in failed if result.verdict in (Verdict.MISSING, Verdict.INCOMPARABLE)]
    yield from _bullets(["; ".join(line.strip() for line in failure_lines(result)) for result in others])


def _not_compared(results: Sequence[ItemResult]) -> Iterator[str]:
    """Stored and new rates of incomparable items, accepted by this run or not, for the eye alone."""
    if results:
        yield from _table(orientation_headings(), [orientation_cells(result) for result in results])


def _rates(results: Sequence[ItemResult]) -> Iterator[str]:
    columns = rate_columns(results)
    rows = [(short_name(result), *rate_cells(result, columns), verdict_word(result.verdict)) for result in results]
    if rows:
        yield from _table(("test", *rate_headings(columns), "verdict"), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(escaped, headings))} |"
    yield f"|{' --- |' * len(headings)}"
    yield from (f"| {' | '.join(map(escaped, row))} |" for row in rows)
    yield ""


def _bullets(sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield from (f"- {escaped(sentence)}" for sentence in sentences)
        yield ""

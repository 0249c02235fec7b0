"""A run as Markdown, short enough for the page of a CI job and for a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_failaware.core.result import ItemResult, Judged, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.core.text import without_controls
from pytest_failaware.report.advice import CHOICE, tasks
from pytest_failaware.report.alarms import alarms
from pytest_failaware.report.corruption import corruption_sentences
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.proof import interval
from pytest_failaware.report.questions import by_question
from pytest_failaware.report.terminal.rates import rate_cells, rate_columns, rate_headings
from pytest_failaware.report.terminal.summary import total
from pytest_failaware.report.words import (
    INCONCLUSIVE,
    comparison_cells,
    orientation_cells,
    orientation_headings,
    short_name,
    verdict_word,
    why_reset,
)

_LONGEST: Final = 60_000  # characters: a comment on GitHub holds 65,536, a job summary 1 MiB
_SPECIAL: Final = re.compile(
    r"[\\`*#|@]|<(?=[A-Za-z/!?])|&(?=#|\w+;)|^>"  # code, headings, cells, mentions, tags, characters by name, quotes
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis; within a word it is a letter
    r"|^\[|\[(?=[\sxX]?\]\s)|\](?=[(\[])"  # a check box, a link
    r"|~(?!/)|(?<=\S)~"  # struck out; ~/ is the home folder
    r"|:(?=//)|(?<!\w):(?=[\w+-]+:)"  # an address, an emoji
    r"|(?<=www)\."
    r"|^[-+](?=\s)|^[-=](?=[-=\s]*$)|^\d+[.)](?=\s)"  # a list, a line
)
"""The characters with a meaning in Markdown; everything else stays readable as raw text."""
_ROW: Final = ("test", "metric", "baseline", "now", "change", "allowed", "95 % interval", "lost, gained", "verdict")


def markdown_text(report: RunReport) -> str:
    """Return the run: the total, failures, the table of rates, corruption errors and notices, cut to the limit."""
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
    """Return text of any origin as Markdown that only shows it: one line, no tag, no link, no mention."""
    return _SPECIAL.sub(lambda match: "".join(f"&#{ord(letter)};" for letter in match[0]), without_controls(text, " "))


def _lines(report: RunReport) -> Iterator[str]:
    results = sorted(report.results, key=lambda result: result.verdict.severity)
    is_open = any(result.is_open for result in results)
    mark = ("⚠️" if is_open else "✅") if report.passed else "❌"
    yield f"## {mark} Reliability: {escaped(total(results)) if results else 'nothing was compared'}"
    yield ""
    if report.incomplete:
        yield from _bullets([f"not a whole run: {report.incomplete}"])
    yield from _bullets([f"{nodeid} has no result" for nodeid in report.unchecked if nodeid not in report.errors])
    yield from _bullets([f"{nodeid} failed, though its gate did not" for nodeid in report.failed])
    yield from _bullets(
        [*alarms(report.results), *report.complaints, *(f"{nodeid}: {text}" for nodeid, text in report.errors.items())]
    )
    yield from _tasks(results, report)
    yield from _gates(results)
    yield from _not_compared([result for result in results if result.stored])
    yield from _rates(results)
    yield from _bullets(
        [*corruption_sentences(report.corruption), *(fact.line for fact in report.facts), *report.notices]
    )
    yield from _next_step(report)
    yield from _made(report)


def _next_step(report: RunReport) -> Iterator[str]:
    """Yield the command that stores these values, for people with the report and a checkout."""
    if report.accept:
        yield "If these values are meant: download the report and its records, and in a checkout of this commit run"
        yield ""
        yield from (f"    {report.accept}", "")  # code by its indent
        yield from _bullets(list(why_reset(report.results, "--")))


def _made(report: RunReport) -> Iterator[str]:
    """Yield the date, the commit and the versions of the report."""
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    if made := [text for text in (report.date, report.commit and f"commit {report.commit}", versions) if text]:
        yield from _bullets(["; ".join(made)])


def _gates(results: Sequence[ItemResult]) -> Iterator[str]:
    """Yield one row per failed or inconclusive metric, what inconclusive means, and what was not compared."""
    rows = [
        (result, comparison)
        for result in results
        for comparison in result.comparisons
        if comparison.verdict.fails or comparison.verdict is Verdict.INCONCLUSIVE
    ]
    for question, group in by_question(rows, lambda row: row[1]).items():
        yield from (f"**{question.value}**", "") if question.value else ()
        yield from _table(_ROW, [_row(result, comparison) for result, comparison in group])
    if any(result.is_open for result in results):
        yield from _bullets([f"{INCONCLUSIVE}; that is less than the 5 % of the interval, since many gates share it"])
    yield from _bullets([*_missing(results), *_incomparable(results)])


def _tasks(results: Sequence[ItemResult], report: RunReport) -> Iterator[str]:
    """Yield what to do about each marked test, and below it the rules to paste."""
    for task in tasks(results, report.advice):
        yield f"- **{escaped(task.act)}**"
        yield from [f"  {CHOICE}"] if task.rules else []
        yield from (f"  - `{rule}`: {escaped(effect)}" for rule, effect in task.rules)
        yield from (f"  - {escaped(sentence)}" for sentence in task.sentences)
        yield ""


def _missing(results: Sequence[ItemResult]) -> Iterator[str]:
    """Yield one sentence per baseline on the conditions without stored values."""
    missing = [result for result in results if result.verdict is Verdict.MISSING]
    for baseline in dict.fromkeys(result.baseline for result in missing):
        of_it = [result for result in missing if result.baseline == baseline]
        names = ", ".join(map(short_name, of_it))
        notes = dict.fromkeys(note for result in of_it for note in result.notes)
        yield "; ".join([f"no entry in baseline {baseline!r}, so nothing was compared: {names}", *notes])


def _incomparable(results: Sequence[ItemResult]) -> Iterator[str]:
    """Yield why items could not be compared."""
    for result in results:
        if result.verdict is Verdict.INCOMPARABLE:
            yield "; ".join(line.strip() for line in failure_lines(result))


def _row(result: ItemResult, comparison: Judged) -> tuple[str, ...]:
    evidence, (*cells, verdict) = comparison.evidence, comparison_cells(comparison)
    between = "" if evidence is None else interval(evidence, comparison.current)
    flips = "" if evidence is None or evidence.lost is None else f"{evidence.lost:,}, {evidence.gained:,}"
    return short_name(result), *cells, between, flips, verdict


def _not_compared(results: Sequence[ItemResult]) -> Iterator[str]:
    """Yield stored and new rates of incomparable items, accepted or not; these rates are for orientation only."""
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

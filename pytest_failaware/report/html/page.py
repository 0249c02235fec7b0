"""The context of the HTML report's page, without the details of the conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Final

from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.result import ItemResult, Judged, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.advice import CHOICE, tasks
from pytest_failaware.report.alarms import alarms
from pytest_failaware.report.corruption import corruption_sentences
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.html.panels import reference_word
from pytest_failaware.report.html.section import Context, compared
from pytest_failaware.report.html.severity_panels import severity_panels
from pytest_failaware.report.power import at_chance, too_few
from pytest_failaware.report.proof import claim, interval, loss
from pytest_failaware.report.questions import by_question
from pytest_failaware.report.terminal.rates import rate_cells, rate_columns, rate_headings, stored_cells
from pytest_failaware.report.terminal.summary import total
from pytest_failaware.report.words import NOT_THE_SAME, short_name

_FAILURES: Final = 400  # rows; further rows are only counted, so that a page stays small
_RATES: Final = 1000  # rows
_PANELS: Final = 100


def page(report: RunReport, results: Sequence[ItemResult], drawn: Mapping[str, Pictures]) -> Context:
    """Return everything outside of the conditions' details; `results` are those of the report, the worst first."""
    numbers = {result.nodeid: number for number, result in enumerate(results, start=1)}
    columns = rate_columns(report.results)
    failures, panels = _failures(results), list(severity_panels(report.results, drawn))
    return {
        "passed": report.passed,
        **_outcome(report),
        "word": _word(report.results),
        "total": total(results) if results else "nothing was compared",
        "troubles": list(_troubles(report)),
        "tasks": list(tasks(results, report.advice)),
        "choice": CHOICE,
        "failures": [
            (question.value, [_failure(*row, numbers) for row in rows])
            for question, rows in by_question(failures[:_FAILURES], lambda row: row[1]).items()
        ],
        "more_failures": len(failures[_FAILURES:]),
        "not_compared": [
            "; ".join(line.strip() for line in failure_lines(result))
            for result in results
            if result.verdict in (Verdict.MISSING, Verdict.INCOMPARABLE)
        ][:_FAILURES],
        "headings": rate_headings(columns),
        "rates": [_rates(result, drawn.get(result.nodeid), numbers, columns) for result in report.results[:_RATES]],
        "more_rates": len(report.results[_RATES:]),
        "sights": list(_sights(results)),
        "severities": panels[:_PANELS],
        "more_severities": len(panels[_PANELS:]),
        "corruption": list(corruption_sentences(report.corruption)),
        "causes": _causes(report.results),
        "facts": [fact.line for fact in report.facts],
        "provenance": common_provenance(drawn),
        "version": version("pytest-failaware"),
        "notices": report.notices,
        "command": report.command,
        "accept": report.accept,
        "made": {name: text for name, text in (("date", report.date), ("commit", report.commit)) if text},
        "versions": ", ".join(f"{name} {number}" for name, number in report.versions.items()),
    }


def _outcome(report: RunReport) -> Context:
    """Return the headings: a first run has not failed, it has nothing to compare with."""
    failing = {result.verdict for result in report.results if result.verdict.fails}
    troubles = (report.errors, report.complaints, report.unchecked, report.failed, report.incomplete)
    is_first = failing == {Verdict.MISSING} and not any(troubles)
    outcome = "Nothing to compare with yet" if is_first else f"Reliability {'passed' if report.passed else 'failed'}"
    return {"outcome": outcome, "is_first": is_first, "failing": "What is missing" if is_first else "What failed"}


def _word(results: Sequence[ItemResult]) -> str:
    """Return the word for the other side of the run's comparisons."""
    return _gated_word(results[0]) if results else "baseline"


def _troubles(report: RunReport) -> Iterator[str]:
    """Yield what makes the run incomplete."""
    if report.incomplete:
        yield f"not a whole run: {report.incomplete}"
    yield from (f"{nodeid} has no result" for nodeid in report.unchecked if nodeid not in report.errors)
    yield from (f"{nodeid} failed, though its gate did not" for nodeid in report.failed)
    yield from alarms(report.results)
    yield from report.complaints
    yield from (f"{nodeid}: {text}" for nodeid, text in report.errors.items())
    if report.obsolete:
        yield f"used by no test: {', '.join(report.obsolete)}"


def _failures(results: Sequence[ItemResult]) -> list[tuple[ItemResult, Judged]]:
    """Return each failing gate with its item, sorted by verdict and then by the proven loss."""
    failing = [(result, gate) for result in results for gate in result.comparisons if gate.verdict.fails]
    return sorted(failing, key=lambda pair: (pair[1].verdict.severity, -loss(pair[1])))


def _failure(result: ItemResult, comparison: Judged, numbers: Mapping[str, int]) -> Context:
    """Return the row of one failing gate, with the text of the terminal."""
    finding, p = claim(comparison, comparison.evidence) if comparison.evidence else ("", "")
    where = {"test": short_name(result), "number": numbers[result.nodeid]}
    proven = f"{finding}: {interval(comparison.evidence, comparison.current)}" if comparison.evidence else ""
    return {**where, "said": proven, "p": p, **compared(comparison)}


def _rates(
    result: ItemResult, pictures: Pictures | None, numbers: Mapping[str, int], columns: Sequence[str]
) -> Context:
    before_alone = None if pictures is None or result.is_against_recipe else pictures.before
    drawn = {} if before_alone is None else before_alone.stats.rates
    now, before = rate_cells(result, columns), stored_cells(result, result.stored or drawn, columns)
    return {
        "test": short_name(result),
        "number": numbers[result.nodeid],
        "cells": list(zip(rate_headings(columns), now, before, strict=True)),
        "reference": f"{NOT_THE_SAME}: {reference_word(result)}" if result.stored else _gated_word(result),
        "verdict": result.verdict,
    }


def _gated_word(result: ItemResult) -> str:
    """Return the word for the values that the gates compare with: of a recipe, the means of its seeds."""
    return "seeds' mean" if result.is_against_recipe else reference_word(result)


def _sights(results: Sequence[ItemResult]) -> Iterator[str]:
    """Yield what the gates that this run recorded cannot detect."""
    yield from too_few([(result.nodeid, result.sights) for result in results])
    if chance := at_chance(results):
        yield chance


def _causes(results: Sequence[ItemResult]) -> list[tuple[str, str]]:
    """Return what else changed, with the tests for which it changed unless it changed for all."""
    counts = Counter(cause for result in results for cause in result.causes)
    return [
        (cause, "" if count == len(results) else f"in {count:,} of {len(results):,} tests")
        for cause, count in counts.items()
    ]


def common_provenance(drawn: Mapping[str, Pictures]) -> dict[str, str]:
    """Return the provenance that all conditions share."""
    all_of_them = [pictures.provenance for pictures in drawn.values()]
    first = all_of_them[0] if all_of_them else {}
    return {name: value for name, value in first.items() if all(facts.get(name) == value for facts in all_of_them)}

"""A run -> what the HTML report's page is filled with, beside the details of its conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Final

from pytest_failaware.report.corruption import corruption_sentences
from pytest_failaware.report.failure import claim, failure_lines, loss
from pytest_failaware.report.panels import severity_panels
from pytest_failaware.report.section import Context, compared
from pytest_failaware.report.sights import at_chance, too_few
from pytest_failaware.report.table import COLUMNS
from pytest_failaware.report.terminal import total
from pytest_failaware.report.words import NOT_THE_SAME, heading, percent, short_name
from pytest_failaware.schema import ItemResult, Pictures, RunReport, Verdict

_FAILURES: Final = 400  # rows; what goes beyond these is counted, so that a page stays small
_RATES: Final = 1000  # rows
_PANELS: Final = 100


def page(report: RunReport, results: Sequence[ItemResult], drawn: Mapping[str, Pictures]) -> Context:
    """All that stands outside of the conditions' details; `results` are the report's, the worst first."""
    numbers = {result.nodeid: number for number, result in enumerate(results, start=1)}
    failures, panels = list(_failures(results, numbers)), list(severity_panels(report.results, drawn))
    return {
        "passed": report.passed,
        "total": total(results, report.unwritten) if results else "nothing was compared",
        "troubles": list(_troubles(report)),
        "failures": failures[:_FAILURES],
        "more_failures": len(failures[_FAILURES:]),
        "not_compared": [
            "; ".join(line.strip() for line in failure_lines(result))
            for result in results
            if result.verdict in (Verdict.MISSING, Verdict.INCOMPARABLE)
        ][:_FAILURES],
        "headings": [heading(name) for name in COLUMNS],
        "rates": [_rates(result, drawn.get(result.nodeid), numbers) for result in report.results[:_RATES]],
        "more_rates": len(report.results[_RATES:]),
        "sights": list(_sights(results)),
        "severities": panels[:_PANELS],
        "more_severities": len(panels[_PANELS:]),
        "corruption": list(corruption_sentences(report.corruption)),
        "causes": _causes(report.results),
        "facts": report.facts,
        "provenance": common_provenance(drawn),
        "version": version("pytest-failaware"),
        "notices": report.notices,
        "command": report.command,
        "accept": report.accept,
        "made": {name: text for name, text in (("date", report.date), ("commit", report.commit)) if text},
        "versions": ", ".join(f"{name} {number}" for name, number in report.versions.items()),
    }


def _troubles(report: RunReport) -> Iterator[str]:
    """What keeps the run from being whole."""
    if report.incomplete:
        yield f"not a whole run: {report.incomplete}"
    yield from (f"{nodeid} has no result" for nodeid in report.unchecked if nodeid not in report.errors)
    yield from report.complaints
    yield from (f"{nodeid}: {text}" for nodeid, text in report.errors.items())
    if report.obsolete:
        yield f"used by no test: {', '.join(report.obsolete)}"


def _failures(results: Sequence[ItemResult], numbers: Mapping[str, int]) -> Iterator[Context]:
    """Each failing gate with what the terminal says of it, by verdict, then what lost most."""
    failing = [(result, one) for result in results for one in result.comparisons if one.verdict.fails]
    for result, comparison in sorted(failing, key=lambda pair: (pair[1].verdict.severity, -loss(pair[1]))):
        said, p = claim(comparison, comparison.evidence) if comparison.evidence else ("", "")
        where = {"test": short_name(result), "number": numbers[result.nodeid]}
        yield {**where, "said": said, "p": p, **compared(comparison)}


def _rates(result: ItemResult, pictures: Pictures | None, numbers: Mapping[str, int]) -> Context:
    before = result.stored or (None if pictures is None or pictures.before is None else pictures.before.stats.rates)
    return {
        "test": short_name(result),
        "number": numbers[result.nodeid],
        "cells": [
            (heading(name), percent(result.stats.rates[name]), "" if before is None else percent(before[name]))
            for name in COLUMNS
        ],
        "was": f"{NOT_THE_SAME}: was" if result.stored else "was",
        "verdict": result.verdict,
    }


def _sights(results: Sequence[ItemResult]) -> Iterator[str]:
    """What the gates that this run recorded cannot see."""
    yield from too_few([(result.nodeid, result.sights) for result in results])
    if chance := at_chance(results):
        yield chance


def _causes(results: Sequence[ItemResult]) -> list[tuple[str, str]]:
    """What else changed, and where, where that is not everywhere."""
    counts = Counter(cause for result in results for cause in result.causes)
    return [
        (cause, "" if count == len(results) else f"in {count:,} of {len(results):,} tests")
        for cause, count in counts.items()
    ]


def common_provenance(drawn: Mapping[str, Pictures]) -> dict[str, str]:
    """What all conditions were measured with."""
    all_of_them = [pictures.provenance for pictures in drawn.values()]
    first = all_of_them[0] if all_of_them else {}
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in all_of_them)}

"""Annotations of GitHub Actions: workflow commands that mark a failed test in the code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.core.result import ItemResult, Judged, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.core.text import printable
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.proof import interval
from pytest_failaware.report.words import comparison_cells, name_in, short_name

_MOST: Final = 10  # annotations of one kind that GitHub shows for a step
_LONGEST: Final = 4000  # characters of one annotation; GitHub keeps 64 KB of them all


Mark = tuple[tuple[str, int], str, str]
"""A place, a title and a text."""


def workflow_commands(report: RunReport, root: Path, workspace: str) -> Iterator[str]:
    """Yield annotations of failed tests, the worst first, and of inconclusive tests; at most ten of each kind.

    Args:
        report: the run.
        root: pytest's rootdir, where the tests' paths start.
        workspace: the checkout's folder, where GitHub's paths start; "" if it is not known.
    """
    failed = [result for result in report.results if result.verdict.fails]
    failed.sort(key=lambda result: result.verdict.severity)
    marks = [(result.location, short_name(result), "\n".join(_failure(result, report.accept))) for result in failed]
    for nodeid, text in report.errors.items():
        marks.append(((nodeid.partition("::")[0], 1), name_in(nodeid), text))
    marks += [(("", 0), "reliability", complaint) for complaint in report.complaints]
    open_ones = [result for result in report.results if result.verdict is Verdict.INCONCLUSIVE]
    warnings = [(result.location, short_name(result), "\n".join(_inconclusive(result))) for result in open_ones]
    yield from (_command("error", mark, root, workspace) for mark in marks[:_MOST])
    yield from (_command("warning", mark, root, workspace) for mark in warnings[:_MOST])


def _command(kind: str, mark: Mark, root: Path, workspace: str) -> str:
    (file, line), title, text = mark
    place = f"file={_escaped(_path(root, file, workspace))},line={line}," if file else ""
    return f"::{kind} {place}title={_escaped(title)}::{_escaped(text[:_LONGEST], data=True)}"


def _failure(result: ItemResult, accept: str) -> Iterator[str]:
    """Yield the text of the terminal, and the command that accepts the values."""
    yield from failure_lines(result)
    if accept:
        yield f"if these values are meant: {accept}"


def _inconclusive(result: ItemResult) -> Iterator[str]:
    """Yield the metrics whose observed change exceeds the tolerance but is not proven."""
    yield f"{short_name(result)}: the observed change is beyond the tolerance, and these samples do not prove it"
    for comparison in result.comparisons:
        if comparison.verdict is Verdict.INCONCLUSIVE:
            yield f"  {_change(comparison)}"


def _change(comparison: Judged) -> str:
    metric, before, now, change, limit, _ = comparison_cells(comparison)
    proven = "" if comparison.evidence is None else f"; {interval(comparison.evidence, comparison.current)} (95 %)"
    note = f", {comparison.note}" if comparison.note else ""
    return f"{metric}: {before} -> {now}, {change} (allowed {limit}){proven}{note}"


def _path(root: Path, file: str, workspace: str) -> str:
    return os.path.relpath(root / file, workspace) if workspace else file


def _escaped(text: str, *, data: bool = False) -> str:
    """Return text as data or property of a workflow command; characters that could end it are escaped."""
    lines = "\n".join(printable(line) for line in text.split("\n"))
    safe = lines.replace("%", "%25").replace("\n", "%0A")
    return safe if data else safe.replace(":", "%3A").replace(",", "%2C")

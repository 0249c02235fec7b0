"""The annotations of GitHub Actions: workflow commands that mark a failed test in the code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.words import name_in, short_name
from pytest_failaware.schema import RunReport
from pytest_failaware.text import printable

_MOST: Final = 10  # annotations of one kind that GitHub shows for a step
_LONGEST: Final = 4000  # characters of one annotation; GitHub keeps 64 KB of them all


def error_annotations(report: RunReport, root: Path, workspace: str) -> Iterator[str]:
    """Workflow commands that mark the tests that failed, the worst first, ten at most.

    Args:
        report: the run.
        root: pytest's rootdir, where the tests' paths start.
        workspace: the checkout's folder, where GitHub's paths start; "" where it is not known.
    """
    failed = sorted((result for result in report.results if result.verdict.fails), key=lambda one: one.verdict.severity)
    marks = [(result.location, short_name(result), "\n".join(failure_lines(result))) for result in failed]
    for nodeid, text in report.errors.items():
        marks.append(((nodeid.partition("::")[0], 1), name_in(nodeid), text))
    marks += [(("", 0), "reliability", complaint) for complaint in report.complaints]
    for (file, line), title, text in marks[:_MOST]:
        place = f"file={_escaped(_path(root, file, workspace))},line={line}," if file else ""
        yield f"::error {place}title={_escaped(title)}::{_escaped(text[:_LONGEST], data=True)}"


def _path(root: Path, file: str, workspace: str) -> str:
    return os.path.relpath(root / file, workspace) if workspace else file


def _escaped(text: str, *, data: bool = False) -> str:
    """Text as a workflow command's data or property: whatever could end it is escaped."""
    lines = "\n".join(printable(line) for line in text.split("\n"))
    safe = lines.replace("%", "%25").replace("\n", "%0A")
    return safe if data else safe.replace(":", "%3A").replace(",", "%2C")

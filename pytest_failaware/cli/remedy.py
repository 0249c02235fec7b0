"""The command `remedy`: print the rules that mend the moved operating points of a run, from its report."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from pytest_failaware.baselines.reports import read_tasks
from pytest_failaware.report.advice import task_lines


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("report", metavar="report.json", type=Path, help="what --failaware-report=report.json wrote")


def run(options: Namespace) -> Iterator[str]:
    """Yield what would mend the tests of a run, as the run found it under its own terms and metrics."""
    found = read_tasks(options.report)
    yield from (line for task in found for line in task_lines(task))
    if not found:
        yield "no operating point moved, and no model is worse"

"""The command `remedy`: name the rules that mend the moved operating points of a run, from its report."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_failaware.baselines.accept import measured_results
from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.reference import read_reference
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.config.gate import gate_of
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.gate import Declaration
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.plain import from_plain
from pytest_failaware.core.request import DatasetChange
from pytest_failaware.core.result import ItemResult
from pytest_failaware.judge.remedy.advice import advise
from pytest_failaware.judge.remedy.tested import Tested
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.report.advice import task_lines, tasks


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("report", metavar="report.json", type=Path, help="what --failaware-report=report.json wrote")
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Judge the records of a report again, and yield what would mend its tests."""
    by_test: dict[tuple[str, ...], list[Tested]] = defaultdict(list)
    for result, measurement in measured_results(options.report):
        by_test[tuple(result["test"])].append(_tested(options, result, measurement))
    if not by_test:
        raise FailAwareError(f"{options.report}: holds no records, so no rule can be sought; run the gate again")
    results = {test: [_judged(item, test) for item in tested] for test, tested in by_test.items()}
    advice = [item for test, tested in by_test.items() if (item := advise(results[test], tested)) is not None]
    found = list(tasks([result for judged in results.values() for result in judged], advice))
    yield from (line for task in found for line in task_lines(task))
    if not found:
        yield "no operating point moved, and no model is worse"


def _tested(options: Namespace, result: dict[str, Any], measurement: Measurement) -> Tested:  # Any: a part of JSON
    """Return an item as the run judged it.

    Raises:
        FailAwareError: the stored entry is not the one that the run compared with.
    """
    name, key = str(result["baseline"]), str(result["condition"])
    baseline = read_baseline(options.baseline_dir, name)
    reference = read_reference(options.baseline_dir, name, key, baseline=baseline)
    entry = reference.stored.entry if reference.stored else None
    if (entry.records_sha256 if entry else "") != result["reference"]:
        raise FailAwareError(
            f"{options.report}: {result['nodeid']}: baseline {name} is not what the run compared with; restore it, or "
            "run the gate again"
        )
    gate = gate_of(from_plain(Declaration, result["measurement"]["declaration"]))
    terms = Terms(nodeid=str(result["nodeid"]), dataset_change=DatasetChange.SHARED)
    return Tested(measurement=measurement, reference=reference, gate=gate, terms=terms)


def _judged(item: Tested, test: tuple[str, ...]) -> ItemResult:
    return replace(judge(item.measurement, item.reference, item.gate, item.terms), test=(test[0], test[1]))

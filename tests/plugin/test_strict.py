"""The complaints of a strict run."""

from __future__ import annotations

from typing import Any

from five import baseline_of, measurement_of

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.summary import RunReport
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.plugin.strict import strict_complaints

# Any: keywords of several types.
QUIET: Any = {
    "excused": (),
    "uncollected": "",
    "files_skipped": False,
    "ends_green": True,
}


def result_of(letters: str) -> ItemResult:
    now, stored = measurement_of(letters), measurement_of("RRWrw")
    gate = build_gate({"minimum": {"accuracy": 0.5}})
    return judge(
        now,
        Reference(name="small", key=now.condition.key, baseline=baseline_of(stored), records=stored.records),
        gate,
        Terms(nodeid="t"),
    )


def test_a_whole_run_has_none() -> None:
    """A run in which every gate was judged and passed has no complaint."""
    assert [] == strict_complaints(RunReport(results=(result_of("RRWrw"),)), **QUIET)


def test_every_gate_must_have_been_asked() -> None:
    """Each reason why a gate was not judged has its own sentence, and of many tests twenty are named."""
    report = RunReport(
        results=(result_of("WWWww"),),
        unchecked=("a",),
        left_out=tuple(f"t{number}" for number in range(22)),
        incomplete="pytest.exit ended it",
        obsolete=("toy: clean",),
    )
    named = ", ".join(f"t{number}" for number in range(20))
    expected = [
        "strict: not compared: a",
        f"strict: collected and not run: {named} and 2 more",
        "strict: pytest.exit ended it, so the run is not whole",
        "strict: a gate failed, and something set the exit code to 0",
        "strict: used by no test: toy: clean; --failaware-prune deletes them",
    ]
    assert expected == strict_complaints(report, **QUIET)

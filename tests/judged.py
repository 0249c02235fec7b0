"""Judged items with small numbers that can be computed by hand."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from pytest_failaware.core.estimates import Cells, ConditionStats, Estimate
from pytest_failaware.core.result import Comparison, Evidence, ItemResult, Verdict
from pytest_failaware.core.rule import FailureRule

EVIDENCE = Evidence(
    paired=True,
    p_beyond=0.001,
    p_within=0.999,
    p_worse=0.0001,
    p_better=0.9,
    low=0.01,
    high=0.2,
    level=0.01,
    lost=4,
    gained=1,
)


def graded(condition: str) -> tuple[str, int | None]:
    """Return the condition without its severity, and the severity."""
    corruption, _, severity = condition.rpartition(":")
    return (corruption, int(severity)) if severity.isdecimal() and corruption else (condition, None)


def result(condition: str, verdict: Verdict, **more: object) -> ItemResult:
    """Return an item of 15 images: 6 are trusted and right, 3 are in each other cell, 12 were right before."""
    rates = {
        "accuracy": Estimate(numerator=9, denominator=15),
        "failure_rate": Estimate(numerator=6, denominator=15),
        "confident_accuracy": Estimate(numerator=6, denominator=9),
        "failure_region_accuracy": Estimate(numerator=0, denominator=0, reason="nothing is flagged"),
    }
    comparison = Comparison(
        metric="accuracy",
        reference=Estimate(numerator=12, denominator=15),
        current=rates["accuracy"],
        allowed=Decimal("0.005"),
        verdict=verdict if verdict is Verdict.REGRESSED else Verdict.PASSED,
        evidence=EVIDENCE,
    )
    stats = ConditionStats(
        condition=condition,
        cells=Cells(trusted_right=6, trusted_wrong=3, flagged_right=3, flagged_wrong=3),
        rates=rates,
    )
    corruption, severity = graded(condition)
    base = ItemResult(
        nodeid=f"tests/t.py::test_x[{condition}]",
        baseline="toy",
        rule=FailureRule(),
        stats=stats,
        corruption=corruption,
        severity=severity,
        comparisons=(comparison,),
        verdict=verdict,
        test=("tests/t.py::test_x[", "]"),
    )
    return dataclasses.replace(base, **more)  # type: ignore[arg-type]

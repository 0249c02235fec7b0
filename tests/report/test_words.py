"""Different numbers that a reader compares never look the same."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from five import baseline_of, measurement_of
from judged import result

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.estimates import Estimate, Score, Value
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import BoundCheck, Comparison, Judged, Verdict
from pytest_failaware.judge.verdict import Terms, judge
from pytest_failaware.report.words import comparison_cells


def rate(numerator: int, denominator: int) -> Estimate:
    """Return a rate of these counts."""
    return Estimate(numerator=numerator, denominator=denominator)


def score(value: float) -> Score:
    """Return a number that is not a rate."""
    return Score(value=value)


@pytest.mark.parametrize(
    ("reference", "current", "allowed", "cells"),
    [
        ("<=", rate(1004, 100_000), "0.01", ("", "1.004%", "", "<= 0.01")),
        (">=", rate(89_999, 100_000), "0.9", ("", "89.999%", "", ">= 0.9")),
        ("<=", rate(1, 100), "0.01", ("", "1.00%", "", "<= 0.01")),
        ("<=", score(0.10004), "0.1", ("", "0.10004", "", "<= 0.1")),
        ("<=", score(0.2), "0.1", ("", "0.2000", "", "<= 0.1")),
        (rate(90_000, 100_000), rate(89_999, 100_000), "0.005", ("90.000%", "89.999%", "-0.00 pt", "0.50 pt")),
        (rate(90_000, 100_000), rate(89_498, 100_000), "0.005", ("90.00%", "89.50%", "-0.502 pt", "0.50 pt")),
        (rate(90_000, 100_000), rate(89_500, 100_000), "0.005", ("90.00%", "89.50%", "-0.50 pt", "0.50 pt")),
        (rate(9, 10), rate(8, 10), "0.005", ("90.00%", "80.00%", "-10.00 pt", "0.50 pt")),
        (rate(9, 10), rate(9, 10), "0.005", ("90.00%", "90.00%", "+0.00 pt", "0.50 pt")),
        (rate(90_000, 100_000), rate(89_966, 100_000), "0.00333", ("90.00%", "89.97%", "-0.03 pt", "0.333 pt")),
        (score(0.5), score(0.50504), "0.005", ("0.5000", "0.5050", "+0.00504", "0.0050")),
        (score(0.5), score(0.500004), "0.00005", ("0.500000", "0.500004", "+0.0000", "0.00005")),
    ],
)
def test_what_is_compared_reads_differently(
    reference: Value | str, current: Value, allowed: str, cells: tuple[str, ...]
) -> None:
    """Baseline, now, change and tolerance get more digits if different values would look the same."""
    comparison: Judged
    if isinstance(reference, str):
        comparison = BoundCheck(
            metric="m",
            limit=Decimal(allowed),
            is_minimum=reference == ">=",
            current=current,
            verdict=Verdict.BELOW_MINIMUM,
        )
    else:
        comparison = Comparison(
            metric="m", reference=reference, current=current, allowed=Decimal(allowed), verdict=Verdict.REGRESSED
        )

    assert cells == comparison_cells(comparison)[1:5]


def test_a_bound_of_equivalence_is_not_rounded_to_what_it_must_keep() -> None:
    """An upper bound of 1.0005 % that fails a maximum of 1 % is not shown as 1.00 %."""
    same, name = "R" * 458, "changed_prediction_rate"
    gate = build_gate(
        {"policy": "equivalence", "maximum": {name: "0.01", "changed_flag_rate": "0.01"}, "alpha": "0.01"}
    )
    before, now = measurement_of(same), measurement_of(f"{same[1:]}r")
    found = judge(
        now,
        Reference(name="small", key=now.condition.key, baseline=baseline_of(before), records=before.records),
        gate,
        Terms(nodeid="t.py::test_x[clean]"),
    )
    notes = {one.metric: one.note for one in found.comparisons}

    assert "up to 1.0005% is not excluded" == notes["changed_prediction_rate"]


def test_digits_do_not_end_at_a_tolerance_of_points() -> None:
    """A tolerance keeps its typed digits."""
    one = dataclasses.replace(result("clean", Verdict.REGRESSED).comparisons[0], allowed=Decimal("0.0025"))

    assert "0.25 pt" == comparison_cells(one)[4]

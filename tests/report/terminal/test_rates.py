"""The columns of a table of rates: gating metrics come first."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from judged import result

from pytest_failaware.core.estimates import Estimate, Score
from pytest_failaware.core.result import BoundCheck, Comparison, ItemResult, Judged, Verdict
from pytest_failaware.report.terminal.rates import rate_cells, rate_columns, rate_headings, stored_cells

HALF = Estimate(numerator=1, denominator=2)


def gated(*metrics: str, bound: str = "") -> ItemResult:
    """Return an item that gates these metrics, and one metric by a bound."""
    comparisons: list[Judged] = [
        Comparison(metric=name, reference=HALF, current=HALF, allowed=Decimal("0.005"), verdict=Verdict.PASSED)
        for name in metrics
    ]
    if bound:
        comparisons.append(
            BoundCheck(metric=bound, limit=Decimal("0.9"), is_minimum=False, current=HALF, verdict=Verdict.PASSED)
        )
    return result("clean", Verdict.PASSED, comparisons=tuple(comparisons))


def test_gating_metrics_come_first() -> None:
    """Gating metrics come first, then bounded metrics, accuracy, and the share of flagged samples."""
    columns = rate_columns([gated("silent_failure_rate", bound="negative_flip_rate")])

    assert ("silent_failure_rate", "negative_flip_rate", "accuracy", "failure_rate") == columns
    assert ["silent failure rate", "negative flip rate", "accuracy", "flagged"] == rate_headings(columns)


def test_tests_that_gate_other_metrics_share_the_columns() -> None:
    """A metric that an item does not have is an empty cell."""
    one, other = gated("accuracy", "changed_flag_rate"), gated("accuracy")
    columns = rate_columns([one, other])

    assert ["60.00%", "50.00%", "40.00%"] == rate_cells(one, columns)
    assert ["60.00%", "", "40.00%"] == rate_cells(other, columns)


def test_a_run_without_a_baseline_shows_the_default_gates() -> None:
    """A run without a baseline shows the default gates and the scores that the marker names."""
    stats = result("clean", Verdict.MISSING).stats
    first = result(
        "clean",
        Verdict.MISSING,
        comparisons=(),
        stats=dataclasses.replace(stats, scores={"augrc": Score(value=0.25)}),
    )
    columns = rate_columns([first])

    assert ("accuracy", "confident_accuracy", "silent_failure_rate", "confident_correct_rate") == columns[:4]
    assert ("augrc", "failure_rate") == columns[4:]
    assert "0.2500" == rate_cells(first, columns)[4]


def test_the_other_side_of_a_change_has_no_value() -> None:
    """Stored rates and compared references are shown; a rate of change has none."""
    one = gated("accuracy", bound="negative_flip_rate")

    assert ["50.00%", "", "50.00%"] == stored_cells(
        one, {"failure_rate": HALF}, ("accuracy", "negative_flip_rate", "failure_rate")
    )

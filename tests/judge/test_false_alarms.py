"""The sum of the alphas of many marked tests."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pytest_failaware.judge.false_alarms import false_alarms


@pytest.mark.parametrize(
    ("alphas", "share"),
    [
        ([], ""),
        (["0.01"], ""),
        (["0.01"] * 4, ""),
        (["0.01"] * 5, "5 marked tests: up to 5 % of"),
        (["0.01"] * 30, "30 marked tests: up to 30 % of"),
        (["0.01"] * 500, "500 marked tests: up to 100 % of"),
        (["0.001"] * 10, "10 marked tests: up to 1 % of"),
        (["0.001"] * 5, "5 marked tests: up to 0.5 % of"),
        (["0.05", "0.01", "0.01", "0.01", "0.002"], "5 marked tests: up to 8.2 % of"),
        (["0.00001"] * 7, "7 marked tests: up to 0.007 % of"),
    ],
)
def test_the_sum_is_said_of_many_tests(alphas: list[str], share: str) -> None:
    """The sum is at most 100 % of runs, and few tests get no sentence."""
    said = "".join(false_alarms([Decimal(alpha) for alpha in alphas]))

    assert share == said[: len(share)]
    assert bool(share) == bool(said)

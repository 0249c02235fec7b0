"""A result as the properties of a test case in a JUnit file."""

from __future__ import annotations

from pytest_failaware.core.estimates import Value
from pytest_failaware.core.result import ItemResult

PREFIX = "failaware."
"""Starts the name of every property, so that a test that runs again can replace its own."""


def properties(result: ItemResult) -> list[tuple[str, str]]:
    """Baseline, condition, verdict, sample count, and every metric in full precision; an undefined one says why."""
    metrics: dict[str, Value] = {**result.stats.rates, **result.stats.scores}
    values = {name: one.reason if one.value is None else repr(one.value) for name, one in metrics.items()}
    named = {
        "baseline": result.baseline,
        "condition": result.stats.condition,
        "verdict": result.verdict.value,
        "samples": str(result.stats.cells.samples),
        **values,
    }
    return [(PREFIX + name, value) for name, value in named.items()]

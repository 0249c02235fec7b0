"""A result as the properties of a test case in a JUnit file."""

from __future__ import annotations

from pytest_failaware.schema import ItemResult

PREFIX = "failaware."
"""Starts the name of every property, so that a test that runs again can replace its own."""


def properties(result: ItemResult) -> list[tuple[str, str]]:
    """Baseline, condition, verdict, sample count, and every rate in full precision; an undefined one says why."""
    rates = {name: rate.reason if rate.value is None else repr(rate.value) for name, rate in result.stats.rates.items()}
    named = {
        "baseline": result.baseline,
        "condition": result.stats.condition,
        "verdict": result.verdict.value,
        "samples": str(result.stats.cells.samples),
        **rates,
    }
    return [(PREFIX + name, value) for name, value in named.items()]

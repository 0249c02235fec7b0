"""The properties of a test case in a JUnit file."""

from __future__ import annotations

from pytest_failaware.core.estimates import Value
from pytest_failaware.core.result import ItemResult

PREFIX = "failaware."
"""The prefix of all property names, so that a test that runs again can replace its properties."""


def properties(result: ItemResult) -> list[tuple[str, str]]:
    """Return baseline, condition, verdict, sample count, and every metric in full precision or why it is undefined."""
    metrics: dict[str, Value] = {**result.stats.rates, **result.stats.scores}
    values = {name: metric.reason if metric.value is None else repr(metric.value) for name, metric in metrics.items()}
    named = {
        "baseline": result.baseline,
        "condition": result.stats.condition,
        "verdict": result.verdict.value,
        "samples": str(result.stats.cells.samples),
        **values,
    }
    return [(PREFIX + name, value) for name, value in named.items()]

"""The rates of a run in columns: the metrics that gate first, then the share of flagged samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pytest_failaware.core.estimates import Value
from pytest_failaware.core.result import CLASS_GUARD, Comparison, ItemResult
from pytest_failaware.report.words import heading, spelled

_USUAL: Final = ("accuracy", "confident_accuracy", "silent_failure_rate", "confident_correct_rate")
"""The rates of a run that compared nothing."""
_ALWAYS: Final = ("accuracy", "failure_rate")


def rate_columns(results: Iterable[ItemResult]) -> tuple[str, ...]:
    """Return the metrics with a column: the metrics that gate any test, accuracy, and the share of flagged samples."""
    results = list(results)
    judged = [comparison for result in results for comparison in result.comparisons]
    compared = [comparison.metric for comparison in judged if isinstance(comparison, Comparison)]
    gating = [name for name in compared if name != CLASS_GUARD]
    bounded = [check.metric for check in judged if not isinstance(check, Comparison)]
    named = [name for result in results for name in result.stats.scores]
    return tuple(dict.fromkeys([*(gating or _USUAL), *bounded, *named, *_ALWAYS]))


def rate_headings(columns: Sequence[str]) -> list[str]:
    """Return the headings over the cells of `rate_cells`."""
    return [heading(name) for name in columns]


def rate_cells(result: ItemResult, columns: Sequence[str]) -> list[str]:
    """Return an item's value of each metric; "" if it was not measured."""
    values = _values(result)
    return [spelled(values[name]) if name in values else "" for name in columns]


def stored_cells(result: ItemResult, stored: Mapping[str, Value], columns: Sequence[str]) -> list[str]:
    """Return the reference's value of each metric; "" if it is not known.

    Args:
        result: the item, whose comparisons have the reference's values of their metrics.
        stored: the rates of the reference.
        columns: the metrics.
    """
    comparisons = [comparison for comparison in result.comparisons if isinstance(comparison, Comparison)]
    compared = {comparison.metric: comparison.reference for comparison in reversed(comparisons)}
    values = {**stored, **compared}
    return [spelled(values[name]) if name in values else "" for name in columns]


def _values(result: ItemResult) -> Mapping[str, Value]:
    compared = {comparison.metric: comparison.current for comparison in result.comparisons}
    return {**compared, **result.stats.rates, **result.stats.scores}

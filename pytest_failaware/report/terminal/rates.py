"""The rates of a run in columns: the metrics that gate first, then the share of flagged samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pytest_failaware.core.estimates import Value
from pytest_failaware.core.result import Comparison, ItemResult
from pytest_failaware.report.words import heading, spelled

_USUAL: Final = ("accuracy", "confident_accuracy", "silent_failure_rate", "confident_correct_rate")
"""Those that gate if nobody says otherwise, for a run that compared nothing."""
_ALWAYS: Final = ("accuracy", "failure_rate")


def rate_columns(results: Iterable[ItemResult]) -> tuple[str, ...]:
    """Return the metrics that have a column: those that gate any of the tests, accuracy, and the share flagged."""
    results = list(results)
    judged = [one for result in results for one in result.comparisons]
    gating = [one.metric for one in judged if isinstance(one, Comparison)]
    bounded = [one.metric for one in judged if not isinstance(one, Comparison)]
    named = [name for result in results for name in result.stats.scores]
    return tuple(dict.fromkeys([*(gating or _USUAL), *bounded, *named, *_ALWAYS]))


def rate_headings(columns: Sequence[str]) -> list[str]:
    """Return the headings over the cells of `rate_cells`."""
    return [heading(name) for name in columns]


def rate_cells(result: ItemResult, columns: Sequence[str]) -> list[str]:
    """Return an item's value of each metric, "" if nothing has measured it."""
    values = _values(result)
    return [spelled(values[name]) if name in values else "" for name in columns]


def stored_cells(result: ItemResult, stored: Mapping[str, Value], columns: Sequence[str]) -> list[str]:
    """Return the reference's value of each metric, "" if it is not known.

    Args:
        result: the item, whose comparisons know the reference's value of their metrics.
        stored: the rates of the reference.
        columns: the metrics.
    """
    compared = {one.metric: one.reference for one in reversed(result.comparisons) if isinstance(one, Comparison)}
    values = {**stored, **compared}
    return [spelled(values[name]) if name in values else "" for name in columns]


def _values(result: ItemResult) -> Mapping[str, Value]:
    compared = {one.metric: one.current for one in result.comparisons}
    return {**compared, **result.stats.rates, **result.stats.scores}

"""Corruption summaries of a run and of stored baselines, and which baseline can be a reference for another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.published import GRADED, SEVERITIES
from pytest_failaware.core.conditions.spelling import published_for
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.summary import CorruptionSummary
from pytest_failaware.judge.corruption import alexnet
from pytest_failaware.judge.corruption.errors import ErrorRates, summarise
from pytest_failaware.judge.sentences import corruption

_COUNTED = frozenset(f"{name}:{severity}" for name in GRADED for severity in SEVERITIES) | {"clean"}


# ---- of a run ------------------------------------------------------------------------------------------------------


def run_corruption(results: Iterable[ItemResult]) -> tuple[CorruptionSummary, ...]:
    """Return one summary for each baseline under which a corruption was measured at all five severities."""
    groups: dict[str, list[ItemResult]] = defaultdict(list)
    for result in results:
        if result.stats.condition in _COUNTED:
            groups[result.baseline].append(result)
    summaries = (_summary(name, _without_disputes(group)) for name, group in groups.items())
    return tuple(summary for summary in summaries if summary is not None)


def _summary(name: str, results: Sequence[ItemResult]) -> CorruptionSummary | None:
    rates = {result.stats.condition: result.stats.cells.error for result in results}
    return summarise("the model" if any(result.is_against for result in results) else name, rates)


def _without_disputes(results: Sequence[ItemResult]) -> list[ItemResult]:
    """Return one result per condition; none if several tests measured different errors, as with two models or seeds."""
    by_condition: dict[str, list[ItemResult]] = defaultdict(list)
    for result in results:
        by_condition[result.stats.condition].append(result)
    return [same[0] for same in by_condition.values() if len({result.stats.cells.error for result in same}) == 1]


# ---- of stored baselines -------------------------------------------------------------------------------------------


def baseline_rates(baseline: Baseline) -> ErrorRates:
    """Return the error rates from the counts of a baseline."""
    return {key: entry.cells.error for key, entry in baseline.entries.items()}


def baseline_sides(baseline: Baseline) -> frozenset[int]:
    """Return the image sides, in pixels, that the severities in a baseline were published for."""
    sides = (published_for(entry.condition) for entry in baseline.entries.values())
    return frozenset(side for side in sides if side is not None)


def is_alexnets(classes: int, published_for_px: int | None) -> bool:
    """Return whether AlexNet's published errors apply to these classes and images."""
    return classes == alexnet.CLASSES and published_for_px == alexnet.SIDE_PX


def reference_differences(baseline: Baseline, reference: Baseline) -> Iterator[str]:
    """Yield the reasons why one baseline cannot be the other's reference; nothing if it can."""
    if baseline.data.classes != reference.data.classes:
        yield corruption.other_class_names(len(reference.data.classes), len(baseline.data.classes))
    elif baseline.data != reference.data:
        yield corruption.other_images(reference.data.samples, baseline.data.samples)
    both = sorted(baseline.entries.keys() & reference.entries.keys() & _COUNTED)
    conditions = [(key, baseline.entries[key].condition, reference.entries[key].condition) for key in both]
    if changed := [key for key, here, there in conditions if _pixels(here) != _pixels(there)]:
        yield corruption.other_pixels(changed)


def _pixels(condition: Condition) -> tuple[object, ...]:
    """Return the properties of a condition, apart from its name, that decide the pixels."""
    return condition.parameters, condition.implementation

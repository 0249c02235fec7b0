"""The alarm of clean, given to all conditions of the same model, data and preprocessing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from pytest_failaware.core.condition import CLEAN
from pytest_failaware.core.result import ItemResult


def with_alarms(results: Iterable[ItemResult]) -> tuple[ItemResult, ...]:
    """Return the results of a run, each with the alarm that clean of the same subject gives.

    Any test can have measured clean. A result prefers clean of its own baseline, because an alarm may be stored in one
    baseline and not in another.
    """
    known = tuple(results)
    of_clean = [result for result in known if result.stats.condition == CLEAN]
    return tuple(result if result.stats.condition == CLEAN else _informed(result, of_clean) for result in known)


def _informed(result: ItemResult, of_clean: Sequence[ItemResult]) -> ItemResult:
    same = [clean for clean in of_clean if clean.subject == result.subject]
    nearest = [clean for clean in same if clean.baseline == result.baseline] or same
    if not nearest:
        return result
    first = max(nearest, key=lambda clean: clean.has_new_alarm)
    return dataclasses.replace(result, alarm=first.alarm, is_alarm_stored=first.is_alarm_stored, awaits_clean=False)

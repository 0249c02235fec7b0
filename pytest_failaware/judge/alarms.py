"""One alarm for all conditions: what clean says of a model, its data and its preprocessing holds for each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from pytest_failaware.core.result import ItemResult

_CLEAN = "clean"


def with_alarms(results: Iterable[ItemResult]) -> tuple[ItemResult, ...]:
    """The results of a run, each with the alarm that clean of the same subject gives, whichever test measured that.

    A result takes it from clean of its own baseline if there is one: an alarm may be stored in one and not in another.
    """
    known = tuple(results)
    of_clean = [result for result in known if result.stats.condition == _CLEAN]
    return tuple(result if result.stats.condition == _CLEAN else _informed(result, of_clean) for result in known)


def _informed(result: ItemResult, of_clean: Sequence[ItemResult]) -> ItemResult:
    same = [one for one in of_clean if one.subject == result.subject]
    nearest = [one for one in same if one.baseline == result.baseline] or same
    if not nearest:
        return result
    first = max(nearest, key=lambda one: one.has_new_alarm)
    return dataclasses.replace(result, alarm=first.alarm, is_alarm_stored=first.is_alarm_stored, awaits_clean=False)

"""Sentences on alarms: clean samples show that the set-up is almost surely wrong; what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pytest_failaware.core.result import ItemResult

FIRST: Final = "Correct the set-up first"
UNLESS: Final = "Nothing is stored of it unless --failaware-reason says why the values are right"


_SHORT: Final = "ALARM: set up wrongly"
_PREFIX: Final = "almost surely set up wrongly: "


def alarms(results: Iterable[ItemResult]) -> list[str]:
    """Return each alarm of a run once."""
    return list(dict.fromkeys(alarm_sentence(result) for result in results if result.alarm))


def alarms_below_failures(results: Sequence[ItemResult]) -> list[str]:
    """Return each alarm of a run once, in brief if the text of a failure already has it."""
    shown = {result.alarm for result in results if _is_clean(result) and result.verdict.fails and result.has_new_alarm}
    short = f"{_SHORT}, as said above at the condition clean"
    texts = (short if result.alarm in shown else alarm_sentence(result) for result in results if result.alarm)
    return list(dict.fromkeys(texts))


def alarm_sentence(result: ItemResult) -> str:
    """Return the alarm of a result; "" if it has none."""
    if not result.alarm:
        return ""
    other = "the other model has" if result.is_against else "the stored values have"
    known = f" ({other} it too)" if result.is_alarm_stored else ""
    return f"ALARM{known}: {result.alarm}"


def alarm_in_brief(result: ItemResult) -> str:
    """Return the alarm for the text of one item: in full for clean, in brief for other conditions."""
    return alarm_sentence(result) if _is_clean(result) or not result.alarm else f"{_SHORT}, as clean images show"


def alarm_headline(result: ItemResult) -> str:
    """Return the headline of a failed item with a new alarm; "" without a new alarm."""
    if not result.has_new_alarm:
        return ""
    return f"{_SHORT}: {result.alarm.removeprefix(_PREFIX)}" if _is_clean(result) else alarm_in_brief(result)


def _is_clean(result: ItemResult) -> bool:
    return result.stats.condition == "clean"

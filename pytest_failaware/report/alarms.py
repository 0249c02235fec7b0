"""An alarm in words: what clean says of a set-up that is almost surely wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_failaware.schema import ItemResult

FIRST: Final = "Correct the set-up first"
UNLESS: Final = "Nothing is stored of it unless --failaware-reason says why the values are right"


def alarms(results: Iterable[ItemResult]) -> list[str]:
    """Return each alarm of a run once."""
    return list(dict.fromkeys(alarm_sentence(result) for result in results if result.alarm))


def alarm_sentence(result: ItemResult) -> str:
    """Return the alarm of a result, "" if it has none."""
    if not result.alarm:
        return ""
    other = "the other model has" if result.is_against else "the stored values have"
    known = f" ({other} it too)" if result.is_alarm_stored else ""
    return f"ALARM{known}: {result.alarm}"


def alarm_in_brief(result: ItemResult) -> str:
    """Return the alarm for the text of one item: in full for clean, in a few words for each other condition."""
    is_clean = result.stats.condition == "clean"
    return alarm_sentence(result) if is_clean or not result.alarm else "ALARM: as for the condition clean"

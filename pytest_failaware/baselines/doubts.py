"""Doubts about new values: why they must not replace the stored values unless a person asks for it with an option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from pytest_failaware.core.result import ItemResult


class Doubt(Enum):
    """Why new values of a condition must not simply replace the stored ones."""

    ALARM = "alarm"  # the set-up is almost surely wrong
    INCOMPARABLE = "incomparable"
    ENDS_GOLDEN = "ends_golden"  # as INCOMPARABLE, and with the golden reference, too
    DRIFTED = "drifted"
    WORSE = "worse"
    RED_SEED = "red_seed"  # a further seed of a recipe fails its gates
    DROPS_SEEDS = "drops_seeds"  # the stored seeds of a recipe; has their number in place of conditions


Doubts = Mapping[Doubt, Sequence[str]]
"""The conditions of each doubt."""


def doubts_about(results: Sequence[ItemResult]) -> Doubts:
    """Return the doubts about results that need an option; values under a graver doubt are not compared."""
    if alarmed := [result.stats.condition for result in results if result.has_new_alarm]:
        return {Doubt.ALARM: alarmed}
    if unlike := [result.stats.condition for result in results if result.stored or result.ends_golden]:
        return incomparable(unlike, ends_golden=any(result.ends_golden for result in results))
    drifted = [result.stats.condition for result in results if result.has_drifted]
    worse = [result.stats.condition for result in results if not result.has_drifted]
    return {doubt: keys for doubt, keys in ((Doubt.DRIFTED, drifted), (Doubt.WORSE, worse)) if keys}


def incomparable(keys: Sequence[str], *, ends_golden: bool) -> Doubts:
    """Return the doubt about values that cannot be compared with what is stored."""
    return {Doubt.ENDS_GOLDEN if ends_golden else Doubt.INCOMPARABLE: keys}

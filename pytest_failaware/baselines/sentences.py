"""Every sentence on what an update writes, and on why it writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from pytest_failaware.baselines.doubts import Doubt, Doubts
from pytest_failaware.core.request import REASON, RESET
from pytest_failaware.core.rule import FailureRule

_NAMED: Final = 12  # entries

OTHER_SUBJECTS: Final = "its items measured different models or data; give each its own baseline"
BODY_FAILED: Final = "its body or teardown failed, or the run was limited or overridden"
OUTSIDE_BOUND: Final = "outside a minimum or maximum"


def named(keys: Sequence[str]) -> str:
    """Return the names of the entries, or their number if there are many: the diff of the file names them."""
    return ", ".join(keys) if len(keys) <= _NAMED else f"{len(keys)} entries"


# ---- an update that does not fit ---------------------------------------------------------------------------------


def gated_twice(key: str) -> str:
    """Say that two tests would store one entry in different ways."""
    return f"two tests gate {key} with other rules or seeds; give each its own baseline"


def other_data(stale: Sequence[str]) -> str:
    """Say that the entries in `stale` would not fit the data of the file."""
    return (
        f"data or preprocessing differ from the file's, and {', '.join(stale)} would go on describing the old; "
        "update every condition in one run"
    )


def lost_groups(groups: int, stale: Sequence[str]) -> str:
    """Say that the entries in `stale` would lose their groups."""
    return (
        f"its samples come in {groups:,} groups and this run has none, which {', '.join(stale)} would "
        "lose, too; name the groups, as with --failaware-group, or update every condition in one run"
    )


def torn_rules(key: str, rule: FailureRule, former: Sequence[str], former_rule: FailureRule) -> str:
    """Say that the entries in `former` would keep the former rule of the test that gates them and `key`."""
    return (
        f"the rule of {key} would be {rule}, and {named(former)} of the same test would keep {former_rule}; store all "
        "conditions of the test from one run"
    )


def refused(name: str, why: str) -> str:
    """Say that a baseline is not written because the measurements do not fit it."""
    return f"baseline {name!r} NOT written: {why}"


# ---- an update that lacks an option ------------------------------------------------------------------------------


def not_written(name: str, doubts: Doubts, options: Collection[str], prefix: str, *, others: Sequence[str] = ()) -> str:
    """Say that a baseline is written only with the missing options.

    Args:
        name: the name of the baseline.
        doubts: why its values need an option.
        options: the missing options.
        prefix: what precedes the names of options.
        others: the conditions without a doubt, which are not written either: a baseline never mixes the values of two
            models.
    """
    typed = {RESET: f"{prefix}{RESET}", REASON: f'{prefix}{REASON}="why"'}
    needed = " ".join(text for option, text in typed.items() if option in options)
    also = f"; not written either: {named(others)}" if others else ""
    return f"{refused(name, _doubtful(doubts))} add {needed}{also}"


def _doubtful(doubts: Doubts) -> str:
    """Say why values are not stored, and what to do if they are right."""
    parts = [_doubtful_part(doubt, keys) for doubt, keys in doubts.items()]
    return " and ".join(parts) + _IF_MEANT[next(iter(doubts))]


def _doubtful_part(doubt: Doubt, keys: Sequence[str]) -> str:
    match doubt:
        case Doubt.ALARM:
            return "the condition clean gives an ALARM"
        case Doubt.INCOMPARABLE:
            return f"the stored values of {named(keys)} cannot be compared with the new ones"
        case Doubt.ENDS_GOLDEN:
            unlike = _doubtful_part(Doubt.INCOMPARABLE, keys)
            return f"{unlike}, and their golden reference, from which drift is measured, cannot stay"
        case Doubt.DRIFTED:
            return f"the new values of {named(keys)} drifted from the golden reference"
        case Doubt.WORSE:
            return f"the new values of {named(keys)} are worse than the stored ones"


_IF_MEANT: Final = {
    Doubt.ALARM: "; correct the set-up, or, if the values are right nonetheless,",
    Doubt.INCOMPARABLE: "; look at both, and if the change is meant,",
    Doubt.ENDS_GOLDEN: "; look at both, and if the change is meant,",
    Doubt.DRIFTED: "; if that is meant,",
    Doubt.WORSE: "; if that is meant,",
}
"""The second half of the sentence, before the options."""


def needs_reason(doubt: Doubt, alarm: str, options: str) -> str:
    """Say that a result of a report is accepted only with these options; `alarm` is the text of its alarm."""
    match doubt:
        case Doubt.ALARM:
            return f"ALARM: {alarm}; if the values are right nonetheless, add {options}"
        case Doubt.WORSE:
            return f"is worse than what was stored; if that is meant, add {options}"
        case _:
            return (
                "could not be compared with what was stored; look at both values in the report of the run, and if the "
                f"change is meant, add {options}"
            )

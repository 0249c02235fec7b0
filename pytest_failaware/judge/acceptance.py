"""What an update makes of a result."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Final

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import Records
from pytest_failaware.core.request import REASON, RESET, UpdateMode, Writing
from pytest_failaware.core.result import BoundCheck, ItemResult, Judged, Verdict
from pytest_failaware.judge import sentences
from pytest_failaware.judge.gating import drifted
from pytest_failaware.judge.metrics.rates import CHANGE_RATES
from pytest_failaware.judge.outcomes import sides_of
from pytest_failaware.judge.pairing import pair

_ACCEPTED: Final = {Verdict.MISSING: Verdict.RECORDED, Verdict.UNCHANGED: Verdict.UNCHANGED}


def accepted(result: ItemResult, writing: Writing) -> ItemResult:
    """The result with its comparison against the old baseline taken as information, where its entry will be written.

    A metric outside its minimum or maximum goes on failing the item, and so does one that drifted from the golden
    reference beyond the budget. What needs an option that was not given is judged as in a run that writes nothing.
    """
    is_kept = writing.update is UpdateMode.MISSING and result.verdict is not Verdict.MISSING
    if writing.update is UpdateMode.NOTHING or is_kept or lacking(result, writing):
        return result
    comparisons = tuple(_accepted(comparison, reset_golden=writing.reset_golden) for comparison in result.comparisons)
    remaining = [one.verdict for one in comparisons if one.verdict.fails]
    return dataclasses.replace(
        result,
        comparisons=comparisons,
        verdict=min(remaining, key=lambda verdict: verdict.severity, default=_verdict(result)),
        differences=(),
        notes=result.notes + result.differences,
    )


def lacking(result: ItemResult, writing: Writing) -> tuple[str, ...]:
    """Return the names of the options without which an update must not store these values over the old ones.

    Numbers of another measurement, worse ones, and those of a set-up that is almost surely wrong need a reason, so that
    somebody looked at them. What ends the golden reference, or drifted from it, needs its reset. A run that stores only
    what is missing leaves the others as they are.
    """
    replaces = writing.update is UpdateMode.ALL
    resets = replaces and (result.ends_golden or result.has_drifted)
    needs_reason = result.has_new_alarm or resets or (replaces and result.needs_reason)
    needed = {RESET: resets and not writing.reset_golden, REASON: needs_reason and not writing.reason}
    return tuple(option for option, is_lacking in needed.items() if is_lacking)


def drifts(result: ItemResult, gate: Gate, first: Records | None, now: Measurement, budget: Decimal) -> bool:
    """Whether an update to these values is refused as drift, unless golden is reset.

    `first` are the records that drift would be measured from, None where there are none.
    """
    if first is None or result.differences:
        return False
    golden, current = sides_of(pair(first, now.records), gate.rule)
    return any(drifted(gate, golden, current, budget))


def _verdict(result: ItemResult) -> Verdict:
    return _ACCEPTED.get(result.verdict, Verdict.UPDATED)


def _accepted(comparison: Judged, *, reset_golden: bool) -> Judged:
    """A literal bound holds, so does the drift budget unless golden is reset; all else is accepted."""
    is_bound = isinstance(comparison, BoundCheck) and comparison.metric not in CHANGE_RATES
    holds = is_bound or (comparison.verdict is Verdict.DRIFTED and not reset_golden)
    if holds or not comparison.verdict.fails:
        return comparison
    note = sentences.formerly(comparison.verdict.words, comparison.note)
    return dataclasses.replace(comparison, verdict=Verdict.UPDATED, note=note)

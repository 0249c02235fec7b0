"""The result of a test after an update of its baseline, and the options that the update needs."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Final

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.request import REASON, RESET, UpdateMode, Writing
from pytest_failaware.core.result import BoundCheck, ItemResult, Judged, Verdict
from pytest_failaware.judge.drift import drift_from_golden
from pytest_failaware.judge.metrics.rates import CHANGE_RATES
from pytest_failaware.judge.sentences import judgement

_ACCEPTED: Final = {Verdict.MISSING: Verdict.RECORDED, Verdict.UNCHANGED: Verdict.UNCHANGED}


def accepted(result: ItemResult, writing: Writing) -> ItemResult:
    """Return the result with its comparison taken as information if its entry will be written.

    A metric outside its minimum or maximum still fails the item, and so does a metric that drifted from the golden
    reference beyond the budget. If the update lacks an option, the result is the same as in a run that writes nothing.
    """
    is_kept = writing.update is UpdateMode.MISSING and result.verdict is not Verdict.MISSING
    if writing.update is UpdateMode.NOTHING or is_kept or lacking(result, writing):
        return result
    comparisons = tuple(_accepted(comparison, reset_golden=writing.reset_golden) for comparison in result.comparisons)
    remaining = [comparison.verdict for comparison in comparisons if comparison.verdict.fails]
    return dataclasses.replace(
        result,
        comparisons=comparisons,
        verdict=min(remaining, key=lambda verdict: verdict.severity, default=_verdict(result)),
        differences=(),
        notes=result.notes + result.differences,
    )


def lacking(result: ItemResult, writing: Writing) -> tuple[str, ...]:
    """Return the names of the missing options without which an update must not replace the stored values.

    Values of another measurement, worse values and values of a set-up that is almost surely wrong need a reason, so
    that somebody looks at them. Values that end the golden reference, or that drifted from it, need its reset. A run
    that stores only missing entries does not replace the others.
    """
    replaces = writing.update is UpdateMode.ALL
    resets = replaces and (result.ends_golden or result.has_drifted)
    needs_reason = result.has_new_alarm or resets or (replaces and result.needs_reason)
    needed = {RESET: resets and not writing.reset_golden, REASON: needs_reason and not writing.reason}
    return tuple(option for option, is_lacking in needed.items() if is_lacking)


def drifts(result: ItemResult, gate: Gate, reference: Reference, now: Measurement, budget: Decimal) -> bool:
    """Return whether an update to these values is refused as drift unless the golden reference is reset."""
    return not result.differences and bool(drift_from_golden(gate, reference, now.records, budget))


def _verdict(result: ItemResult) -> Verdict:
    return _ACCEPTED.get(result.verdict, Verdict.UPDATED)


def _accepted(comparison: Judged, *, reset_golden: bool) -> Judged:
    """Return the comparison as accepted, except for a failing bound and for drift without a reset of golden."""
    is_bound = isinstance(comparison, BoundCheck) and comparison.metric not in CHANGE_RATES
    holds = is_bound or (comparison.verdict is Verdict.DRIFTED and not reset_golden)
    if holds or not comparison.verdict.fails:
        return comparison
    note = judgement.formerly(comparison.verdict.words, comparison.note)
    return dataclasses.replace(comparison, verdict=Verdict.UPDATED, note=note)

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
    reference beyond the budget; a further seed that drifted is stored with a reason. If the update lacks an option, the
    result is the same as in a run that writes nothing.
    """
    if not _will_be_written(result, writing.update) or lacking(result, writing):
        return result
    accepts_drift = writing.reset_golden or writing.update is UpdateMode.SEED
    comparisons = tuple(_accepted(comparison, accepts_drift=accepts_drift) for comparison in result.comparisons)
    remaining = [comparison.verdict for comparison in comparisons if comparison.verdict.fails]
    return dataclasses.replace(
        result,
        comparisons=comparisons,
        verdict=min(remaining, key=lambda verdict: verdict.severity, default=_verdict(result)),
        differences=(),
        notes=result.notes + result.differences,
    )


def _will_be_written(result: ItemResult, update: UpdateMode) -> bool:
    """Return whether an update stores the values of an item; a further seed must be comparable with the first."""
    match update:
        case UpdateMode.NOTHING:
            return False
        case UpdateMode.MISSING:
            return result.verdict is Verdict.MISSING
        case UpdateMode.SEED:
            return result.verdict is not Verdict.INCOMPARABLE
        case UpdateMode.ALL:
            return True


def lacking(result: ItemResult, writing: Writing) -> tuple[str, ...]:
    """Return the names of the missing options without which an update must not replace the stored values.

    Values of another measurement, worse values and values of a set-up that is almost surely wrong need a reason, so
    that somebody looks at them. Values that end the golden reference, or that drifted from it, need its reset. A run
    that stores only missing entries does not replace the others. A further seed that fails its gates needs a reason.
    """
    replaces = writing.update is UpdateMode.ALL
    resets = replaces and (result.ends_golden or result.has_drifted)
    is_red_seed = writing.update is UpdateMode.SEED and (result.is_worse or result.has_drifted)
    needs_reason = result.has_new_alarm or resets or is_red_seed or (replaces and result.needs_reason)
    needed = {RESET: resets and not writing.reset_golden, REASON: needs_reason and not writing.reason}
    return tuple(option for option, is_lacking in needed.items() if is_lacking)


def drifts(result: ItemResult, gate: Gate, reference: Reference, now: Measurement, budget: Decimal) -> bool:
    """Return whether an update to these values is refused as drift unless the golden reference is reset."""
    return not result.differences and bool(drift_from_golden(gate, reference, now.records, budget))


def _verdict(result: ItemResult) -> Verdict:
    return _ACCEPTED.get(result.verdict, Verdict.UPDATED)


def _accepted(comparison: Judged, *, accepts_drift: bool) -> Judged:
    """Return the comparison as accepted, except for a failing bound and for drift that is not accepted."""
    is_bound = isinstance(comparison, BoundCheck) and comparison.metric not in CHANGE_RATES
    holds = is_bound or (comparison.verdict is Verdict.DRIFTED and not accepts_drift)
    if holds or not comparison.verdict.fails:
        return comparison
    note = judgement.formerly(comparison.verdict.words, comparison.note)
    return dataclasses.replace(comparison, verdict=Verdict.UPDATED, note=note)

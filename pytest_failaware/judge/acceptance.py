"""What a result becomes in a run that updates the baselines: the new values are accepted, literal bounds still hold."""

from __future__ import annotations

import dataclasses
from typing import Final

from pytest_failaware.schema import Comparison, ItemResult, UpdateMode, Verdict

_ACCEPTED: Final = {Verdict.MISSING: Verdict.RECORDED, Verdict.UNCHANGED: Verdict.UNCHANGED}


def accepted(result: ItemResult, mode: UpdateMode) -> ItemResult:
    """The result with its comparison against the old baseline taken as information, where its entry will be written.

    A metric outside its minimum or maximum (a comparison without a reference) goes on failing the item.
    """
    if mode is UpdateMode.NOTHING or (mode is UpdateMode.MISSING and result.verdict is not Verdict.MISSING):
        return result
    outside = [one.verdict for one in result.comparisons if one.reference is None and one.verdict.fails]
    return dataclasses.replace(
        result,
        comparisons=tuple(_accepted(comparison) for comparison in result.comparisons),
        verdict=min(outside, key=lambda verdict: verdict.severity, default=_verdict(result)),
        differences=(),
        notes=result.notes + result.differences,
    )


def _verdict(result: ItemResult) -> Verdict:
    return _ACCEPTED.get(result.verdict, Verdict.UPDATED)


def _accepted(comparison: Comparison) -> Comparison:
    if comparison.reference is None or not comparison.verdict.fails:
        return comparison
    return dataclasses.replace(comparison, verdict=Verdict.UPDATED)

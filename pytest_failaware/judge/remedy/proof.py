"""How surely rules keep the promise of a baseline: the statistic that no loss exceeds its tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.judge.outcomes import Mask
from pytest_failaware.judge.remedy.case import (
    CONFIDENT_ACCURACY,
    CONFIDENT_CORRECT_RATE,
    SILENT_FAILURE_RATE,
    Case,
)
from pytest_failaware.judge.remedy.family import Index
from pytest_failaware.judge.significance.ratios import PairedRatio, ratio_z
from pytest_failaware.judge.significance.units import Units

Floats = NDArray[np.float64]

_FLAGGED_AS: Final = {
    CONFIDENT_ACCURACY: (0.0, 0.0),
    CONFIDENT_CORRECT_RATE: (0.0, 1.0),
    SILENT_FAILURE_RATE: (1.0, 1.0),
}
"""What a flagged sample adds to the counts of a metric: (good, counted). A trusted sample adds (right, 1).

The silent failure rate is better if it is lower, so its good samples are those that are no silent failure.
"""


def least_z(cases: Sequence[Case], indexes: Sequence[Index], rules: int, rows: Sequence[Mask]) -> Floats:
    """Return the least z of all conditions and promises under each rule of a family, (rules,).

    Each z is that of "the loss is less than the tolerance": large if it is surely less, negative if it is observed to
    be more. It is -inf if a side trusts nothing and a share of the trusted is asked for, or there is no sample.

    Args:
        cases: the conditions of the test.
        indexes: before which rule each sample stops being trusted, (N,) for each condition.
        rules: the number of rules.
        rows: the samples to count, (N,) for each condition.
    """
    found = [
        promise_z(case, name, index, rules, chosen)
        for case, index, chosen in zip(cases, indexes, rows, strict=True)
        for name in case.promises
    ]
    least: Floats = np.minimum.reduce(found)
    return least


def promise_z(case: Case, name: str, index: Index, rules: int, rows: Mask) -> Floats:
    """Return the z of one promise of one condition under each rule, (rules,)."""
    units, margin = Units.of(case.now.samples.take(np.flatnonzero(rows))), case.tolerance[name]
    good, counted = (column[rows] for column in _side(name, case.before.right, case.before.trusted))
    right, index = case.now.correct[rows], index[rows]
    if not units.are_groups:
        return _counted_z(_cells(good, counted, right, index, rules), name, margin)
    found = np.full(rules, -np.inf)
    for rule in range(rules):
        now = _side(name, right, index > rule)
        if counted.any() and now[1].any():
            found[rule] = -ratio_z(PairedRatio(before=(good, counted), now=now, units=units), margin)
    return found


def _side(name: str, right: Mask, trusted: Mask) -> tuple[Floats, Floats]:
    """Return what each sample adds to the counts of a metric, (N,) each."""
    good, counted = _FLAGGED_AS[name]
    return np.where(trusted, right, good).astype(np.float64), np.where(trusted, 1.0, counted)


def _cells(good: Floats, counted: Floats, right: Mask, index: Index, rules: int) -> NDArray[np.int64]:
    """Return how many samples of each kind are trusted and flagged under each rule, (rules, 2, 8).

    The number of a kind is good + 2 counted + 4 right, the first two before and the last one now.
    """
    kind = (good + 2 * counted + 4 * right).astype(np.intp)
    by_index = np.bincount(kind * (rules + 1) + index, minlength=8 * (rules + 1)).reshape(8, rules + 1)
    trusted = by_index[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:].T
    return np.stack([trusted, by_index.sum(axis=1) - trusted], axis=1)


@np.errstate(divide="ignore", invalid="ignore")  # without a counted sample the result is replaced
def _counted_z(cells: NDArray[np.int64], name: str, margin: float) -> Floats:
    """Return -`ratio_z` of each row of cells, (rules,), from the formula of `ratio_scores` for counts."""
    count, kind = cells.reshape(len(cells), 16).astype(np.float64), np.arange(8)
    good, counted = (np.tile((kind >> bit) & 1, 2) for bit in (0, 1))
    flagged_good, flagged_counted = _FLAGGED_AS[name]
    new_good = np.concatenate([(kind >> 2) & 1, np.full(8, flagged_good)])
    new_counted = np.concatenate([np.ones(8), np.full(8, flagged_counted)])
    total, new_total = count @ counted, count @ new_counted
    r = (count @ good + count @ new_good + margin * new_total) / (total + new_total)
    old_part = (good - np.outer(r, counted)) / total[:, None]
    new_part = (new_good - np.outer(r - margin, new_counted)) / new_total[:, None]
    scores = new_part - old_part
    bounded = np.clip(r, margin, 1)
    shared = (count * (new_good - np.outer(bounded - margin, new_counted)) * (good - np.outer(bounded, counted))).sum(
        axis=1
    ) / (total * new_total)
    expected = (bounded - margin) * (1 - bounded + margin) / new_total + bounded * (1 - bounded) / total - 2 * shared
    least = np.maximum(expected, margin * (1 - margin) / new_total)
    variance = np.maximum((count * np.square(scores)).sum(axis=1), least)
    z = np.where(variance > 1e-30, (count * scores).sum(axis=1) / np.sqrt(variance), 0.0)
    return np.where((total > 0) & (new_total > 0), z, -np.inf)

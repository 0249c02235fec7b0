"""The tests of the package for many draws at once: columns have the shape (draws, n) instead of (n,).

tests/test_benchmarks.py compares each function with the one of the package.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Starts = NDArray[np.intp] | None
"""The first sample of each group, whose samples lie side by side; None if all samples are independent."""
Masks = tuple[Mask, Mask]
"""The counted samples and the samples of the denominator, (draws, n) each."""

NEVER: Final = 1e-30  # the variance below which nothing is proven


def ratio_z(before: Masks, now: Masks, margin: float, starts: Starts = None) -> Floats:
    """Return `ratios.ratio_z` of each draw, (draws,)."""
    (good, counted), (new_good, new_counted) = before, now
    total, new_total = counted.sum(axis=1).astype(float), new_counted.sum(axis=1).astype(float)
    pooled = (good.sum(axis=1) + new_good.sum(axis=1) + margin * new_total) / (total + new_total)
    old = (good - pooled[:, None] * counted) / total[:, None]
    new = (new_good - (pooled - margin)[:, None] * new_counted) / new_total[:, None]
    sums = _sums(new - old, starts)
    r = np.clip(pooled, margin, 1.0)
    new_r = r - margin
    if not np.array_equal(r, pooled):
        old = (good - r[:, None] * counted) / total[:, None]
        new = (new_good - new_r[:, None] * new_counted) / new_total[:, None]
    shared = np.einsum("dn,dn->d", new, old)
    expected = new_r * (1 - new_r) / new_total + r * (1 - r) / total - 2 * shared
    return _z(sums, np.maximum(expected, margin * (1 - margin) / np.minimum(new_total, sums.shape[1])))


def coverage_z(before: Masks, right: Mask, scores: Sequence[Floats], margin: float, starts: Starts = None) -> Floats:
    """Return `ratios.coverage_z` of each draw and way, (ways, draws).

    Args:
        before: the right and trusted samples of the baseline, and its trusted samples.
        right: the right answers now.
        scores: the order of the samples in each way, highest first; ties are ordered by number.
        margin: the fall that is allowed.
        starts: the first sample of each group.
    """
    count = before[1].sum(axis=1)
    sums = [_sums(coverage_parts(before, right, score, margin), starts) for score in scores]
    return np.array([_z(one, margin * (1 - margin) / np.minimum(count, one.shape[1])) for one in sums])


def coverage_parts(before: Masks, right: Mask, score: Floats, margin: float) -> Floats:
    """Return `ratios.coverage_scores` of each draw in one way, (draws, n)."""
    good, counted = before
    count = counted.sum(axis=1)
    order = np.argsort(-score, axis=1, kind="stable")
    chosen = np.zeros_like(counted)
    np.put_along_axis(chosen, order, np.arange(score.shape[1]) < count[:, None], axis=1)
    q = _right_around(np.take_along_axis(right, order, axis=1), count)
    entered = chosen.astype(float) - counted
    parts: Floats = ((right & chosen).astype(float) - good - q[:, None] * entered + margin * counted) / count[:, None]
    return parts


def mean_z(parts: Floats, margin: float, conditions: int, counted: Floats | int, starts: Starts = None) -> Floats:
    """Return `means.mean_z` of each draw, (draws,), from the scores averaged over the conditions, (draws, n)."""
    sums = _sums(parts, starts)
    return _z(sums, max(0.0, margin * (1 / conditions - margin)) / np.minimum(counted, sums.shape[1]))


def _right_around(right: Mask, count: NDArray[np.intp]) -> Floats:
    """Return `coverage._right_around` of each draw, (draws,), from the right answers in their order."""
    n = right.shape[1]
    reach = math.ceil(n**0.8 / 4)
    up_to = np.concatenate([np.zeros((len(right), 1)), np.cumsum(right, axis=1)], axis=1)
    low, high, draw = np.maximum(0, count - reach), np.minimum(n, count + reach), np.arange(len(right))
    around: Floats = (up_to[draw, high] - up_to[draw, low]) / (high - low)
    return around


def _sums(parts: Floats, starts: Starts) -> Floats:
    """Return the sums of the samples' parts over each group, (draws, groups)."""
    return parts if starts is None else np.add.reduceat(parts, starts, axis=1)


def _z(sums: Floats, least: Floats) -> Floats:
    variance = np.maximum(np.square(sums).sum(axis=1), least)
    return np.where(variance > NEVER, -sums.sum(axis=1) / np.sqrt(np.maximum(variance, NEVER)), 0.0)


# ---- score metrics by the jackknife ----------------------------------------------------------------------------------


def areas(score: Floats, right: Mask, part: NDArray[np.intp]) -> dict[str, Floats]:
    """Return auroc_f, augrc and aurc without each part, and of all samples in the last row, (parts + 1, draws).

    Scores must not tie. `part` is the part of each sample, (n,).
    """
    order = np.argsort(-score, axis=1)
    right, part = np.take_along_axis(right, order, axis=1), part[order]
    rows: list[dict[str, Floats]] = [_areas(right, part != number) for number in range(int(part.max()) + 1)]
    rows.append(_areas(right, np.ones_like(right)))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def harm(score: Floats, right: Mask) -> dict[str, Floats]:
    """Return how much worse each area gets if the surest right answer becomes wrong, (draws,)."""
    ranked = np.take_along_axis(right, np.argsort(-score, axis=1), axis=1)
    kept, harmed = np.ones_like(ranked), ranked.copy()
    harmed[np.arange(len(ranked)), ranked.argmax(axis=1)] = False
    before, after = _areas(ranked, kept), _areas(harmed, kept)
    return {name: (before[name] - after[name]) * (1 if name == "auroc_f" else -1) for name in before}


def _areas(right: Mask, kept: Mask) -> dict[str, Floats]:
    """Return each area of the kept samples of each draw, which are in the order of their scores."""
    wrong = np.cumsum(kept & ~right, axis=1, dtype=np.float32)
    rank = np.cumsum(kept, axis=1, dtype=np.float32)
    n, errors = rank[:, -1].astype(float), wrong[:, -1].astype(float)
    below = np.einsum("dn,dn->d", errors[:, None] - wrong, kept & right)
    at_rank = np.einsum("dn,dn->d", wrong / np.maximum(rank, 1), kept)
    return {
        "auroc_f": below / np.maximum(1, errors * (n - errors)),
        "augrc": (np.einsum("dn,dn->d", wrong, kept) - errors / 2) / n**2,
        "aurc": at_rank / n,
    }


def jackknife_p(drops: Floats, margin: float, harm: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Return p_beyond and p_within of `jackknife_evidence` of each draw, (draws,).

    Args:
        drops: the change for the worse without each part, and of all samples in the last row, (parts + 1, draws).
        margin: the allowed drop.
        harm: the change for the worse by the most harmful single answer.
    """
    without, drop = drops[:-1], drops[-1]
    parts = len(without)
    variance = (parts - 1) / parts * np.square(without - without.mean(axis=0)).sum(axis=0)
    t, least = (drop - margin) / np.sqrt(variance), margin * np.maximum(0.0, harm)
    within: Floats = special.stdtr(parts - 1, (drop - margin) / np.sqrt(np.maximum(variance, least)))
    return special.stdtr(parts - 1, -t), within

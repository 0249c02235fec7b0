"""The score test of a ratio for many draws at once, from counts of how samples change their state.

The states are trusted and right, trusted and wrong, flagged and right, flagged and wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from columns import Floats
from numpy.typing import NDArray
from scipy import special

TRUSTED: Final = np.array([1.0, 1.0, 0.0, 0.0])
RIGHT: Final = np.array([1.0, 0.0, 0.0, 0.0])  # trusted and right


def ratio_p(
    right: float, trusted: float, trusted_now: float, margin: float, n: int, random: np.random.Generator, draws: int
) -> Floats:
    """Return the p of the score test if confident_accuracy falls by the margin and the trusted share changes."""
    counts = random.multinomial(n, transitions(right, right - margin, trusted, trusted_now).ravel(), size=draws)
    p: Floats = special.ndtr(-ratio_z(counts, margin))
    return p


def transitions(right: float, right_now: float, trusted: float, trusted_now: float) -> Floats:
    """Return the probabilities (4, 4) of a sample's state before and now; most samples keep theirs."""
    flags = _agreeing(trusted, trusted_now, 0.01)
    answers = [[_agreeing(old, new, 0.008) for new in (right_now, 0.6)] for old in (right, 0.6)]
    return np.block([[flags[old, new] * answers[old][new] for new in (0, 1)] for old in (0, 1)])


def _agreeing(before: float, now: float, apart: float) -> Floats:
    """Return the 2 x 2 table of two events that differ in the fewest possible cases, and in `apart` more."""
    both = min(before, now) - apart
    return np.array([[both, before - both], [now - both, 1 - before - now + both]])


def ratio_z(counts: NDArray[np.int64], margin: float) -> Floats:
    """Return `ratios.ratio_z` of each draw, from the counts (draws, 16) of transitions."""
    before, now = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    total, total_now = counts @ TRUSTED[before], counts @ TRUSTED[now]
    pooled = (counts @ (RIGHT[before] + RIGHT[now]) + margin * total_now) / (total + total_now)
    r = np.clip(pooled, margin, 1.0)
    old = (RIGHT[before] - np.outer(r, TRUSTED[before])) / total[:, None]
    new = (RIGHT[now] - np.outer(r - margin, TRUSTED[now])) / total_now[:, None]
    expected = r * (1 - r) / total + (r - margin) * (1 - r + margin) / total_now - 2 * (counts * old * new).sum(axis=1)
    observed = (counts * (new - old) ** 2).sum(axis=1)
    variance = np.maximum(np.maximum(observed, expected), margin * (1 - margin) / total_now)
    return -(counts * (new - old)).sum(axis=1) / np.sqrt(np.where(variance > 0, variance, 1))


def each(counts: NDArray[np.int64], p: Callable[[int, int], float]) -> Floats:
    """Return the p of each pair of counts (draws, 2); equal pairs are tested once."""
    base = int(counts[:, 1].max()) + 1
    different, rows = np.unique(counts[:, 0] * base + counts[:, 1], return_inverse=True)
    return np.array([p(*divmod(int(key), base)) for key in different])[rows]

"""Samples in groups: the parts of a group are summed first, and grouped samples count as fewer samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = Sequence[int] | NDArray[np.integer] | None
"""The group of each sample, (N,); None if samples are independent."""


def per_group(parts: Floats, groups: Groups) -> Floats:
    """Return the sum over each group; the parts themselves if samples are independent."""
    if groups is None:
        return parts
    return np.bincount(np.unique(groups, return_inverse=True)[1], weights=parts).astype(np.float64)


def independent_count(n: int, groups: Groups) -> float:
    """Return Kish's effective sample size for n samples in groups: n² / sum n_g², Kish 1965.

    It is the number of groups if all groups have the same size.

    >>> independent_count(6, np.array([0, 0, 1, 1, 2, 2]))
    3.0
    """
    return float(n) if groups is None else n**2 / float(np.square(per_group(np.ones(n), groups)).sum())

"""Samples that belong together: their parts are summed first, and count as fewer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = Sequence[int] | NDArray[np.integer] | None
"""The group of each sample, (N,), where samples are not independent."""


def per_group(parts: Floats, groups: Groups) -> Floats:
    """The sum over each group; the parts themselves where samples are independent."""
    if groups is None:
        return parts
    return np.bincount(np.unique(groups, return_inverse=True)[1], weights=parts).astype(np.float64)


def independent_count(n: int, groups: Groups) -> float:
    """Return Kish's effective sample size for n samples in groups: n² / sum n_g², Kish 1965.

    It is the number of groups where these are of one size and the samples of a group are all alike.

    >>> independent_count(6, np.array([0, 0, 1, 1, 2, 2]))
    3.0
    """
    return float(n) if groups is None else n**2 / float(np.square(per_group(np.ones(n), groups)).sum())

"""What a gate can see before it has to: the smallest drop it finds, and conditions where there is nothing to lose."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy import special

from pytest_failaware.judge.significance import wilson
from pytest_failaware.schema import Records

FEW_FLIPS: Final = 0.002
"""The share of answers that flip when a model is only exported or moved to another device."""
MANY_FLIPS: Final = 0.10
"""The share of answers that flip when it is trained again."""


def smallest_drop(n: int, flips: float, level: float, tolerance: float = 0.0, power: float = 0.8) -> float:
    """The drop that a paired test at `level` proves to be beyond the tolerance in `power` of all cases.

    The drop d beyond the tolerance needs (z_level + z_power)² (flips + d) = n d², where the drop adds to the flips:
    tolerance + (w + sqrt(w² + 4 w flips)) / 2 with w = (z_level + z_power)² / n. At most 1, which also says that no
    drop can be seen.

    >>> [round(100 * smallest_drop(n, 0.05, 0.01), 2) for n in (500, 2000, 10000)]
    [4.33, 1.85, 0.76]
    """
    if n == 0:
        return 1.0
    w = (float(special.ndtri(1 - level)) + float(special.ndtri(power))) ** 2 / n
    return min(1.0, tolerance + (w + math.sqrt(w * w + 4 * w * flips)) / 2)


def is_at_chance(records: Records) -> bool:
    """Whether the upper 99 % bound of accuracy is at most the share of the largest class: there is nothing to lose."""
    largest = int(np.bincount(records.label).max()) / len(records)
    return wilson(int(records.correct.sum()), len(records), 0.98).high <= largest

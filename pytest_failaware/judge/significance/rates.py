"""Intervals of a rate."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.judge.significance.units import Floats


class Interval(NamedTuple):
    """A confidence interval, low <= high."""

    low: float
    high: float


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The score interval of one rate.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), Wilson 1927, "Probable inference, the law of succession, and
    statistical inference". Undefined for n = 0, where it is [0, 1].

    >>> [round(limit, 4) for limit in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    if n == 0:
        return Interval(0.0, 1.0)
    z = float(special.ndtri(0.5 + confidence / 2))
    rate, scale = successes / n, 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / scale
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / scale
    return Interval(0.0 if successes == 0 else centre - half, 1.0 if successes == n else centre + half)


def clopper_pearson_upper(successes: float, n: float, alpha: float = 0.05) -> float:
    """The exact one-sided upper bound of one rate: the largest rate under which so few successes are not surprising.

    The 1 - alpha quantile of Beta(k + 1, n - k), Clopper and Pearson 1934; 1 for k = n.

    >>> round(clopper_pearson_upper(0, 5), 4)
    0.4507
    """
    return float(clopper_pearson_uppers(np.array([successes]), np.array([n]), alpha)[0])


def clopper_pearson_uppers(successes: NDArray[Any], n: NDArray[Any], alpha: float = 0.05) -> Floats:
    """The `clopper_pearson_upper` of many rates, of one shape."""
    bounds, some = np.ones(len(n)), successes < n
    bounds[some] = special.betaincinv(successes[some] + 1.0, n[some] - successes[some], 1 - alpha)
    return bounds

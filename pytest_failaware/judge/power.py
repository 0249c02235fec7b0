"""The power of a gate: the smallest drop that it detects, and models at chance, whose accuracy cannot fall."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.core.estimates import Cells, Estimate
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.result import Sensitivity
from pytest_failaware.judge.metrics.rates import AT_COVERAGE
from pytest_failaware.judge.significance.rates import wilson

FEW_FLIPS: Final = 0.002
"""The share of answers that flip when a model is only exported or moved to another device."""
MANY_FLIPS: Final = 0.10
"""The share of answers that flip when a model is trained again."""

_FAR: Final = 4  # times the tolerance: a gate that detects only larger drops cannot enforce its tolerance


def sights(gate: Gate, rates: Mapping[str, Estimate], n: int | None = None) -> Iterator[Sensitivity]:
    """Yield the smallest drop that each gating rate detects; nothing under policies that do not prove a drop.

    There is no formula for score metrics: use `selftest` to count how often their gates are red.

    Args:
        gate: the metrics, their tolerances, the policy and its level.
        rates: the measured rates, whose denominators give the sample size of each metric.
        n: the assumed number of images; None for the measured number.
    """
    if not gate.policy.proves_a_drop:
        return
    for name in gate.metrics:
        if not gate.table[name].is_ratio:
            continue
        rate = rates["confident_accuracy" if name == AT_COVERAGE.name else name]
        share = Fraction(rate.denominator, max(1, rates["accuracy"].denominator))
        counted_on = rate.denominator if n is None else round(share * n)
        tolerance = float(gate.allowed(name))
        few, many = (
            _seen(gate.policy, counted_on, flips, gate.levels.gate, tolerance) for flips in (FEW_FLIPS, MANY_FLIPS)
        )
        yield Sensitivity(metric=name, counted_on=counted_on, few=few, many=many, is_far=few > _FAR * tolerance)


def common_losses(gate: Gate, n: int) -> tuple[float, float] | None:
    """Return the losses of accuracy, the same in all conditions, that their mean detects if few or many answers flip.

    None if the test has no mean, or the mean is not about accuracy. If answers flip independently in K conditions of n
    samples, the variance of the mean is that of one condition with K n samples; else the mean finds less.
    """
    if "accuracy" not in gate.pooled:
        return None
    count, level, tolerance = n * len(gate.conditions), gate.levels.pooled, float(gate.allowed("accuracy"))
    few, many = (_seen(gate.policy, count, flips, level, tolerance) for flips in (FEW_FLIPS, MANY_FLIPS))
    return few, many


def _seen(policy: Policy, n: int, flips: float, level: float, tolerance: float) -> float:
    if policy is Policy.BEYOND_TOLERANCE:
        return smallest_drop(n, flips, level, tolerance)
    return max(smallest_drop(n, flips, level), smallest_drop(n, flips, 0.5, tolerance))


def smallest_drop(n: int, flips: float, level: float, tolerance: float = 0.0, power: float = 0.8) -> float:
    """The drop that a paired test at `level` proves to be beyond the tolerance in `power` of all cases.

    The part d of the drop beyond the tolerance needs (z_level + z_power)² (flips + tolerance + d) = n d², where the
    whole drop adds to the flips: d = (w + sqrt(w² + 4 w (flips + tolerance))) / 2 with w = (z_level + z_power)² / n.
    At most 1, which also says that no drop can be seen.

    >>> [round(100 * smallest_drop(n, 0.05, 0.01), 2) for n in (500, 2000, 10000)]
    [4.33, 1.85, 0.76]
    """
    if n == 0:
        return 1.0
    w = (float(special.ndtri(1 - level)) + float(special.ndtri(power))) ** 2 / n
    return min(1.0, tolerance + (w + math.sqrt(w * w + 4 * w * (flips + tolerance))) / 2)


def is_at_chance(cells: Cells, label: NDArray[np.uint16]) -> bool:
    """Return whether the lower 99 % bound of accuracy is at most the share of the largest class."""
    return wilson(cells.right, cells.samples, 0.98).low <= _largest(label)


LEAST: Final = 20
"""With fewer samples, nothing shows that a model knows nothing."""


def knows_nothing(label: NDArray[np.uint16], prediction: NDArray[np.uint16]) -> bool:
    """Return whether answers are at chance, too poor for a good model, and agree with the labels only by chance.

    Too poor: the upper 99 % bound of accuracy is below the midpoint between the share of the largest class and 1, which
    a few samples cannot show. Samples of only one class show nothing: no model can be better than the largest class.
    """
    if len(label) < LEAST or (label == label[0]).all():
        return False
    accuracy, largest = wilson(int((label == prediction).sum()), len(label), 0.98), _largest(label)
    is_poor = accuracy.low <= largest and accuracy.high < (1 + largest) / 2
    return is_poor and agrees_by_chance(label, prediction)


def _largest(label: NDArray[np.uint16]) -> float:
    return int(np.bincount(label).max()) / len(label)


def agrees_by_chance(label: NDArray[np.uint16], prediction: NDArray[np.uint16]) -> bool:
    """Return whether answers are right no more often than the same answers in a random order, tested at 1 %.

    A model of a rare class can be no better than the largest class and still know that rare class. Over all orders the
    number of right answers has the mean S / n and the variance (S - sum a b (a + b) / n + S² / n²) / (n - 1). Here a is
    the number of samples of a class, b the number of answers with that class, and S = sum a b.

    >>> agrees_by_chance(np.repeat([0, 1], [95, 5]), np.repeat([0, 1], [97, 3]))
    False
    """
    n = len(label)
    samples = np.bincount(label).astype(np.float64)
    answers = np.bincount(prediction, minlength=len(samples))[: len(samples)]
    products = samples * answers
    mean, n_others = products.sum() / n, max(1, n - 1)
    variance = (products.sum() - (products * (samples + answers)).sum() / n + mean * mean) / n_others
    return not (label == prediction).sum() - mean > float(special.ndtri(0.99)) * math.sqrt(max(0.0, variance))

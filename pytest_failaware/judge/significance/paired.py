"""A fall of a rate over all samples, the same ones on both sides: McNemar's test and Tango's."""

from __future__ import annotations

import math

from scipy import special

from pytest_failaware.judge.significance.rates import Interval


def mcnemar_midp(lost: int, gained: int) -> float:
    """The one-sided mid-p of "no drop": P(X > lost) + P(X = lost) / 2 for X ~ Bin(lost + gained, 1/2).

    Fagerland, Lydersen, Laake 2013, "The McNemar test for binary matched-pairs data": close to nominal where the exact
    test is conservative. Without a flip it is 1/2.

    >>> round(mcnemar_midp(4, 1), 6)
    0.109375
    """
    flips = lost + gained
    above, at_least = special.bdtrc([lost, lost - 1], flips, 0.5)
    return float(above + at_least) / 2


def tango_z(lost: int, gained: int, n: int, margin: float = 0.0) -> float:
    """The score statistic of "the drop is at most margin"; large where it is larger.

    With q the maximum-likelihood rate of gains under drop = margin, the positive root of A q² + B q + C with A = 2n,
    B = -(lost + gained) + margin (2n - lost + gained), C = -gained margin (1 - margin):
    z = (lost - gained - n margin) / sqrt(n (2q + margin (1 - margin))). Tango 1998, "Equivalence test and confidence
    interval for the difference in proportions for the paired-sample design". At margin 0 it is McNemar's. Where the
    null leaves no variance, it is 0 or infinite as the drop is the margin or not.

    >>> round(tango_z(4, 1, 5, 0.1), 4)
    1.1237
    """
    variance = n * _drop_variance(lost, gained, n, margin)
    excess = lost - gained - n * margin
    if variance > 0:
        return excess / math.sqrt(variance)
    return math.copysign(math.inf, excess) if excess else 0.0


def tango_p(lost: int, gained: int, n: int, margin: float = 0.0) -> float:
    """The p of `tango_z`, corrected for skewness; at margin 0 the mid-p of McNemar.

    The score is skewed where flips are few and mostly losses, and the normal tail then rejects too often. The root t
    of z = t + (t² - 1) s / 6, with s the skewness of the score under the null, is closer to normal: Laud 2017,
    "Equal-tailed confidence intervals for comparison of rates", there for the unpaired case, here with the third
    moment of a paired difference, margin (1 - 6q - 3 margin + 2 margin²).

    >>> round(tango_p(4, 1, 5, 0.1), 4)
    0.1297
    """
    if margin == 0:
        return mcnemar_midp(lost, gained)
    z = tango_z(lost, gained, n, margin)
    variance = _drop_variance(lost, gained, n, margin)
    if variance <= 0:
        return normal_p(z)
    q = (variance - margin * (1 - margin)) / 2
    third = margin * (1 - 6 * q - 3 * margin + 2 * margin**2)
    return float(special.ndtr(-_unskewed(z, third / (variance**1.5 * math.sqrt(n)))))


def beyond_p(lost: int, gained: int, n: int, margin: float) -> float:
    """The p of "the drop is at most margin": the larger of `tango_p` and a binomial tail, P(X >= lost - gained).

    X ~ Bin(n, margin) is the net loss if no sample is gained, the case in which Tango's test rejects too often. By
    exact enumeration (60 to 2,000 samples, margins 0.005 and 0.02, gains 0 to 3 %) the type I error is at most 1.27
    times the level at 0.05, 1.02 times at 0.01 and below it at 0.0004; without the tail 1.35, 1.22 and 1.03 times.

    >>> round(beyond_p(4, 1, 5, 0.1), 4)
    0.1297
    """
    tail = float(special.bdtrc(lost - gained - 1, n, margin)) if lost > gained else 1.0
    return max(tango_p(lost, gained, n, margin), tail) if margin else tango_p(lost, gained, n)


def within_p(lost: int, gained: int, n: int, margin: float) -> float:
    """The p of "the drop is at least margin": the larger of 1 - `tango_p` and P(X <= lost - gained), X as above.

    If 0.5 points are lost in truth, 419 samples show no loss with a probability of 12 %: this is not excluded at 5 %.
    By the same enumeration the type I error is at most 1.14 times the level at 0.05; 2.45 times without the tail.

    >>> round(within_p(0, 0, 419, 0.005), 4)
    0.1224
    """
    tail = float(special.bdtr(lost - gained, n, margin)) if lost >= gained else 0.0
    return max(1 - tango_p(lost, gained, n, margin), tail) if margin else 1 - tango_p(lost, gained, n)


def normal_p(z: float) -> float:
    """P(Z > z).

    >>> round(normal_p(1.0), 4)
    0.1587
    """
    return float(special.ndtr(-z))


def tango_interval(lost: int, gained: int, n: int, confidence: float = 0.95) -> Interval:
    """The drops that the score test does not reject, by bisection; of the drop, so losses are positive.

    >>> [round(limit, 4) for limit in tango_interval(4, 1, 5)]
    [-0.2489, 0.9276]
    """
    limit = float(special.ndtri(0.5 + confidence / 2))

    def crossing(target: float) -> float:
        low, high = -1.0, 1.0  # z falls from large to small as the margin rises
        for _ in range(60):
            middle = (low + high) / 2
            if _signed_z(lost, gained, n, middle) > target:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    return Interval(crossing(limit), crossing(-limit))


def _signed_z(lost: int, gained: int, n: int, margin: float) -> float:
    """`tango_z` for margins of either sign: a negative one is a positive one for the reverse direction."""
    return tango_z(lost, gained, n, margin) if margin >= 0 else -tango_z(gained, lost, n, -margin)


def _drop_variance(lost: int, gained: int, n: int, margin: float) -> float:
    """The variance of one sample's difference under drop = margin, with the likeliest rate of gains."""
    a, b, c = 2 * n, -(lost + gained) + margin * (2 * n - lost + gained), -gained * margin * (1 - margin)
    q = (-b + math.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a)
    return 2 * q + margin * (1 - margin)


def _unskewed(z: float, skewness: float) -> float:
    """The root t of z = t + (t² - 1) s / 6 that joins t = z at s = 0."""
    s = skewness / 6
    if abs(s) < 1e-12:
        return z
    inside = 1 + 4 * s * (z + s)
    return (math.sqrt(inside) - 1) / (2 * s) if inside > 0 else z

"""Tests and intervals for paired and unpaired rates: formulas alone, in numbers and arrays.

`lost` counts the samples that were good before and are not now, `gained` the reverse; a *drop* is (lost - gained) / n.
Every p is one-sided: small where the drop is larger than the margin. Distribution functions come from scipy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Groups = Sequence[int] | NDArray[np.integer] | None
"""The group of each sample, (N,), where samples are not independent: their parts are summed first."""


class Interval(NamedTuple):
    """A confidence interval, low <= high."""

    low: float
    high: float


# ---- one rate ------------------------------------------------------------------------------------------------------


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


def independent_count(n: int, groups: Groups) -> float:
    """As how many independent samples n samples in groups count at least: n² / sum n_g², Kish 1965.

    It is the number of groups where these are of one size and the samples of a group are all alike.

    >>> independent_count(6, np.array([0, 0, 1, 1, 2, 2]))
    3.0
    """
    return float(n) if groups is None else n**2 / float(np.square(_per_group(np.ones(n), groups)).sum())


# ---- a difference of two rates on the same samples, fixed denominator ----------------------------------------------


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


# ---- a difference of two ratios whose denominators are random ------------------------------------------------------


def ratio_scores(before: tuple[Floats, Floats], now: tuple[Floats, Floats], margin: float = 0.0) -> Floats:
    """Each sample's part in the change of a ratio, (N,), under "it fell by exactly margin"; they sum to the excess.

    A side is (good, counted): 0/1 columns of shape (N,), good at most counted, and its ratio sum(good) / sum(counted).
    With D, D' the two denominators and r the pooled ratio (sum good + sum good' + margin D') / (D + D'):
    d_i = counted'_i (good'_i - r + margin) / D' - counted_i (good_i - r) / D. The paired score of a ratio; with all
    samples counted and margin 0 it is McNemar's.

    Raises:
        ValueError: a side counts no sample.
    """
    (good, counted), (new_good, new_counted) = before, now
    total, new_total = float(counted.sum()), float(new_counted.sum())
    if not total or not new_total:
        raise ValueError("a ratio over no sample has no change")
    r = (good.sum() + new_good.sum() + margin * new_total) / (total + new_total)
    scores: Floats = (new_good - (r - margin) * new_counted) / new_total - (good - r * counted) / total
    return scores


def ratio_z(
    before: tuple[Floats, Floats], now: tuple[Floats, Floats], margin: float = 0.0, groups: Groups = None
) -> float:
    """The statistic of "the ratio fell by at most margin": large where it fell more, very negative where it did not.

    The `score_z` of the `ratio_scores`, whose variance is at least that with sum (good - r)² of either side as the null
    expects it, D r (1 - r), since a small side without a good sample shows no spread; and at least what a fall by the
    margin costs, margin (1 - margin) / D', as in Tango's test (or over the groups, where those are fewer). With all
    samples counted and margin 0 it is McNemar's.

    Raises:
        ValueError: a side counts no sample.

    >>> good, counted = np.array([1.0, 1, 1, 0, 0]), np.array([1.0, 1, 1, 1, 0])
    >>> new_good, new_counted = np.array([1.0, 0, 0, 0, 1]), np.array([1.0, 1, 1, 0, 1])
    >>> round(ratio_z((good, counted), (new_good, new_counted)), 4)
    0.6285
    """
    scores = ratio_scores(before, now, margin)
    (good, counted), (new_good, new_counted) = before, now
    total, new_total = float(counted.sum()), float(new_counted.sum())
    r = min(1.0, max(margin, float(good.sum() + new_good.sum() + margin * new_total) / (total + new_total)))
    new_r = r - margin
    shared = float(((new_good - new_r * new_counted) * (good - r * counted)).sum()) / (total * new_total)
    expected = new_r * (1 - new_r) / new_total + r * (1 - r) / total - 2 * shared
    return score_z(scores, max(expected, _least(margin, new_total, groups)), groups)


def coverage_scores(
    before: tuple[Floats, Floats], now: tuple[Floats, Floats], at_threshold: float, margin: float = 0.0
) -> Floats:
    """As `ratio_scores`, (N,), where the threshold now is moved until as many samples are counted as before.

    Which samples that lets in depends on all the others: by the implicit function theorem one more sample counted
    before lets in one at the threshold, which is good with probability q = `at_threshold`. So
    d_i = (good'_i - good_i - q (counted'_i - counted_i) + margin counted_i) / D.

    Raises:
        ValueError: no sample is counted.
    """
    (good, counted), (new_good, new_counted) = before, now
    total = float(counted.sum())
    if not total:
        raise ValueError("a ratio over no sample has no change")
    scores: Floats = (new_good - good - at_threshold * (new_counted - counted) + margin * counted) / total
    return scores


def coverage_z(
    before: tuple[Floats, Floats],
    now: tuple[Floats, Floats],
    at_threshold: float,
    margin: float = 0.0,
    groups: Groups = None,
) -> float:
    """The `score_z` of the `coverage_scores`; a fall by the margin costs a variance of margin (1 - margin) / D."""
    scores = coverage_scores(before, now, at_threshold, margin)
    return score_z(scores, _least(margin, float(before[1].sum()), groups), groups)


def score_z(scores: Floats, least: float = 0.0, groups: Groups = None) -> float:
    """-sum(d) / sqrt(V), V = sum(d²) but at least `least`: large where the fall is more than the scores' margin.

    It is 0 where nothing differs.

    >>> round(score_z(np.array([-0.2, -0.2, 0.0, -0.2, 0.2])), 4)
    1.0
    """
    parts = _per_group(scores, groups)
    variance = max(float(np.square(parts).sum()), least)
    return -float(parts.sum()) / math.sqrt(variance) if variance > 1e-30 else 0.0


def _least(margin: float, counted: float, groups: Groups) -> float:
    """What a fall by the margin costs in variance: that of a share of the samples counted, or of whole groups."""
    return margin * (1 - margin) / (counted if groups is None else min(counted, len(np.unique(groups))))


def _per_group(parts: Floats, groups: Groups) -> Floats:
    if groups is None:
        return parts
    return np.bincount(np.unique(groups, return_inverse=True)[1], weights=parts).astype(np.float64)


def normal_p(z: float) -> float:
    """P(Z > z).

    >>> round(normal_p(1.0), 4)
    0.1587
    """
    return float(special.ndtr(-z))


def score_interval(drop: float, scores: Floats, confidence: float = 0.95, groups: Groups = None) -> Interval:
    """The interval of a fall by the delta method: drop ± z sqrt(sum psi²), psi the scores at margin = drop."""
    spread = math.sqrt(float(np.square(_per_group(scores, groups)).sum()))
    half = float(special.ndtri(0.5 + confidence / 2)) * spread
    return Interval(drop - half, drop + half)


# ---- a difference of two areas under the ROC curve -----------------------------------------------------------------


def auroc_change_z(
    before: tuple[Floats, NDArray[np.bool_]],
    now: tuple[Floats, NDArray[np.bool_]],
    margin: float = 0.0,
    groups: Groups = None,
) -> float:
    """The statistic of "the AUROC fell by at most margin", both sides on the same samples; large where it fell more.

    A side is (score, positive). The AUROC's influence on sample i is (V_i - A) / n1 for a positive and (V_i - A) / n0
    for a negative, V_i its placement: the share of the other class that it beats, ties half. The labels may differ
    between the sides, as right and wrong answers do, which DeLong's covariance does not allow. The paired variance is
    the sum over samples of (psi'_i - psi_i)².

    Raises:
        ValueError: a side has no positive or no negative sample.
    """
    area, psi = _auroc_influence(*before)
    new_area, new_psi = _auroc_influence(*now)
    spread = math.sqrt(float(np.square(_per_group(new_psi - psi, groups)).sum()))
    return (area - new_area - margin) / spread if spread > 1e-15 else 0.0


def _auroc_influence(score: Floats, positive: NDArray[np.bool_]) -> tuple[float, Floats]:
    ones, zeros = np.sort(score[positive]), np.sort(score[~positive])
    if not len(ones) or not len(zeros):
        raise ValueError("an AUROC needs both a positive and a negative sample")
    placement = np.empty(len(score))
    placement[positive] = _beaten(zeros, score[positive])
    placement[~positive] = 1 - _beaten(ones, score[~positive])
    area = float(placement[positive].mean())
    return area, (placement - area) / np.where(positive, len(ones), len(zeros))


def _beaten(others: Floats, scores: Floats) -> Floats:
    """The share of the sorted `others` below each score, ties half."""
    share: Floats = (
        (np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")) / 2 / len(others)
    )
    return share


# ---- without the samples -------------------------------------------------------------------------------------------


def newcombe(before: tuple[int, int], now: tuple[int, int], confidence: float = 0.95) -> Interval:
    """The interval of the fall of a rate from two pairs of counts (successes, n), as if from different samples.

    D - sqrt((p - l)² + (u' - p')²) to D + sqrt((u - p)² + (p' - l')²) with the Wilson limits l, u: the hybrid score
    interval, method 10 of Newcombe 1998, "Interval estimation for the difference between independent proportions". On
    the same samples it is conservative, since it ignores that the two sides agree.

    >>> [round(limit, 4) for limit in newcombe((56, 70), (48, 80))]
    [0.0524, 0.3339]
    """
    (low, high), (new_low, new_high) = wilson(*before, confidence), wilson(*now, confidence)
    rate, new_rate = (k / n if n else 0.5 for k, n in (before, now))
    drop = rate - new_rate
    return Interval(
        drop - math.hypot(rate - low, new_high - new_rate), drop + math.hypot(high - rate, new_rate - new_low)
    )

"""A fall of a ratio whose denominator is random, as that over the trusted samples: paired score tests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from pytest_failaware.judge.significance.rates import Interval
from pytest_failaware.judge.significance.units import Floats, Units


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PairedRatio:
    """A ratio sum(good) / sum(counted) on the same N samples of both sides, and the independent units of the samples.

    A side is (good, counted): 0/1 columns of shape (N,), good at most counted.
    """

    before: tuple[Floats, Floats]
    now: tuple[Floats, Floats]
    units: Units

    @property
    def complement(self) -> PairedRatio:
        """The ratio of the counted samples that are not good."""
        (good, counted), (new_good, new_counted) = self.before, self.now
        return PairedRatio(
            before=(counted - good, counted), now=(new_counted - new_good, new_counted), units=self.units
        )

    @property
    def counts_all(self) -> bool:
        """Whether both sides count every sample."""
        return bool(self.before[1].all() and self.now[1].all())

    @property
    def flips(self) -> tuple[int, int]:
        """The number of samples that were good before and are not now, and the reverse."""
        good, new_good = self.before[0], self.now[0]
        return int((good > new_good).sum()), int((new_good > good).sum())


def ratio_scores(ratio: PairedRatio, margin: float = 0.0) -> Floats:
    """Each sample's part in the change of a ratio, (N,), under "it fell by exactly margin"; they sum to the excess.

    With D, D' the two denominators and r the pooled ratio (sum good + sum good' + margin D') / (D + D'):
    d_i = counted'_i (good'_i - r + margin) / D' - counted_i (good_i - r) / D. The paired score of a ratio; with all
    samples counted and margin 0 it is McNemar's.

    Raises:
        ValueError: a side counts no sample.
    """
    (good, counted), (new_good, new_counted) = ratio.before, ratio.now
    total, new_total = float(counted.sum()), float(new_counted.sum())
    if not total or not new_total:
        raise ValueError("a ratio over no sample has no change")
    r = (good.sum() + new_good.sum() + margin * new_total) / (total + new_total)
    scores: Floats = (new_good - (r - margin) * new_counted) / new_total - (good - r * counted) / total
    return scores


def ratio_z(ratio: PairedRatio, margin: float = 0.0) -> float:
    """The statistic of "the ratio fell by at most margin": large where it fell more, very negative where it did not.

    The `score_z` of the `ratio_scores`, whose variance is at least that with sum (good - r)² of either side as the null
    expects it, D r (1 - r), since a small side without a good sample shows no spread; and at least what a fall by the
    margin costs, margin (1 - margin) / D', as in Tango's test (or over the units, if those are fewer). With all
    samples counted and margin 0 it is McNemar's.

    Raises:
        ValueError: a side counts no sample.

    >>> good, counted = np.array([1.0, 1, 1, 0, 0]), np.array([1.0, 1, 1, 1, 0])
    >>> new_good, new_counted = np.array([1.0, 0, 0, 0, 1]), np.array([1.0, 1, 1, 0, 1])
    >>> units = Units(of_sample=np.arange(5), first=np.arange(5), are_groups=False)
    >>> round(ratio_z(PairedRatio(before=(good, counted), now=(new_good, new_counted), units=units)), 4)
    0.6285
    """
    scores = ratio.units.sums(ratio_scores(ratio, margin))
    (good, counted), (new_good, new_counted) = ratio.before, ratio.now
    total, new_total = float(counted.sum()), float(new_counted.sum())
    r = min(1.0, max(margin, float(good.sum() + new_good.sum() + margin * new_total) / (total + new_total)))
    new_r = r - margin
    shared = float(((new_good - new_r * new_counted) * (good - r * counted)).sum()) / (total * new_total)
    expected = new_r * (1 - new_r) / new_total + r * (1 - r) / total - 2 * shared
    return score_z(scores, max(expected, _least(margin, new_total, ratio.units)))


def coverage_scores(ratio: PairedRatio, at_threshold: float, margin: float = 0.0) -> Floats:
    """As `ratio_scores`, (N,), if the threshold now is moved until as many samples are counted as before.

    Which samples that lets in depends on all the others: by the implicit function theorem one more sample counted
    before lets in one at the threshold, which is good with probability q = `at_threshold`. So
    d_i = (good'_i - good_i - q (counted'_i - counted_i) + margin counted_i) / D.

    Raises:
        ValueError: no sample is counted.
    """
    (good, counted), (new_good, new_counted) = ratio.before, ratio.now
    total = float(counted.sum())
    if not total:
        raise ValueError("a ratio over no sample has no change")
    scores: Floats = (new_good - good - at_threshold * (new_counted - counted) + margin * counted) / total
    return scores


def coverage_z(ratio: PairedRatio, at_threshold: float, margin: float = 0.0) -> float:
    """The `score_z` of the `coverage_scores`; a fall by the margin costs a variance of margin (1 - margin) / D."""
    scores = ratio.units.sums(coverage_scores(ratio, at_threshold, margin))
    return score_z(scores, _least(margin, float(ratio.before[1].sum()), ratio.units))


def score_z(scores: Floats, least: float = 0.0) -> float:
    """-sum(d) / sqrt(V), V = sum(d²) but at least `least`: large if the fall is more than the margin of the scores.

    The scores d are those of independent units, (units,). It is 0 if nothing differs.

    >>> round(score_z(np.array([-0.2, -0.2, 0.0, -0.2, 0.2])), 4)
    1.0
    """
    variance = max(float(np.square(scores).sum()), least)
    return -float(scores.sum()) / math.sqrt(variance) if variance > 1e-30 else 0.0


def _least(margin: float, counted: float, units: Units) -> float:
    """What a fall by the margin costs in variance: that of a share of the samples counted, or of whole units."""
    return margin * (1 - margin) / min(counted, len(units))


def score_interval(drop: float, scores: Floats, confidence: float = 0.95) -> Interval:
    """The interval of a fall by the delta method: drop ± z sqrt(sum psi²).

    psi are the scores of independent units at margin = drop, (units,).
    """
    half = float(special.ndtri(0.5 + confidence / 2)) * math.sqrt(float(np.square(scores).sum()))
    return Interval(drop - half, drop + half)

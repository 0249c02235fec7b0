"""A fall of the mean of a rate over several conditions, measured on the same samples: a paired score test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_failaware.judge.significance.ratios import PairedRatio, coverage_scores, score_z
from pytest_failaware.judge.significance.units import Floats, Units


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PairedMean:
    """The mean over K conditions of a rate over equally many samples on both sides: (N,) columns.

    The sum of `changes` is the change of the mean; the sum of `weights` is 1, so a margin adds margin x weight to the
    score of a sample. `counted` is the harmonic mean of the numbers of samples that the conditions count.
    """

    changes: Floats
    weights: Floats
    conditions: int
    counted: float
    units: Units


def paired_mean(rates: Sequence[PairedRatio], at_threshold: Sequence[float]) -> PairedMean:
    """Return the mean of rates, one for each condition, on the same samples.

    The dependence between conditions is in the sample: its scores are averaged before they are squared.

    Args:
        rates: the rate of each condition.
        at_threshold: the share of right answers at the threshold of each condition, as `coverage_scores` takes it; for
            a rate over all samples it plays no part.
    """
    changes = [coverage_scores(rate, share) for rate, share in zip(rates, at_threshold, strict=True)]
    counted = np.array([rate.before[1].sum() for rate in rates])
    weights = [rate.before[1] / total for rate, total in zip(rates, counted, strict=True)]
    return PairedMean(
        changes=np.mean(changes, axis=0),
        weights=np.mean(weights, axis=0),
        conditions=len(rates),
        counted=float(1 / np.mean(1 / counted)),
        units=rates[0].units,
    )


def mean_scores(mean: PairedMean, margin: float = 0.0) -> Floats:
    """Return each sample's part in the change of the mean, (N,), under "it fell by exactly margin"."""
    scores: Floats = mean.changes + margin * mean.weights
    return scores


def mean_z(mean: PairedMean, margin: float = 0.0) -> float:
    """The `score_z` of the `mean_scores`: large if the mean fell by more than the margin.

    With K conditions of n samples the score of a sample is (sum over conditions of right' - right) / (K n) + margin/n.
    The variance is at least margin (1/K - margin) / n (or over the units, if those are fewer): a mean that falls by the
    margin costs at least a share K margin of the samples, each of which loses 1/K of its mean in one condition.

    >>> before = np.array([[1.0, 1, 1, 1, 0], [1.0, 1, 0, 0, 0]])
    >>> now = np.array([[0.0, 1, 1, 1, 0], [0.0, 0, 1, 0, 0]])
    >>> units, all_five = Units(of_sample=np.arange(5), first=np.arange(5), are_groups=False), np.ones(5)
    >>> rates = [PairedRatio(before=(b, all_five), now=(n, all_five), units=units) for b, n in zip(before, now)]
    >>> round(mean_z(paired_mean(rates, [0.0, 0.0])), 4)
    0.8165
    """
    least = max(0.0, margin * (1 / mean.conditions - margin)) / min(mean.counted, len(mean.units))
    return score_z(mean.units.sums(mean_scores(mean, margin)), least)

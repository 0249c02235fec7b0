"""A model against the seeds of its recipe: the moderated t, whose variance is that between the seeds.

Two seeds of a recipe differ by more than chance on these samples, so a paired test of a model against one seed calls
many honest retrains worse. Here the question is: were the model one more seed of the recipe, would it be worse than
its mean by more than the margin? Few seeds show their variance badly. Therefore the metrics of a condition share what
they know on how much more seeds differ than chance: Smyth 2004, "Linear models and empirical Bayes methods for
assessing differential expression in microarray experiments".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy import special

from pytest_failaware.judge.significance.units import Floats, Units

PRIOR_DEGREES: Final = 4.0
"""The degrees of freedom of the prior: ln(variance between seeds / chance) scatters by 0.8 over metrics in truth."""
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The values of one metric over the k seeds of a recipe, k at least 2; higher is better.

    `chance` is the variance that the values would have if all seeds were equal in truth; it is above 0. `counted` is
    the number of independent samples that a fall is spread over, infinite if a fall has no such count.
    """

    values: tuple[float, ...]
    chance: float
    counted: float

    @property
    def mean(self) -> float:
        """The mean of the seeds."""
        return math.fsum(self.values) / len(self.values)

    @property
    def variance(self) -> float:
        """The variance between the seeds, s², with k - 1 degrees of freedom."""
        return math.fsum((value - self.mean) ** 2 for value in self.values) / self.freedom

    @property
    def freedom(self) -> int:
        """The degrees of freedom of the variance between the seeds."""
        return len(self.values) - 1

    @property
    def ratio(self) -> float:
        """How many times the variance between the seeds is that of chance; 0 if all values are equal."""
        return self.variance / self.chance


class Prior(NamedTuple):
    """What other metrics say on the ratio of the variance between seeds to that of chance: a ratio, and its degrees."""

    ratio: float
    degrees: float


def chance_variance(scores: Floats, units: Units) -> float:
    """Return the variance that chance alone gives the values of k seeds.

    Seeds that are equal in truth still answer some samples differently. With h_us the part of unit u in the value of
    seed s, v = sum_u var_s(h_us), the variance over the seeds with k - 1 degrees of freedom. It is at least that of
    one answer that differs in one seed, 1 / (k N²), so that it is never 0.

    Args:
        scores: the part of each sample in the value of each seed, (k, N); a row sums to the value and a constant.
        units: the independent units of the samples, whose parts are summed first.

    >>> right = np.array([[1.0, 1, 1, 0, 0], [1, 0, 1, 0, 1], [1, 1, 0, 0, 0]])
    >>> units = Units(of_sample=np.arange(5), first=np.arange(5), are_groups=False)
    >>> round(chance_variance(right / 5, units), 6)
    0.04
    """
    seeds, samples = scores.shape
    sums = np.stack([units.sums(row) for row in scores])
    return max(float(sums.var(axis=0, ddof=1).sum()), 1.0 / float(seeds * samples**2))


def shared_prior(others: Sequence[Spread], freedom: int) -> Prior:
    """Return the prior of one metric from the spreads of the other metrics of its condition.

    With G ratios phi of other metrics, each of nu degrees, ln phi0 = mean(ln phi) - c(nu) + c(d), where
    c(a) = psi(a/2) - ln(a/2) is the mean of ln(chi²_a / a). With ratios without end, d = 4; few ratios know phi0 badly,
    so d is smaller: trigamma(d/2) = trigamma(2) + (trigamma(nu/2) + trigamma(2)) / G, the variance of ln phi in truth
    and that of the mean. Without a ratio d is 0, and the test is Student's t of the seeds alone. In a metric
    whose seeds all have the same value they differ by chance, which is a ratio of 1. A metric in which another number
    of seeds has a value does not count.

    >>> prior = shared_prior([Spread(values=(0.90, 0.92, 0.94), chance=1e-4, counted=100)], 2)
    >>> [round(number, 3) for number in prior]
    [2.94, 1.37]
    """
    ratios = [other.ratio or 1.0 for other in others if other.freedom == freedom]
    if not ratios:
        return Prior(1.0, 0.0)
    scatter = float(special.polygamma(1, PRIOR_DEGREES / 2))
    unknown = (float(special.polygamma(1, freedom / 2)) + scatter) / len(ratios)
    degrees = 2 * _inverse_trigamma(scatter + unknown)
    mean = math.fsum(map(math.log, ratios)) / len(ratios)
    return Prior(math.exp(mean - _log_bias(freedom) + _log_bias(degrees)), degrees)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratedT:
    """The test of a model against the spread of the seeds of its recipe.

    The variance between seeds is s~² = (d phi0 v + nu s²) / (d + nu), with v that of chance, and at least v, since
    seeds cannot differ by less than chance in truth.
    """

    spread: Spread
    prior: Prior
    now: float  # the value of the model; higher is better

    @property
    def freedom(self) -> float:
        """The degrees of freedom, nu + d."""
        return self.spread.freedom + self.prior.degrees

    @property
    def variance(self) -> float:
        """The moderated variance between seeds."""
        return moderated_variance(self.spread, self.prior)

    @property
    def drop(self) -> float:
        """How much lower the model is than the mean of the seeds."""
        return self.spread.mean - self.now

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the drop with 95 % confidence."""
        half = float(special.stdtrit(self.freedom, 0.5 + _CONFIDENCE / 2)) * self._error(0.0)
        return self.drop - half, self.drop + half

    def t(self, margin: float = 0.0) -> float:
        """Return the statistic of "the model is worse than the mean by at most the margin"; large if it is worse.

        t = (xbar - x - m) / sqrt(s~² (1 + 1/k) + m (1 - m) / n): the images' own variance is the same on both sides,
        and only the margin costs some, as in Tango's test.

        >>> spread = Spread(values=(0.90, 0.92, 0.94), chance=1e-4, counted=100)
        >>> test = ModeratedT(spread=spread, prior=Prior(2.0, 4.0), now=0.80)
        >>> round(test.variance, 6), round(test.t(0.01), 4), round(test.p_more(0.01), 6)
        (0.000267, 5.1594, 0.001048)
        """
        return (self.drop - margin) / self._error(margin)

    def p_more(self, margin: float = 0.0) -> float:
        """Return the p of "at most the margin worse", by Student's t with nu + d degrees of freedom."""
        return float(special.stdtr(self.freedom, -self.t(margin)))

    def p_less(self, margin: float = 0.0) -> float:
        """Return the p of "at least the margin worse"."""
        return float(special.stdtr(self.freedom, self.t(margin)))

    def _error(self, margin: float) -> float:
        of_margin = margin * (1 - margin) / self.spread.counted
        return math.sqrt(self.variance * (1 + 1 / len(self.spread.values)) + of_margin)


def moderated_variance(spread: Spread, prior: Prior) -> float:
    """Return s~² = (d phi0 v + nu s²) / (d + nu), at least v."""
    shared = prior.degrees * prior.ratio * spread.chance + spread.freedom * spread.variance
    return max(spread.chance, shared / (prior.degrees + spread.freedom))


def _log_bias(degrees: float) -> float:
    """Return the mean of ln(chi² / degrees)."""
    return float(special.digamma(degrees / 2)) - math.log(degrees / 2)


def _inverse_trigamma(value: float) -> float:
    """Return x with trigamma(x) = value, by bisection of its logarithm; trigamma falls."""
    low, high = math.log(1e-3), math.log(1e3)
    for _ in range(60):
        middle = (low + high) / 2
        if float(special.polygamma(1, math.exp(middle))) > value:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)

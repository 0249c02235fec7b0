"""The moderated t of a model against the seeds of its recipe."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from pytest_failaware.judge.significance.moderated import (
    ModeratedT,
    Prior,
    Spread,
    chance_variance,
    moderated_variance,
    shared_prior,
)
from pytest_failaware.judge.significance.units import Units

VALUES = (0.90, 0.92, 0.94)


def spread(values: tuple[float, ...] = VALUES, chance: float = 1e-4, counted: float = 100) -> Spread:
    """The spread of three seeds, unless others are named."""
    return Spread(values=values, chance=chance, counted=counted)


def units(of_sample: list[int]) -> Units:
    """Units in which each sample belongs to the one of its number."""
    _, first = np.unique(of_sample, return_index=True)
    return Units(of_sample=np.array(of_sample), first=first, are_groups=len(first) < len(of_sample))


def test_three_seeds_by_hand() -> None:
    """The mean, the variance with two degrees of freedom, and its ratio to chance are those of .90, .92 and .94."""
    assert (0.92, 0.0004, 2, 4.0) == pytest.approx(
        (spread().mean, spread().variance, spread().freedom, spread().ratio), rel=1e-12
    )


def test_the_formula_of_the_statistic() -> None:
    """t = (xbar - x - m) / sqrt(s~² (1 + 1/k) + m (1 - m) / n), with s~² = (d phi0 v + nu s²) / (d + nu)."""
    test = ModeratedT(spread=spread(), prior=Prior(2.0, 4.0), now=0.80)
    variance = (4 * 2.0 * 1e-4 + 2 * 4e-4) / 6
    expected = (0.92 - 0.80 - 0.01) / math.sqrt(variance * (1 + 1 / 3) + 0.01 * 0.99 / 100)

    assert expected == pytest.approx(test.t(0.01))
    assert float(stats.t.sf(expected, 6)) == pytest.approx(test.p_more(0.01))
    assert 1 == pytest.approx(test.p_more(0.01) + test.p_less(0.01))


def test_without_a_prior_it_is_the_t_interval_of_a_new_value() -> None:
    """Without other metrics, p and interval are those of a prediction by the seeds alone."""
    test = ModeratedT(spread=spread(), prior=shared_prior([], 2), now=0.80)
    half = float(stats.t.ppf(0.975, 2)) * math.sqrt(4e-4 * 4 / 3)

    assert (0.12 - half, 0.12 + half) == pytest.approx(test.interval)
    assert float(stats.t.sf(0.12 / math.sqrt(4e-4 * 4 / 3), 2)) == pytest.approx(test.p_more())


def test_the_prior_of_many_metrics_is_that_of_the_notes() -> None:
    """With many ratios, ln phi0 = mean(ln phi) - [psi(nu/2) - ln(nu/2)] + psi(2) - ln 2, with 4 degrees."""
    others = [spread(chance=4e-4 / ratio) for ratio in (2.0, 8.0)] * 20_000
    prior = shared_prior(others, 2)
    expected = math.log(4) - (special.digamma(1) - math.log(1)) + special.digamma(2) - math.log(2)

    assert 4 == pytest.approx(prior.degrees, abs=2e-3)
    assert expected == pytest.approx(math.log(prior.ratio), abs=2e-3)


@pytest.mark.parametrize(("others", "freedom"), [(1, 2), (3, 2), (3, 4), (3, 9), (15, 4)])
def test_the_degrees_of_the_prior_by_a_solver(others: int, freedom: int) -> None:
    """trigamma(d/2) is the variance of ln phi in truth, and that of the mean of its estimates."""
    values = tuple(np.linspace(0.9, 0.95, freedom + 1))
    degrees = shared_prior([spread(values)] * others, freedom).degrees
    scatter = float(special.polygamma(1, 2))
    wanted = scatter + (float(special.polygamma(1, freedom / 2)) + scatter) / others
    root = optimize.brentq(lambda d: float(special.polygamma(1, d / 2)) - wanted, 0.1, 10)

    assert root == pytest.approx(degrees, rel=1e-9)


def test_the_mean_of_the_logarithm_of_a_ratio() -> None:
    """psi(a/2) - ln(a/2) is the mean of ln(chi² / a), here by an integral."""
    mean, _ = integrate.quad(lambda x: math.log(x / 3) * stats.chi2.pdf(x, 3), 0, np.inf)

    assert mean == pytest.approx(special.digamma(1.5) - math.log(1.5), abs=1e-6)


def test_chance_of_five_samples_by_hand() -> None:
    """Two of five samples differ between two seeds; each adds a variance of 1/2 over 25."""
    right = np.array([[1.0, 1, 1, 0, 0], [1, 0, 1, 1, 0]])

    assert 2 * 0.5 / 25 == pytest.approx(chance_variance(right / 5, units([0, 1, 2, 3, 4])))


def test_chance_sums_over_groups() -> None:
    """Samples of a group that change together count as one; changes that cancel within a group are no change."""
    right = np.array([[1.0, 1, 1, 0, 0], [1, 0, 1, 1, 0]])

    assert 1 / (2 * 25) == pytest.approx(chance_variance(right / 5, units([0, 1, 2, 1, 3])))
    assert 4 * 0.5 / 25 == pytest.approx(
        chance_variance(np.array([[1.0, 1, 0, 0, 0], [0] * 5]) / 5, units([0, 0, 1, 2, 3]))
    )


def test_seeds_that_agree_on_every_sample() -> None:
    """Chance is at least one answer that differs in one seed, so a perfect recipe has a finite statistic."""
    equal = spread((1.0, 1.0, 1.0), chance=chance_variance(np.ones((3, 50)) / 50, units(list(range(50)))))
    test = ModeratedT(spread=equal, prior=shared_prior([], 2), now=0.80)

    assert 1 / (3 * 2500) == pytest.approx(equal.chance) == pytest.approx(test.variance)
    assert 0 == equal.ratio
    assert 0 < test.p_more(0.005) < 0.01


def test_metrics_of_another_number_of_seeds_are_left_out_of_the_prior() -> None:
    """The degrees of freedom of the ratios are those of the metric; without a ratio the prior knows nothing."""
    other = spread((0.9, 0.91))

    assert Prior(1.0, 0.0) == shared_prior([other], 2)
    assert shared_prior([spread()], 2) == shared_prior([spread(), other], 2)


def test_equal_values_are_a_ratio_of_one() -> None:
    """Seeds that agree in another metric differ there by chance: the prior has degrees, and a loss can be proven."""
    agreed = spread((0.9, 0.9, 0.9))
    prior = shared_prior([agreed], 2)

    assert 0.5 < prior.ratio < 1 < prior.degrees
    assert 1e-3 > ModeratedT(spread=agreed, prior=prior, now=0.4).p_more(0.005)


def test_the_variance_is_never_below_chance() -> None:
    """Seeds that happen to be nearly equal count as different by chance."""
    assert 1e-4 == moderated_variance(spread((0.9, 0.9001, 0.9002)), Prior(0.5, 4.0))


def test_shifted_and_reordered_values_give_the_same_test() -> None:
    """Neither the order of the seeds nor a constant on all values changes the statistic."""
    random = np.random.default_rng(5)
    for _ in range(50):
        values, now, shift = random.normal(0.8, 0.02, 5), random.normal(0.75, 0.02), random.normal()
        prior = Prior(float(random.uniform(0.5, 8)), 3.0)
        before = ModeratedT(spread=spread(tuple(values)), prior=prior, now=now)
        moved = tuple(random.permutation(values) + shift)
        after = ModeratedT(spread=spread(moved), prior=prior, now=now + shift)
        assert before.t(0.005) == pytest.approx(after.t(0.005))


def test_a_lower_value_is_more_surely_worse() -> None:
    """p falls with the value of the candidate, and rises with the margin."""
    p = [ModeratedT(spread=spread(), prior=Prior(2.0, 4.0), now=now).p_more(0.005) for now in (0.9, 0.85, 0.8)]

    assert sorted(p, reverse=True) == p
    assert p[1] < ModeratedT(spread=spread(), prior=Prior(2.0, 4.0), now=0.85).p_more(0.02)

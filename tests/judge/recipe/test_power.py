"""The smallest drop that the seeds of a recipe can show."""

from __future__ import annotations

import numpy as np
import pytest
from five import RULE, measurement_of
from seeds import honest

from pytest_failaware.config.gate import build_gate
from pytest_failaware.judge.recipe.power import SeedTest, chance_of_red, seed_sights, smallest_drop
from pytest_failaware.judge.recipe.spreads import recipe_of
from pytest_failaware.judge.significance.moderated import ModeratedT, Prior, Spread, shared_prior

CASES = [
    # gates, seeds, degrees of the prior, drops in points at standard deviations of .20, .35 and .50 points
    (16, 3, 0, (9.5, 15, 22)),
    (16, 3, 4, (2.3, 3.4, 4.6)),
    (16, 5, 0, (2.9, 4.5, 6.1)),
    (16, 5, 4, (2.0, 2.9, 3.9)),
    (16, 10, 4, (1.7, 2.4, 3.2)),
    (4, 3, 4, (1.9, 2.8, 3.7)),
    (4, 5, 4, (1.7, 2.4, 3.2)),
    (1, 3, 4, (1.5, 2.2, 2.9)),
    (1, 5, 0, (1.7, 2.4, 3.2)),
    (1, 10, 4, (1.3, 1.9, 2.4)),
]
"""A simulation of 400,000 draws that does not use this package: 5,000 samples, a margin of 0.5 points, alpha 1 %."""


def case(gates: int, seeds: int, prior: float, deviation: float) -> SeedTest:
    """The test of one of so many gates."""
    return SeedTest(
        seeds=seeds,
        variance=deviation**2,
        degrees=seeds - 1 + prior,
        counted=5000,
        margin=0.005,
        level=0.01 / gates,
    )


@pytest.mark.parametrize(("gates", "seeds", "prior", "drops"), CASES)
def test_known_drops(gates: int, seeds: int, prior: float, drops: tuple[float, ...]) -> None:
    """The formula gives the drops that the simulation showed, to its digits (3 % of them)."""
    tests = [case(gates, seeds, prior, deviation) for deviation in (0.0020, 0.0035, 0.0050)]

    assert drops == pytest.approx([100 * smallest_drop(test) for test in tests], rel=0.035)


@pytest.mark.parametrize(("scatters", "power"), [(False, 0.83), (True, 0.73)])
def test_how_often_the_drop_is_found(scatters: bool, power: float) -> None:
    """Drawn seeds show the drop in 83 % if the shared ratio is right, in 73 % if metrics scatter around it."""
    random, level, margin, prior = np.random.default_rng(3), 0.01, 0.005, Prior(4.0, 4.0)
    test = case(1, 5, 4, 0.004)
    drop, reds = smallest_drop(test), 0
    for _ in range(4000):
        deviation = 0.004 * np.sqrt(4 / random.chisquare(4) if scatters else 1.0)
        values, now = random.normal(0.9, deviation, 5), random.normal(0.9 - drop, deviation)
        spread = Spread(values=tuple(values), chance=0.004**2 / 4, counted=5000)
        reds += ModeratedT(spread=spread, prior=prior, now=now).p_more(margin) < level

    assert power == pytest.approx(reds / 4000, abs=0.02)
    assert 0.8 == pytest.approx(chance_of_red(test, drop))


def test_a_larger_drop_is_found_more_often() -> None:
    """The probability of red rises with the drop and with the number of seeds."""
    few, many = case(16, 3, 2, 0.004), case(16, 10, 3, 0.004)
    drops = (0.0, 0.01, 0.02, 0.03)

    assert sorted(chance_of_red(few, drop) for drop in drops) == [chance_of_red(few, drop) for drop in drops]
    assert all(chance_of_red(few, drop) < chance_of_red(many, drop) for drop in drops[2:])
    assert smallest_drop(many) < smallest_drop(few)


def test_sights_of_a_recipe() -> None:
    """Each default gate has its moderated deviation, how many times that is chance, and its drop."""
    seeds = [measurement_of(letters).records for letters in honest(5)]
    gate = build_gate({"metrics": ["accuracy", "confident_accuracy", "brier"]})
    spreads = recipe_of(seeds, seeds[0], RULE).spreads
    accuracy, confident = seed_sights(gate, seeds, RULE)
    prior = shared_prior([spread for name, spread in spreads.items() if name != "accuracy"], 4)
    test = ModeratedT(spread=spreads["accuracy"], prior=prior, now=0.5)

    assert ("accuracy", "confident_accuracy") == (accuracy.metric, confident.metric)
    assert (5, test.variance) == (accuracy.seeds, pytest.approx(accuracy.deviation**2))
    assert test.variance / spreads["accuracy"].chance == pytest.approx(accuracy.over_chance)
    assert 0.005 < accuracy.drop < 0.2


def test_more_samples_show_smaller_drops() -> None:
    """With four times as many samples chance is a quarter; what seeds differ in truth stays."""
    seeds = [measurement_of(letters).records for letters in honest(5)]
    few, many = (next(iter(seed_sights(build_gate({}), seeds, RULE, n))) for n in (2000, 8000))

    assert many.drop < few.drop
    assert many.deviation < few.deviation < 2.001 * many.deviation
    assert not list(seed_sights(build_gate({"policy": "any_drop"}), seeds, RULE))

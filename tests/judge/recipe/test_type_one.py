"""The type I error of the judgement against a recipe, on draws of benchmarks/seeds_type_one.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
import seeds_type_one as simulation

from pytest_failaware.judge.recipe.spreads import Counted, spread_over
from pytest_failaware.judge.significance.moderated import ModeratedT, shared_prior
from pytest_failaware.judge.significance.units import Units

N = simulation.SAMPLES


@pytest.mark.parametrize("group", [1, 5])
def test_the_simulation_computes_the_p_of_the_package(group: int) -> None:
    """The p of one draw are those of the spreads and the test of the package."""
    truth = simulation.Truth(label="", seeds=3, group=group)
    p = simulation.p_values(truth, np.random.default_rng(2), 1, 0.0)
    sample = simulation.drawn(truth, np.random.default_rng(2), 1)
    coverage = np.array([int(np.floor((sample.trust[:, :-1] > simulation.CUT).sum(axis=2).mean() + 0.5))])
    units = Units(
        of_sample=np.arange(N) // group, first=np.arange(0, N, group), are_groups=group > 1
    )  # as groups of samples that lie side by side
    sides = {name: counted(name, sample, coverage) for name in simulation.METRICS}
    spreads = {name: spread_over(of_sides[:-1], units) for name, of_sides in sides.items()}
    known = {name: spread for name, spread in spreads.items() if spread is not None}

    for name, spread in known.items():
        prior = shared_prior([other for key, other in known.items() if key != name], 2)
        test = ModeratedT(spread=spread, prior=prior, now=sides[name][-1].ratio)
        assert float(p[name][0]) == pytest.approx(test.p_more(), rel=1e-9)
    assert 4 == len(known)


def counted(name: str, sample: simulation.Drawn, coverage: np.ndarray) -> list[Counted]:
    """What a metric counts on each seed and on the candidate of one draw."""
    good, among, at_threshold = simulation.masks(name, sample, coverage)
    return [
        Counted(
            good=good[0, side],
            counted=among[0, side],
            at_threshold=None if at_threshold is None else float(at_threshold[0, side, 0]),
        )
        for side in range(good.shape[1])
    ]


@pytest.mark.parametrize("group", [1, 5])
def test_honest_candidates_are_red_no_more_often_than_the_level(group: int) -> None:
    """With three seeds, at the margin, a candidate is red at most 1.3 times as often as its level, by 2,000 draws."""
    truth = simulation.Truth(label="", seeds=3, group=group)
    shares = simulation.over_nominal(truth, 2000, simulation.MARGIN)
    errors = [math.sqrt((1 - level) / (level * 2000)) for level in simulation.LEVELS]

    for over in shares.values():
        assert all(share <= 1.3 + 3 * error for share, error in zip(over, errors, strict=True))
    assert all(0.3 < over[0] for over in shares.values())


def test_the_prior_of_few_metrics_has_fewer_degrees() -> None:
    """With 4 degrees, as for many metrics, three seeds of four metrics reject too often; with fewer they do not."""
    fixed, shared = (
        simulation.normal(3, 0.0, np.random.default_rng(1), 20_000, fixed=is_fixed) for is_fixed in (True, False)
    )

    assert fixed[2] > 2
    assert all(share < 1.3 for share in shared)

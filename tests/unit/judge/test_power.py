"""What a gate can see: against the formula of the notes on paired tests, by simulation, and at its ends."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from five import records_of

from pytest_failaware.judge import power
from pytest_failaware.judge.significance import tango_p


def test_the_examples_in_the_docstrings_hold() -> None:
    """Few images see large drops only."""
    assert (0, 1) == tuple(doctest.testmod(power))


@pytest.mark.parametrize(("n", "flips"), [(2000, 0.05), (2000, 0.10), (10000, 0.10)])
def test_the_smallest_drop_is_found_in_four_of_five(n: int, flips: float) -> None:
    """Models whose answers flip this much and whose accuracy falls this much fail in about 80 % of all draws."""
    level, tolerance, draws = 0.01 / 12, 0.005, 4000
    drop = power.smallest_drop(n, flips, level, tolerance)
    total = flips + drop - tolerance
    rates = [(total + drop) / 2, (total - drop) / 2, 1 - total]
    drawn = np.random.default_rng(4).multinomial(n, rates, size=draws)[:, :2]
    found = np.mean([tango_p(int(lost), int(gained), n, tolerance) < level for lost, gained in drawn])

    assert found == pytest.approx(0.8, abs=0.04)


def test_more_images_see_more() -> None:
    """Falling in the number of images, rising in flips and in the strictness of the level; nothing sees nothing."""
    assert 1.0 == power.smallest_drop(0, 0.1, 0.01)
    assert power.smallest_drop(100, 0.1, 0.01) > power.smallest_drop(1000, 0.1, 0.01)
    assert power.smallest_drop(1000, 0.1, 0.01) > power.smallest_drop(1000, 0.002, 0.01)
    assert power.smallest_drop(1000, 0.1, 0.001) > power.smallest_drop(1000, 0.1, 0.01)
    assert 0.005 == pytest.approx(power.smallest_drop(1000, 0.1, 0.01, 0.005) - power.smallest_drop(1000, 0.1, 0.01))


def test_a_condition_at_chance() -> None:
    """One fifth right of three equal classes is no better than chance; nine of ten are."""
    assert power.is_at_chance(records_of("RWWWW" * 60))
    assert power.is_at_chance(records_of("W" * 300))
    assert not power.is_at_chance(records_of("RRRRRRRRRW" * 30))

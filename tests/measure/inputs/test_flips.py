"""Gained and lost answers, and the sign test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from pytest_failaware.measure.inputs.flips import flips


def test_counts() -> None:
    """Five images: one is right both times, two are gained, one is lost."""
    before = np.array([True, False, False, True, False])
    after = np.array([True, True, True, False, False])
    seen = flips(before, after)

    assert (5, 2, 3, 2, 1) == (seen.images, seen.before, seen.after, seen.gained, seen.lost)
    assert (0.5, 7 / 8) == (seen.gain_by_chance, seen.loss_by_chance)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (0, 4), (7, 3), (60, 20)])
def test_the_sign_test_is_scipys(gained: int, lost: int) -> None:
    """A one-sided binomial test with even chances; without any flip it is 1."""
    before = np.array([False] * gained + [True] * lost, dtype=np.bool_)
    expected = binomtest(gained, gained + lost, alternative="greater").pvalue if gained + lost else 1.0

    assert expected == pytest.approx(flips(before, ~before).gain_by_chance)

"""The promise of chosen thresholds, computed and not simulated: how probable a true risk above the target is.

Where answers come in sets of equal confidence, the wrong ones of each set are binomial, and every outcome can be tried.
The simulated populations stand in benchmarks/risk_control.py, a small version of them in tests/test_benchmarks.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from ranked import records_with
from scipy import stats

from pytest_failaware.judge import thresholds
from pytest_failaware.judge.thresholds import By, Curve, choose

RISK, CONFIDENCE = 0.05, 0.95
SIZES = (59, 34)  # of the surer set and of the other; 0 wrong of 59 and 1 of 93 are the most that 5 % allows
MANY = 7  # wrong answers of a set: more than 5 % of both sets together, so any more end the same way

Choice = Callable[[Curve], int | None]


def curve(*sets: tuple[int, int]) -> Curve:
    """What is found where each set has so many answers of one confidence, the surest first, and so many are wrong."""
    confidence = np.repeat([0.9, 0.8, 0.7][: len(sets)], [size for size, _ in sets])
    right = np.concatenate([np.arange(size) >= wrong for size, wrong in sets])
    return choose(records_with(confidence, right), 3, By.CONFIDENCE, risk=RISK, confidence=CONFIDENCE)


def chance_above(choice: Choice) -> float:
    """The largest probability, over populations, that the chosen rule has a true risk above the target.

    A population is a rate of wrong answers for each set; those around the target are the hardest.
    """
    outcomes = list(itertools.product(range(MANY + 1), repeat=2))
    chosen = [choice(curve(*zip(SIZES, wrong, strict=True))) for wrong in outcomes]
    worst = 0.0
    for rates in itertools.product([0.0, 0.01, 0.03, 0.049, 0.0501, 0.055, 0.1], [0.0, 0.02, 0.0501, 0.06, 0.1, 0.5]):
        expected = np.multiply(SIZES, rates)
        is_above = np.cumsum(expected) / np.cumsum(SIZES) > RISK
        probable = [_chances(size, rate) for size, rate in zip(SIZES, rates, strict=True)]
        above = sum(
            probable[0][one] * probable[1][other]
            for (one, other), index in zip(outcomes, chosen, strict=True)
            if index is not None and is_above[index]
        )
        worst = max(worst, float(above))
    return worst


def _chances(size: int, rate: float) -> np.ndarray:
    """Of 0, 1, ... wrong answers; the last is that of MANY or more."""
    exact = stats.binom.pmf(np.arange(MANY), size, rate)
    return np.append(exact, 1 - exact.sum())


def test_the_promise_is_kept_and_no_dearer_than_it_must_be() -> None:
    """At most 5 %, and nearly that in the worst population: 0.9499 to the power of 59."""
    assert pytest.approx(0.9499**59) == chance_above(lambda found: found.chosen)
    assert 0.04 < 0.9499**59 < 0.05


def test_the_observed_risk_in_place_of_its_bound_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calculation tells a wrong bound: in the worst population the promise is broken two times of five."""
    monkeypatch.setattr(thresholds, "clopper_pearson_uppers", lambda wrong, trusted, alpha: wrong / trusted)

    assert chance_above(lambda found: found.chosen) > 0.4


def test_going_on_behind_a_set_that_failed_breaks_it() -> None:
    """Choosing the last set whose bound is at most the target breaks the guarantee."""

    def last(found: Curve) -> int | None:
        return max(np.flatnonzero(found.bound <= RISK).tolist(), default=None)

    assert chance_above(last) > 0.07


@pytest.mark.parametrize("size", [59, 92, 93, 123, 124, 500, 1000])
def test_one_set_is_chosen_as_often_as_the_binomial_allows(size: int) -> None:
    """With as many wrong answers as have, or fewer, a chance of at most 5 % where 5 % are wrong; not with one more."""
    allowed = int((stats.binom.cdf(np.arange(size), size, RISK) <= 1 - CONFIDENCE).sum()) - 1

    assert curve((size, allowed)).chosen == 0
    assert curve((size, allowed + 1)).chosen is None


def test_the_first_set_waits_for_half_of_the_images_at_most() -> None:
    """One wrong answer may be seen where its 93 answers are half of the images; of one image fewer none may, in 59."""
    assert [thresholds.fewest(RISK), thresholds.fewest(RISK, wrong=1)] == [59, 93]
    assert [thresholds.first_count(count, RISK) for count in (185, 186)] == [59, 93]

"""The shares of alpha: known answers, and the sum over the family of a marked test."""

from __future__ import annotations

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_failaware.core import levels
from pytest_failaware.core.levels import levels_of

ALPHA = Decimal("0.01")


@pytest.mark.parametrize(
    ("has_golden", "gate", "z"),
    [(False, 4e-4, 3.35), (True, 3e-4, 3.43)],
)
def test_four_conditions_and_four_metrics_with_the_guard(has_golden: bool, gate: float, z: float) -> None:
    """The level of each gate, and the z that its p needs."""
    shares = levels_of(ALPHA, conditions=4, metrics=4, has_guard=True, has_golden=has_golden)

    assert gate == pytest.approx(shares.gate)
    assert z == pytest.approx(stats.norm.isf(shares.gate), abs=0.005)


def test_drift_and_the_pooled_verdict_have_a_fifth_each() -> None:
    """Drift is shared by conditions x metrics, the pooled verdict by two metrics."""
    shares = levels_of(ALPHA, conditions=4, metrics=4, has_guard=True, has_golden=True)

    assert (1.25e-4, 0.001) == pytest.approx((shares.drift, shares.pooled))
    assert (3.66, 3.09) == pytest.approx(stats.norm.isf([shares.drift, shares.pooled]), abs=0.005)


def test_the_former_level_is_that_without_guard_and_shares() -> None:
    """Of one or two conditions without the guard and without golden, the gates share all of alpha."""
    shares = levels_of(ALPHA, conditions=2, metrics=4, has_guard=False, has_golden=False)

    assert 0.01 / 8 == pytest.approx(shares.gate)


@given(st.integers(1, 100), st.integers(1, 12), st.booleans(), st.booleans())
def test_the_family_of_a_marked_test_has_at_most_alpha(
    conditions: int, metrics: int, has_guard: bool, has_golden: bool
) -> None:
    """The levels of all gates, of drift if there is golden, and of the pooled verdict sum to alpha at most."""
    shares = levels_of(ALPHA, conditions=conditions, metrics=metrics, has_guard=has_guard, has_golden=has_golden)
    whole = shares.gate * conditions * (metrics + has_guard)
    whole += shares.drift * conditions * metrics * has_golden + 2 * shares.pooled * (conditions >= 3)

    assert float(ALPHA) == pytest.approx(whole)


def test_the_example_holds() -> None:
    """The doctest of the module passes."""
    assert 0 == doctest.testmod(levels).failed

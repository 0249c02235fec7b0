"""What a gate can see: against the formula of the notes on paired tests, by simulation, and at its ends."""

from __future__ import annotations

import dataclasses
import doctest

import numpy as np
import pytest
from five import RULE, records_of

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.gate import Policy
from pytest_failaware.judge import power
from pytest_failaware.judge.metrics.rates import cell_rates, count_cells
from pytest_failaware.judge.significance.paired import tango_p


def test_the_examples_in_the_docstrings_hold() -> None:
    """Few images detect only large drops."""
    assert (0, 2) == tuple(doctest.testmod(power))


@pytest.mark.parametrize(("n", "flips"), [(2000, 0.002), (2000, 0.05), (2000, 0.10), (10000, 0.10)])
def test_the_smallest_drop_is_found_in_four_of_five(n: int, flips: float) -> None:
    """Models whose answers flip this much and whose accuracy falls this much fail in about 80 % of all draws.

    Where hardly an answer flips but for the drop itself, every flip is a loss, and more are found.
    """
    level, tolerance, draws = 0.01 / 12, 0.005, 4000
    drop = power.smallest_drop(n, flips, level, tolerance)
    total = flips + drop
    rates = [(total + drop) / 2, (total - drop) / 2, 1 - total]
    drawn = np.random.default_rng(4).multinomial(n, rates, size=draws)[:, :2]
    found = np.mean([tango_p(int(lost), int(gained), n, tolerance) < level for lost, gained in drawn])

    assert found == pytest.approx(0.8, abs=0.04) if flips > power.FEW_FLIPS else 0.8 < found < 0.95


def test_more_images_see_more() -> None:
    """The smallest drop falls with images, and rises with flips and with a stricter level."""
    assert 1.0 == power.smallest_drop(0, 0.1, 0.01)
    assert power.smallest_drop(100, 0.1, 0.01) > power.smallest_drop(1000, 0.1, 0.01)
    assert power.smallest_drop(1000, 0.1, 0.01) > power.smallest_drop(1000, 0.002, 0.01)
    assert power.smallest_drop(1000, 0.1, 0.001) > power.smallest_drop(1000, 0.1, 0.01)
    assert 0.005 == pytest.approx(power.smallest_drop(1000, 0.1, 0.01, 0.005) - power.smallest_drop(1000, 0.105, 0.01))


def test_sights_of_a_gate() -> None:
    """Each metric on the samples it counts among; nothing under policies that do not prove a drop."""
    records = records_of("RRRRRRWrrw" * 60)
    rates = cell_rates(count_cells(records, RULE))
    gate = build_gate({"conditions": ["clean"], "metrics": ["accuracy", "confident_accuracy_at_coverage"]})
    by_policy = {policy: list(power.sights(dataclasses.replace(gate, policy=policy), rates)) for policy in Policy}
    accuracy, at_coverage = by_policy[Policy.BEYOND_TOLERANCE]

    assert (600, 420) == (accuracy.counted_on, at_coverage.counted_on)
    assert accuracy.few == power.smallest_drop(600, power.FEW_FLIPS, gate.levels.gate, 0.005)
    assert accuracy.is_far
    assert not next(power.sights(gate, rates, 60_000)).is_far
    assert by_policy[Policy.ANY_DROP][0].few < accuracy.few
    assert [] == by_policy[Policy.NON_INFERIORITY] == by_policy[Policy.EQUIVALENCE]


def test_any_drop_also_has_to_be_observed_beyond_the_tolerance() -> None:
    """With a million images a drop of a tenth of the tolerance is proven, and is not red."""
    gate = build_gate({"conditions": ["clean"], "metrics": ["accuracy"], "policy": "any_drop"})
    rates = cell_rates(count_cells(records_of("RRRRRRWrrw"), RULE))
    (sight,) = power.sights(gate, rates, 1_000_000)

    assert power.smallest_drop(1_000_000, power.FEW_FLIPS, gate.levels.gate) < 0.0005
    assert 0.005 < sight.few < 0.0055


def test_a_condition_at_chance() -> None:
    """Of three equal classes a third right is chance, and so is what cannot be told from it; half of 300 is not."""
    found = {
        letters[:4]: power.is_at_chance(count_cells(records, RULE), records.label)
        for letters in ("RWW" * 100, "WWWW" * 75, "RRWW" * 3, "RWRW" * 75)
        for records in [records_of(letters)]
    }

    assert {"RWWR": True, "WWWW": True, "RRWW": True, "RWRW": False} == found

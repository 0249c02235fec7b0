"""The ranking and the class guard on the two checkpoints: numbers that other scripts gave before."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from real_checkpoints import Judged, Side, judged

from pytest_failaware.core.result import CoverageWay
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.evidence import paired
from pytest_failaware.judge.metrics.rates import AT_COVERAGE
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.sides import Sides

RANKING = "confident_accuracy_at_coverage"


def p_of_ways(test: Judged, key: str) -> dict[CoverageWay, float]:
    """Return the p of each way to the coverage of the baseline."""
    evidence = test.comparison(key, RANKING).evidence
    assert evidence is not None
    return {way.way: way.p_beyond for way in evidence.ways}


# ---- the ranking ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "p"), [(1.5, 5e-4), (2, 5e-4), (3, 5e-5), (10, 5e-5)])
def test_thresholds_alone_would_call_a_scale_worse(later: Side, factor: float, p: float) -> None:
    """In noise the thresholds alone prove a worse ranking of scaled logits; the temperature proves nothing."""
    ways = p_of_ways(judged(later, later.times(factor)), "gaussian_noise")

    assert p == pytest.approx(ways[CoverageWay.THRESHOLDS], rel=0.1)
    assert ways[CoverageWay.TEMPERATURE] > 0.99


@pytest.mark.parametrize(("key", "p"), [("clean", 3e-7), ("blur", 4.6e-5)])
def test_both_ways_prove_the_earlier_checkpoint_worse(later: Side, earlier: Side, key: str, p: float) -> None:
    """The ranking of the earlier checkpoint is proven worse on clean and blur in both ways."""
    assert p == pytest.approx(max(p_of_ways(judged(later, earlier), key).values()), rel=0.1)


@pytest.mark.parametrize("rule", ["confidence < 0.6", "confidence < 0.3 or entropy > 3.0"])
def test_a_new_rule_alone_is_never_a_worse_ranking(later: Side, rule: str) -> None:
    """In its own order the new rule ranks .93 points worse, p .07, .0015 and 1e-4 with more images; both ways say 1."""
    test, stored = judged(later, later, rule), FailureRule()
    comparison = test.comparison("gaussian_noise", RANKING)
    assert comparison.evidence is not None
    new = next(way for way in comparison.evidence.ways if way.way is CoverageWay.NEW_RULE)
    assert 0.93 == pytest.approx(100 * (comparison.reference.value - new.current.value), abs=0.005)
    found = []
    records = later.under("gaussian_noise", stored, FailureRule.parse(rule)).records
    for copies in (1, 4, 6):
        many = records.take(np.tile(np.arange(5000), copies))
        before, now = (outcomes_of(many, one) for one in (stored, FailureRule.parse(rule)))
        sides = Sides(before=before, now=now, now_as_before=before)
        _, _, evidence = paired(AT_COVERAGE, sides, Decimal("0.005"), 1e-4)
        assert evidence is not None
        assert evidence.p_beyond > 0.99
        found += [way.p_beyond for way in evidence.ways if way.way is CoverageWay.NEW_RULE]
    assert [0.07, 0.0015, 1.3e-4] == pytest.approx(found, rel=0.1)


# ---- the class guard -----------------------------------------------------------------------------------------------


def test_a_hard_condition_has_no_class_guard(later: Side, earlier: Side) -> None:
    """Under blur the baseline answers 28.6 % right, so the class that falls from 386 to 217 of 500 is no alarm."""
    results = judged(later, earlier).results

    assert {"clean": None, "gaussian_noise": 0.305, "blur": 0.2858, "low_light": None} == {
        key: None if result.unguarded is None else result.unguarded.value for key, result in results.items()
    }
    assert ["ship"] == [lost.name for lost in results["blur"].change.lost_classes if lost.before - lost.now > 50]
    assert "class_guard" not in [one.metric for result in results.values() for one in result.comparisons]

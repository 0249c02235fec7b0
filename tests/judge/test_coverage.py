"""The ranking at the coverage of the baseline: scaled thresholds, one temperature, and the configured rule."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from five import records_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.core.records import Records
from pytest_failaware.core.result import CoverageWay, Evidence
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import rule_columns
from pytest_failaware.core.scores import columns_of
from pytest_failaware.judge.coverage import Reached, reached
from pytest_failaware.judge.evidence import paired
from pytest_failaware.judge.metrics.rates import AT_COVERAGE
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.sides import Sides, sides_of

RULE = FailureRule()
THRESHOLDS, TEMPERATURE, NEW_RULE = CoverageWay
Floats = NDArray[np.float64]


def model(count: int, seed: int, classes: int = 10) -> tuple[Floats, NDArray[np.uint16]]:
    """Return logits and labels of a model that is right in about three of four cases, more often if it is sure."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count).astype(np.uint16)
    logits = random.normal(0, 2, (count, classes))
    logits[np.arange(count), labels] += random.uniform(-0.5, 8, count)
    return logits, labels


def records(logits: Floats, labels: NDArray[np.uint16], *rules: FailureRule) -> Records:
    """Return records with the columns of these rules and without logits."""
    samples = replace(records_of().samples, ids=np.arange(len(labels), dtype=np.uint64), labels=labels)
    return Records.of_outcome(samples, {**columns_of(logits, labels), **rule_columns(logits, rules)})


def sides(before: Floats, now: Floats, labels: NDArray[np.uint16], rule: FailureRule = RULE) -> Sides:
    """Return the sides of a baseline under the default rule and a candidate under a rule."""
    both = pair(records(before, labels, RULE), records(now, labels, RULE, rule))
    return sides_of(both, RULE, rule)


def evidence_of(compared: Sides) -> Evidence:
    """Return the evidence of the ranking gate at the level of the default gates."""
    *_, evidence = paired(AT_COVERAGE, compared, Decimal("0.005"), 4e-4)
    assert evidence is not None
    return evidence


def by_way(compared: Sides) -> dict[CoverageWay, Reached]:
    return {way.way: way for way in reached(compared)}


def test_each_way_trusts_as_many_as_the_baseline_by_hand() -> None:
    """Two classes and three samples more than the baseline trusts: the surest are kept, by the logit difference."""
    before = np.array([[3.0, 0], [2, 0], [0.1, 0], [0.1, 0], [0.1, 0]])  # trusts two
    now = np.array([[1.0, 0], [5, 0], [4, 0], [3, 0], [0.2, 0]])
    labels = np.array([0, 0, 1, 0, 0], dtype=np.uint16)
    ways = by_way(sides(before, now, labels))

    assert [THRESHOLDS, TEMPERATURE] == list(ways)
    for way in ways.values():
        assert [False, True, True, False, False] == way.trusted.tolist()
        assert [False, True, False, False, False] == way.right.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_temperature_way_against_a_fine_grid(seed: int) -> None:
    """The trusted samples are those that a temperature of a fine grid trusts, by an independent softmax."""
    logits, labels = model(300, seed)
    compared = sides(model(300, seed + 50)[0], logits, labels)
    count, trusted = int(compared.before.trusted.sum()), by_way(compared)[TEMPERATURE].trusted

    for temperature in np.exp(np.linspace(-3, 3, 40_000)):
        p = special.softmax(logits / temperature, axis=1)
        flagged = (p.max(axis=1) < 0.6) | (special.entr(p).sum(axis=1) > 1.0)
        if (~flagged).sum() == count:
            assert (~flagged).tolist() == trusted.tolist()
            return
    raise AssertionError("no temperature of the grid reaches the coverage")


@pytest.mark.parametrize("scale", [0.1, 0.33, 0.67, 1.5, 3.0, 10.0])
def test_a_rescaling_of_the_logits_is_never_a_worse_ranking(scale: float) -> None:
    """One temperature gives back the trusted samples of the baseline, so that nothing is lost in this way."""
    logits, labels = model(3000, 1)
    compared = sides(logits, logits * scale, labels)

    assert evidence_of(compared).p_beyond > 0.9
    assert compared.before.trusted.tolist() == by_way(compared)[TEMPERATURE].trusted.tolist()
    assert compared.before.trusted.tolist() != by_way(compared)[THRESHOLDS].trusted.tolist()


@settings(max_examples=25, deadline=None)
@given(st.floats(0.2, 0.95), st.floats(0.1, 2.2), st.sampled_from([0.5, 1.0, 2.0]))
def test_a_new_rule_alone_is_never_a_worse_ranking(confidence: float, entropy: float, temperature: float) -> None:
    """Both sides are ranked under the stored rule too, where the same model loses nothing."""
    logits, labels = model(1000, 2)
    rule = FailureRule(confidence=confidence, entropy=entropy, temperature=temperature)

    assert evidence_of(sides(logits, logits, labels, rule)).p_beyond > 0.9


def test_the_ranking_is_worse_only_if_every_way_proves_it() -> None:
    """p_beyond, p_worse and p_better are the largest of the ways, and the rate is that of the weakest proof."""
    logits, labels = model(2000, 3)
    worse = logits * np.random.default_rng(0).lognormal(0, 1.2, (2000, 1))
    new_rule = FailureRule(confidence=0.7, entropy=0.8)
    reference, current, evidence = paired(AT_COVERAGE, sides(logits, worse, labels, new_rule), Decimal("0.005"), 4e-4)

    assert evidence is not None
    assert [THRESHOLDS, TEMPERATURE, NEW_RULE] == [way.way for way in evidence.ways]
    assert max(way.p_beyond for way in evidence.ways) == evidence.p_beyond < 4e-4
    assert current in [way.current for way in evidence.ways if way.p_beyond == evidence.p_beyond]
    assert reference.fraction is not None
    assert current.fraction is not None
    assert reference.fraction > current.fraction


def test_what_is_excluded_is_excluded_for_the_rule_in_use() -> None:
    """p_within is that of the scaled configured rule alone, since the best of several ways would pass too often."""
    logits, labels = model(500, 4)
    new_rule = FailureRule(confidence=0.7, entropy=0.8)
    both = pair(records(logits, labels, RULE), records(logits * 1.3, labels, RULE, new_rule))
    changed = evidence_of(sides_of(both, RULE, new_rule))
    alone = evidence_of(replace(sides_of(both, RULE, new_rule), now_as_before=sides_of(both, RULE, new_rule).now))

    assert alone.p_within == changed.p_within
    unchanged = evidence_of(sides_of(both, RULE, RULE))
    thresholds = sides_of(pair(both.before, replace(both.now, rule_columns={})), RULE, RULE)
    assert evidence_of(thresholds).p_within == unchanged.p_within


def test_without_temperatures_of_trust_the_thresholds_count_alone() -> None:
    """Records without the column have one way."""
    logits, labels = model(200, 5)
    both = pair(records(logits, labels), records(logits, labels))

    assert [THRESHOLDS] == [way.way for way in reached(sides_of(both, RULE, RULE))]


def test_equal_trust_is_ordered_by_entropy_then_by_id() -> None:
    """Logits times 1,000 give the confidence 1.0 and the entropy 0 to all, so the ids decide in both ways."""
    logits = np.tile([1000.0, 0.0], (4, 1))
    compared = sides(np.array([[3.0, 0], [3, 0], [0.1, 0], [0.1, 0]]), logits, np.zeros(4, dtype=np.uint16))

    assert all([True, True, False, False] == way.trusted.tolist() for way in reached(compared))


def test_type_one_error_of_the_ranking() -> None:
    """Two models of equal quality whose true drop is 0: the share of p below a level is at most about the level."""
    draws = 300
    p = np.array([_equal(seed) for seed in range(draws)])

    for level in (0.05, 0.01):
        assert (p < level).sum() <= draws * level * 1.3 + 3 * np.sqrt(draws * level)


def _equal(seed: int) -> float:
    """Return p_worse of two models that differ by independent noise of the same size on the same logits."""
    random = np.random.default_rng(seed)
    logits, labels = model(500, seed)
    before, now = (logits + random.normal(0, 0.5, logits.shape) for _ in range(2))
    return evidence_of(sides(before, now, labels)).p_worse


def test_the_ways_agree_on_two_classes() -> None:
    """With two classes every way orders by the distance of the two logits, so that all trust the same samples."""
    logits, labels = model(400, 6, classes=2)
    compared = sides(model(400, 7, classes=2)[0], logits, labels, FailureRule(confidence=0.8))

    for one, other in itertools.pairwise(reached(compared)):
        assert one.trusted.tolist() == other.trusted.tolist()

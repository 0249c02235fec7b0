"""The class guard: a lost class is found, chance is not, and hard conditions are not judged."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from five import records_of
from numpy.typing import NDArray

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.result import Comparison
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.class_guard import guarded, unguarded
from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.judge.sides import Sides, under_one_rule
from pytest_failaware.judge.significance.paired import tango_p

Right = NDArray[np.bool_]
GATE = build_gate({"conditions": ["clean", "gaussian_noise", "blur", "low_light"]})


def classes(count: int, each: int) -> NDArray[np.uint16]:
    """Return the labels of `count` classes with `each` samples."""
    return np.repeat(np.arange(count, dtype=np.uint16), each)


def sides(labels: NDArray[np.uint16], before: Right, now: Right, groups: NDArray[np.uint32] | None = None) -> Sides:
    """Return the sides with these right answers; everything is trusted."""
    ids = np.arange(len(labels), dtype=np.uint64)
    samples = replace(records_of().samples, ids=ids, labels=labels, groups=groups)
    everything = np.ones(len(labels), dtype=np.bool_)

    def side(right: Right) -> Outcomes:
        records = replace(records_of(), samples=samples)
        return Outcomes(records=records, right=right, trusted=everything, trust=everything.astype(np.float64))

    return under_one_rule(side(before), side(now))


def guard(
    labels: NDArray[np.uint16], before: Right, now: Right, gate: Gate = GATE, groups: NDArray[np.uint32] | None = None
) -> Comparison | None:
    names = tuple(map(str, range(int(labels.max()) + 1)))
    return guarded(gate, sides(labels, before, now, groups), names)


def test_one_lost_class_of_a_hundred_is_red() -> None:
    """50 of 5,000 answers are one point of accuracy, and the whole class."""
    labels = classes(100, 50)
    comparison = guard(labels, np.ones(5000, dtype=np.bool_), labels != 42)

    assert comparison is not None
    assert ("class_guard", "class '42'", Decimal("0.10")) == (comparison.metric, comparison.note, comparison.allowed)
    assert ("50/50", "0/50") == tuple(
        f"{value.numerator}/{value.denominator}" for value in (comparison.reference, comparison.current)
    )


def test_the_p_is_the_smallest_of_the_classes_times_their_number() -> None:
    """By hand: three classes of 200, one with 60 lost and 5 gained; the test is that of a rate over the class."""
    labels = classes(3, 200)
    before, now = np.ones(600, dtype=np.bool_), np.ones(600, dtype=np.bool_)
    before[200:205], now[205:265] = False, False
    comparison = guard(labels, before, now)

    assert comparison is not None
    assert comparison.evidence is not None
    assert 3 * tango_p(60, 5, 200, 0.10) == pytest.approx(comparison.evidence.p_beyond)
    assert (60, 5) == (comparison.evidence.lost, comparison.evidence.gained)
    assert comparison.evidence.p_worse < comparison.evidence.p_beyond
    assert 0.10 < (comparison.evidence.low or 0) < 55 / 200 < (comparison.evidence.high or 0)


def test_samples_in_groups_prove_less() -> None:
    """If four samples of a group fall together, the interval is wider than that of as many independent samples."""
    labels = classes(2, 400)
    now = np.ones(800, dtype=np.bool_)
    now[:200] = False
    groups = (np.arange(800) // 4).astype(np.uint32)
    alone, grouped = (
        guard(labels, np.ones(800, dtype=np.bool_), now),
        guard(labels, np.ones(800, dtype=np.bool_), now, groups=groups),
    )

    assert alone is not None
    assert grouped is not None
    widths = [(one.evidence.high or 0) - (one.evidence.low or 0) for one in (alone, grouped) if one.evidence]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.05)


def test_a_loss_within_the_guard_passes() -> None:
    """20 of 200 answers of a class are exactly 0.10."""
    labels = classes(3, 200)
    now = np.ones(600, dtype=np.bool_)
    now[:20] = False

    assert guard(labels, np.ones(600, dtype=np.bool_), now) is None


def test_hard_conditions_are_not_judged() -> None:
    """If the baseline answers less than half right, a lost class is no fault of the model alone."""
    labels = classes(10, 100)
    half, less = labels < 5, labels < 4
    lost = labels >= 9

    assert guard(labels, half, lost) is not None
    assert guard(labels, less, lost) is None
    assert Estimate(numerator=400, denominator=1000) == unguarded(GATE, sides(labels, less, lost))


@pytest.mark.parametrize("gate", [{"class_guard": "off"}, {"policy": "non_inferiority"}, {"policy": "equivalence"}])
def test_the_guard_can_be_off(gate: dict[str, str]) -> None:
    """It is off by name, and under policies that must exclude a drop."""
    labels = classes(10, 100)

    assert guard(labels, np.ones(1000, dtype=np.bool_), labels != 3, build_gate(gate)) is None


@pytest.mark.parametrize("value", ["on", "1.5", -0.1, True])
def test_a_wrong_guard_is_refused(value: object) -> None:
    """The guard is a rate or `off`."""
    with pytest.raises(ConfigError, match="class_guard: must be a rate between 0 and 1"):
        build_gate({"class_guard": value})


def test_samples_of_a_group_count_as_their_groups() -> None:
    """A class of 100 samples that are two patients proves nothing."""
    labels = classes(10, 100)
    groups = (np.arange(1000) // 50).astype(np.uint32)

    assert guard(labels, np.ones(1000, dtype=np.bool_), labels != 3) is not None
    assert guard(labels, np.ones(1000, dtype=np.bool_), labels != 3, groups=groups) is None


def test_copies_of_another_class_change_no_number() -> None:
    """The test of a class uses the groups of the samples of this class alone."""
    labels = classes(10, 100)
    groups = np.arange(1000, dtype=np.uint32)
    groups[950] = groups[951]  # two copies of class 9
    alone, beside = (
        guard(labels, np.ones(1000, dtype=np.bool_), labels != 3, groups=column) for column in (None, groups)
    )

    assert alone is not None
    assert alone == beside


@pytest.mark.parametrize(("count", "each"), [(10, 500), (100, 50), (1000, 5)])
def test_an_equal_model_raises_no_alarm(count: int, each: int) -> None:
    """Of 100 retrained models with 10 % flips none is red, at a level of 4e-4."""
    random, labels = np.random.default_rng(count), classes(count, each)
    red = 0
    for _ in range(100):
        before = random.random(count * each) < 0.8
        flipped = random.random(count * each) < np.where(before, 0.0625, 0.25)  # as many gained as lost
        red += guard(labels, before, before ^ flipped) is not None

    assert 0 == red


def test_the_default_rule_plays_no_part() -> None:
    """The guard counts right answers, trusted or not."""
    assert FailureRule() == GATE.rule
    assert Decimal("0.10") == GATE.class_guard

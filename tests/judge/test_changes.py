"""Rates of change, and the accuracy at the baseline's coverage: by hand, against others, and by what must hold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from five import RULE, records_of
from hypothesis import given, settings
from hypothesis import strategies as st
from ranked import records_with
from scipy import stats
from sklearn.metrics import confusion_matrix

from pytest_failaware.core.result import ClassLoss
from pytest_failaware.judge.changes import (
    CHANGES,
    at_coverage,
    change_rate,
    decomposition,
    sample_change,
    worst_class,
)
from pytest_failaware.judge.metrics.rates import CHANGE_RATES
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.sides import Sides, under_one_rule

CLASSES = ("cat", "dog", "eel")
PAIRS = st.lists(st.tuples(st.sampled_from("RWrw"), st.sampled_from("RWrw")), min_size=1, max_size=60)
seldom = settings(max_examples=100, derandomize=True, database=None, deadline=None)


def sides(before: str, now: str) -> Sides:
    return under_one_rule(outcomes_of(records_of(before), RULE), outcomes_of(records_of(now), RULE))


def rates(both: Sides) -> dict[str, Fraction | None]:
    return {name: change_rate(name, both).fraction for name in CHANGE_RATES}


def test_five_samples_by_hand() -> None:
    """RRRrw -> WRrWR: the first and the fourth are lost, the first trusted both times; the last is gained."""
    assert {
        "changed_prediction_rate": Fraction(3, 5),
        "changed_flag_rate": Fraction(3, 5),
        "negative_flip_rate": Fraction(2, 5),
        "confident_negative_flip_rate": Fraction(1, 5),
    } == rates(sides("RRRrw", "WRrWR"))
    assert list(CHANGE_RATES) == list(CHANGES)


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn_and_pandas(seed: int) -> None:
    """Flips are cells of the table of right before by right now; confident ones of the part that stayed trusted."""
    random = np.random.default_rng(seed)
    letters = ["".join(random.choice(list("RRRWrw"), 300)) for _ in range(2)]
    both = sides(*letters)
    frame = pd.DataFrame({"before": list(letters[0]), "now": list(letters[1])})
    stayed = frame[frame["before"].str.isupper() & frame["now"].str.isupper()]
    table = confusion_matrix(frame["before"].str.upper(), frame["now"].str.upper(), labels=["R", "W"])
    change = sample_change(both, CLASSES)

    assert {
        "changed_prediction_rate": Fraction(int(table[0, 1] + table[1, 0]), 300),  # a wrong one is the same wrong class
        "changed_flag_rate": Fraction(int((frame["before"].str.isupper() != frame["now"].str.isupper()).sum()), 300),
        "negative_flip_rate": Fraction(int(table[0, 1]), 300),
        "confident_negative_flip_rate": Fraction(int(stayed.value_counts().get(("R", "W"), 0)), 300),
    } == rates(both)
    assert (table[0, 1], table[1, 0]) == (change.negative_flips, change.positive_flips)


@seldom
@given(PAIRS)
def test_gained_less_lost_is_the_change_of_accuracy(pairs: list[tuple[str, str]]) -> None:
    """Gained less lost is exactly the change of accuracy, and swapping the sides swaps both."""
    both = sides("".join(one for one, _ in pairs), "".join(one for _, one in pairs))
    there, back = sample_change(both, CLASSES), sample_change(under_one_rule(both.now, both.before), CLASSES)

    assert int(both.now.right.sum()) - int(both.before.right.sum()) == there.positive_flips - there.negative_flips
    assert (there.negative_flips, there.positive_flips) == (back.positive_flips, back.negative_flips)
    assert (there.changed_predictions, there.changed_flags) == (back.changed_predictions, back.changed_flags)
    assert there.confident_negative_flips <= there.negative_flips <= there.changed_predictions


# ---- the class that lost most --------------------------------------------------------------------------------------


def by_class(**lost: str) -> Sides:
    """Thirty samples of each of cat, dog and eel, all right before; now the letters given, the rest right."""
    columns = [lost.get(name, "").ljust(30, "R") for name in CLASSES]
    return sides("R" * 90, "".join("".join(row) for row in zip(*columns, strict=True)))


def test_the_class_that_lost_most_by_hand() -> None:
    """Of ten flips, each of a dog with 1/3, eight are dogs with 0.0034, over three classes 0.0102; nine stand out."""
    nearly, stands_out = by_class(dog="W" * 8, cat="WW"), by_class(dog="W" * 9, cat="W")

    assert 3 * float(stats.binom.sf(7, 10, 1 / 3)) == pytest.approx(0.0102, abs=1e-4)
    assert None is worst_class(nearly, CLASSES)
    assert ClassLoss(name="dog", samples=30, before=30, now=21) == worst_class(stands_out, CLASSES)
    assert worst_class(stands_out, CLASSES) == sample_change(stands_out, CLASSES).worst_class


def test_no_class_lost_most() -> None:
    """No class stands out if nothing is lost, more is gained, all fall alike, or only one had right answers."""
    wrong, right = "W" * 30, "R" * 30
    alone = "".join(map("".join, zip(right, wrong, wrong, strict=True)))

    assert None is worst_class(by_class(), CLASSES)
    gained = by_class(dog=wrong)
    assert None is worst_class(under_one_rule(gained.now, gained.before), CLASSES)
    assert None is worst_class(by_class(cat="W" * 20, dog="W" * 21, eel="W" * 20), CLASSES)
    assert None is worst_class(sides(alone, "W" * 90), CLASSES)


@pytest.mark.parametrize(("others", "is_named"), [(142, True), (143, False)])
def test_a_class_that_falls_little_more_than_the_others_is_not_named(others: int, *, is_named: bool) -> None:
    """A class must fall at least twice as far as all: 570 of 3,000 against 855 of 9,000, not against 856."""
    letters = np.full((3000, 3), "R")
    for number, count in enumerate((others, 570, others)):
        letters[:count, number] = "W"
    found = worst_class(sides("R" * 9000, "".join(letters.ravel())), CLASSES)

    assert (ClassLoss(name="dog", samples=3000, before=3000, now=2430) if is_named else None) == found


def test_a_class_is_seldom_named_by_chance() -> None:
    """If flips are spread evenly, a class is named in less than 1 % of runs."""
    random, runs = np.random.default_rng(0), 2000
    named = 0
    for _ in range(runs):
        now = np.where(random.random(90) < random.choice([0.02, 0.1, 0.4]), "W", "R")
        named += worst_class(sides("R" * 90, "".join(now)), CLASSES) is not None

    assert 0.01 * runs > named


@seldom
@given(PAIRS, st.integers(0, 1000))
def test_neither_the_order_of_samples_nor_a_doubling_matters(pairs: list[tuple[str, str]], seed: int) -> None:
    """Each rate is of the set of samples."""
    order = np.random.default_rng(seed).permutation(len(pairs))
    letters = ["".join(pair[side] for pair in pairs) for side in (0, 1)]
    shuffled = [outcomes_of(records_of(one).take(order), RULE) for one in letters]

    assert rates(sides(*letters)) == rates(under_one_rule(*shuffled)) == rates(sides(*(2 * one for one in letters)))
    assert {Fraction(0)} == set(rates(sides(letters[0], letters[0])).values())


def test_no_sample_has_no_rate_of_change() -> None:
    """Without samples a rate of change is undefined, not 0."""
    empty = [change_rate(name, sides("", "")) for name in CHANGE_RATES]

    assert {(None, "there is no image")} == {(rate.fraction, rate.reason) for rate in empty}


# ---- the flips that are listed -------------------------------------------------------------------------------------


def test_the_surest_flips_are_listed() -> None:
    """Twenty of 25, those of the highest confidence now first, and of equal confidence that of the lowest id."""
    confidence = np.repeat([0.7, 0.9, 0.8, 0.95, 0.85], 5)
    before, now = (outcomes_of(records_with(confidence, np.full(25, right)), RULE) for right in (True, False))
    change = sample_change(under_one_rule(before, now), CLASSES)
    listed = [(-flip.confidence_now, flip.sample_id) for flip in change.worst]

    assert (25, 20) == (change.confident_negative_flips, len(listed))
    assert sorted(zip((-confidence.astype(np.float32)).tolist(), range(25), strict=True))[:20] == listed


def test_a_predicted_class_without_a_name_is_its_number() -> None:
    """A model may know more classes than the data: where two have names, number 2 has none."""
    before, now = (outcomes_of(records_with([0.9, 0.9], [right] * 2), RULE) for right in (True, False))

    worst = sample_change(under_one_rule(before, now), CLASSES[:2]).worst
    assert {("cat", "dog"), ("dog", "2")} == {(flip.label, flip.now) for flip in worst}


# ---- at the baseline's coverage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_accuracy_at_a_coverage_against_a_sort(seed: int) -> None:
    """As many as before, from the one trusted most down, by pandas; without ties and with confidence alone deciding."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"confidence": random.uniform(0.34, 1, 400), "right": random.random(400) < 0.7})
    before = outcomes_of(records_with(random.uniform(0.34, 1, 400), random.random(400) < 0.7), RULE)
    now = outcomes_of(records_with(frame["confidence"], frame["right"]), RULE)
    (right, trusted), (counted, among) = at_coverage(under_one_rule(before, now))
    count = int(before.trusted.sum())

    assert 0 < count < 400
    assert count == trusted.sum() == among.sum()
    assert right.sum() == (before.right & before.trusted).sum()
    assert frame.nlargest(count, "confidence")["right"].sum() == counted.sum()


def test_the_part_at_the_baselines_coverage_by_hand() -> None:
    """Three of three trusted answers are right before; of the three trusted most now, two: a third less."""
    right = [True, True, True, False, False]
    before, now = (
        outcomes_of(records_with(sure, right), RULE)
        for sure in ([0.9, 0.8, 0.7, 0.5, 0.4], [0.9, 0.58, 0.34, 0.5, 0.57])
    )
    parts = decomposition(under_one_rule(before, now))

    assert parts is not None
    assert pytest.approx(-1 / 3) == parts.at_coverage
    assert decomposition(sides("RW", "rw")) is decomposition(sides("rw", "RW")) is None


@seldom
@given(st.text("RWrw", min_size=1, max_size=40), st.floats(0.5, 1.0))
def test_a_moved_threshold_changes_nothing_at_a_coverage(letters: str, scale: float) -> None:
    """Confidences that shrink alike trust fewer, and the same answers among as many as before."""
    random = np.random.default_rng(len(letters))
    confidence, right = random.uniform(0.34, 1, len(letters)), [letter in "Rr" for letter in letters]
    before, now = (outcomes_of(records_with(confidence * by, right), RULE) for by in (1.0, scale))
    (right_before, trusted), (right_now, among) = at_coverage(under_one_rule(before, now))

    assert trusted.tolist() == among.tolist()
    assert right_before.tolist() == right_now.tolist()

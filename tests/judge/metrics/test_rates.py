"""Counts and rates, checked by hand, against a loop, and by what must hold for any records."""

from __future__ import annotations

import dataclasses
import doctest
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from five import FIVE, RULE, records_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.metric import RateMetric
from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics import rates as metrics
from pytest_failaware.judge.metrics.rates import (
    AT_COVERAGE,
    DEFAULT_GATES,
    FOUNDING_RATES,
    METRICS,
    count_cells,
    stats_of,
)


def drawn(seed: int, count: int = 400) -> Records:
    """Random records in which all four cells occur."""
    random = np.random.default_rng(seed)
    return dataclasses.replace(
        records_of("R" * count),
        prediction=random.integers(0, 3, count).astype(np.uint16),
        confidence=random.uniform(0.34, 1, count).astype(np.float32),
        entropy=random.uniform(0, 1.5, count).astype(np.float32),
    )


def test_five_samples_by_hand() -> None:
    """Every founding number of five samples, as computed on paper."""
    cells = count_cells(records_of(FIVE), RULE)
    rates = stats_of("clean", records_of(FIVE), RULE).rates

    assert Cells(trusted_right=2, trusted_wrong=1, flagged_right=1, flagged_wrong=1) == cells
    assert {
        "accuracy": Fraction(3, 5),
        "failure_rate": Fraction(2, 5),
        "confident_accuracy": Fraction(2, 3),
        "failure_region_accuracy": Fraction(1, 2),
        "silent_failure_rate": Fraction(1, 5),
        "confident_correct_rate": Fraction(2, 5),
        "failure_recall": Fraction(1, 2),
        "flag_precision": Fraction(1, 2),
        "false_alarm_rate": Fraction(1, 3),
    } == {name: rate.fraction for name, rate in rates.items()}


@pytest.mark.parametrize("seed", range(3))
def test_against_a_loop_over_samples(seed: int) -> None:
    """The counts and rates equal those of a loop written from the definitions, one sample at a time."""
    records, rule = drawn(seed), FailureRule(confidence=0.7, entropy=0.9)
    seen = []
    for label, prediction, confidence, entropy in zip(
        records.label, records.prediction, records.confidence, records.entropy, strict=True
    ):
        seen.append((bool(confidence < np.float32(0.7) or entropy > np.float32(0.9)), bool(label == prediction)))
    trusted = [right for flagged, right in seen if not flagged]
    distrusted = [right for flagged, right in seen if flagged]
    wrong, correct = ([flagged for flagged, right in seen if right is kind] for kind in (False, True))
    rates = stats_of("clean", records, rule).rates

    assert {
        "accuracy": sum(right for _, right in seen) / len(seen),
        "failure_rate": len(distrusted) / len(seen),
        "confident_accuracy": sum(trusted) / len(trusted),
        "failure_region_accuracy": sum(distrusted) / len(distrusted),
        "silent_failure_rate": trusted.count(False) / len(seen),
        "confident_correct_rate": trusted.count(True) / len(seen),
        "failure_recall": wrong.count(True) / len(wrong),
        "flag_precision": distrusted.count(False) / len(distrusted),
        "false_alarm_rate": correct.count(True) / len(correct),
    } == pytest.approx({name: rate.value for name, rate in rates.items()})


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_samples_does_not_matter(seed: int) -> None:
    """A permutation keeps the counts, and the counts add up to the samples."""
    records = drawn(seed)
    order = np.random.default_rng(seed + 100).permutation(len(records))
    shuffled = records.take(order)

    assert count_cells(records, RULE) == count_cells(shuffled, RULE)
    assert 400 == count_cells(records, RULE).samples


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(st.text("RWrw", min_size=1, max_size=30))
def test_the_rates_add_up(letters: str) -> None:
    """The parts of all samples make 1; wrong and flagged is one number, counted among the wrong or the flagged."""
    of = {
        name: rate.fraction if rate.fraction is not None else Fraction(0)
        for name, rate in stats_of("clean", records_of(letters), RULE).rates.items()
    }

    assert 1 == of["confident_correct_rate"] + of["silent_failure_rate"] + of["failure_rate"]
    assert of["confident_accuracy"] * (1 - of["failure_rate"]) == of["confident_correct_rate"]
    assert of["failure_recall"] * (1 - of["accuracy"]) == of["flag_precision"] * of["failure_rate"]
    assert of["false_alarm_rate"] * of["accuracy"] == of["failure_region_accuracy"] * of["failure_rate"]
    assert of["silent_failure_rate"] == 1 - of["accuracy"] - of["flag_precision"] * of["failure_rate"]


def test_a_stricter_rule_only_moves_samples_to_the_flagged() -> None:
    """A stricter rule keeps right and wrong, and only shrinks the trusted cells."""
    records = drawn(7)
    loose, strict = (count_cells(records, FailureRule(confidence=c, entropy=None)) for c in (0.5, 0.8))

    assert loose.trusted_right + loose.flagged_right == strict.trusted_right + strict.flagged_right
    assert loose.trusted_right > strict.trusted_right
    assert loose.trusted_wrong > strict.trusted_wrong


@pytest.mark.parametrize(
    ("letters", "undefined"),
    [
        ("RW", {"failure_region_accuracy", "flag_precision"}),
        ("rw", {"confident_accuracy"}),
        ("Rr", {"failure_recall"}),
        ("Ww", {"false_alarm_rate"}),
        ("", set(METRICS)),
        (FIVE, set()),
    ],
)
def test_an_empty_region_has_no_rate_but_a_reason(letters: str, undefined: set[str]) -> None:
    """A rate with the denominator 0 is None with a reason; other rates have a number and no reason."""
    rates = stats_of("clean", records_of(letters), RULE).rates

    assert undefined == {name for name, rate in rates.items() if rate.fraction is None}
    assert undefined == {name for name, rate in rates.items() if rate.value is None}
    assert undefined == {name for name, rate in rates.items() if rate.reason}


def test_a_rate_of_ones_own_counts_inside_its_part() -> None:
    """RRWrw of classes 0, 1, 2, 0, 1: both of class 0 are right, one is flagged; what is of another does not count."""
    records = records_of(FIVE)
    flagged = RULE.flags_of(records)
    own = RateMetric(name="own", masks=lambda r, f: (r.correct & ~f, r.label == 0), higher_is_better=True)
    nothing = RateMetric(name="own", masks=lambda r, f: (r.correct, r.label == 7), higher_is_better=True)

    assert Fraction(1, 2) == own.measure(records, flagged).fraction
    assert (None, "no sample is considered") == (
        nothing.measure(records, flagged).fraction,
        nothing.measure(records, flagged).reason,
    )


def test_counts_are_plain_integers() -> None:
    """numpy's integers cannot travel between processes."""
    cells = count_cells(records_of(FIVE), RULE)

    assert [int] * 4 == [type(getattr(cells, name)) for name in Cells.__slots__]


def test_the_table_of_metrics() -> None:
    """Two gates ask whether the model is worse, two whether the promise is kept; each has its tolerance."""
    former = {"accuracy", "confident_accuracy", "silent_failure_rate"}
    assert ("accuracy", AT_COVERAGE.name, "confident_accuracy", "confident_correct_rate") == DEFAULT_GATES
    assert {*former, "confident_correct_rate", "failure_rate", "failure_region_accuracy"} == set(FOUNDING_RATES)
    assert {"failure_recall", "flag_precision", "false_alarm_rate"} == set(METRICS) - set(FOUNDING_RATES)
    assert {Decimal("0.005")} == {AT_COVERAGE.tolerance, *(METRICS[name].tolerance for name in former)}
    assert Decimal("0.05") == METRICS["confident_correct_rate"].tolerance
    assert {Decimal("0.01")} == {METRICS[name].tolerance for name in set(METRICS) - former - set(DEFAULT_GATES)}
    assert list(METRICS) == [metric.name for metric in METRICS.values()]


def test_the_examples_in_the_docstrings_hold() -> None:
    """The examples in the docstrings hold."""
    done = doctest.testmod(metrics)

    assert 0 == done.failed
    assert done.attempted > 0

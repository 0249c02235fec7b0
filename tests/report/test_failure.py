"""The text of a failure, whose numbers add up."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from judged import EVIDENCE, result

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.result import (
    ClassLoss,
    Comparison,
    Decomposition,
    ItemResult,
    SampleChange,
    Verdict,
)
from pytest_failaware.report.failure import failure_lines

CHANGE = SampleChange(
    samples=15,
    changed_predictions=5,
    changed_flags=1,
    negative_flips=4,
    positive_flips=1,
    confident_negative_flips=3,
    known_label_errors=0,
    worst_class=ClassLoss(name="cat", samples=5, before=4, now=1),
)


def failed(metric: str, before: int, now: int, lost: int, gained: int, **more: object) -> ItemResult:
    """Return an item with one regressed rate over all 15 samples."""
    comparison = Comparison(
        metric=metric,
        reference=Estimate(numerator=before, denominator=15),
        current=Estimate(numerator=now, denominator=15),
        allowed=Decimal("0.005"),
        verdict=Verdict.REGRESSED,
        evidence=dataclasses.replace(EVIDENCE, lost=lost, gained=gained),
    )
    return result("blur", Verdict.REGRESSED, comparisons=(comparison,), **more)


@pytest.mark.parametrize(
    ("metric", "before", "now", "lost", "gained", "words"),
    [
        ("accuracy", 12, 9, 4, 1, "12 -> 9; 4 lost, 1 gained"),
        ("confident_correct_rate", 12, 9, 3, 0, "12 -> 9; 3 lost, 0 gained"),
        ("accuracy", 9, 12, 1, 4, "9 -> 12; 1 lost, 4 gained"),  # non-inferiority could not be shown
        ("silent_failure_rate", 3, 6, 4, 1, "3 -> 6; 4 new, 1 gone"),
        ("silent_failure_rate", 0, 5, 5, 0, "0 -> 5; 5 new, 0 gone"),
        ("silent_failure_rate", 6, 3, 1, 4, "6 -> 3; 1 new, 4 gone"),
        ("false_alarm_of_my_own", 3, 6, 4, 1, "3 -> 6; 4 new, 1 gone"),  # a hook's, lower is better
        ("failure_rate", 3, 6, 4, 1, "3 -> 6; 4 new, 1 gone"),  # either is worse: it rose
        ("failure_rate", 6, 3, 4, 1, "6 -> 3; 4 lost, 1 gained"),  # it fell
        ("silent_failure_rate", 3, 3, 2, 2, "3 -> 3; 2 changed each way"),
        ("accuracy", 9, 9, 2, 2, "9 -> 9; 2 changed each way"),
    ],
)
def test_flips_add_up_to_the_change(metric: str, before: int, now: int, lost: int, gained: int, words: str) -> None:
    """Flips add up to the change; lower-is-better metrics have new and gone samples."""
    lines = list(failure_lines(failed(metric, before, now, lost, gained)))

    assert f"    on these 15 samples: {words}" == lines[2]


@pytest.mark.parametrize(
    ("metric", "meaning"),
    [
        ("confident_correct_rate", " (trusted and right / all)"),
        ("silent_failure_rate", " (trusted and wrong / all)"),
        ("confident_accuracy", " (right / trusted)"),
        ("failure_rate", " (flagged / all)"),
        ("accuracy", ""),
        ("augrc", ""),
    ],
)
def test_a_rate_is_said_in_words(metric: str, meaning: str) -> None:
    """A rate is explained in words beside its name, once per failure."""
    text = "\n".join(failure_lines(failed(metric, 12, 9, 4, 1)))

    assert f"  {metric}{meaning}: 80.00% -> 60.00%" in text
    assert not meaning or 1 == text.count(meaning)


def test_the_flips_are_not_counted_twice() -> None:
    """Flips are counted only if the text on accuracy does not have the lost and gained answers."""
    of_accuracy = list(failure_lines(failed("accuracy", 12, 9, 4, 1, change=CHANGE)))
    of_another = list(failure_lines(failed("silent_failure_rate", 3, 6, 4, 1, change=CHANGE)))

    assert "  flips: 3 of the 4 lost answers were trusted both times" in of_accuracy
    assert "  flips: 4 right before, wrong now (3 trusted both times); 1 the reverse" in of_another


@pytest.mark.parametrize(("at_coverage", "is_said"), [(-0.1, False), (-0.05, True), (-0.10004, False)])
def test_what_the_threshold_does_not_change_is_not_repeated(at_coverage: float, is_said: bool) -> None:
    """The change at the threshold is shown only if the change at equal coverage differs."""
    parts = Decomposition(answers=-0.1, entered=0.0, left=0.0, at_coverage=at_coverage)
    lines = failure_lines(failed("accuracy", 12, 9, 4, 1, change=dataclasses.replace(CHANGE, decomposition=parts)))

    assert is_said == any("at the threshold" in line for line in lines)


def test_the_class_that_fell_most_is_not_called_the_worst() -> None:
    """The class that fell most is not called the worst: another class can be lower."""
    lines = list(failure_lines(failed("accuracy", 12, 9, 4, 1, change=CHANGE)))

    assert "  hardest hit class: 'cat', 80.00% -> 20.00% of 5 samples" in lines


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict.fails])
def test_a_failure_names_no_command(verdict: Verdict) -> None:
    """A failure names no command, because a laptop and a CI server need different ones."""
    text = "\n".join(failure_lines(result("blur", verdict, differences=("seed: baseline 0, now 1",))))

    assert "--failaware-update" not in text
    assert (verdict in (Verdict.MISSING, Verdict.INCOMPARABLE, Verdict.DRIFTED)) == ("end of the log" in text)

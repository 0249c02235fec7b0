"""Remedies of the two checkpoints, and sides that trust nothing: numbers that other scripts gave before."""

from __future__ import annotations

import pytest
from real_checkpoints import CONDITIONS, Side, judged

RANKING, CONFIDENT, CORRECT = "confident_accuracy_at_coverage", "confident_accuracy", "confident_correct_rate"
MOVED = "operating_point_moved"


# ---- remedies ------------------------------------------------------------------------------------------------------


def test_green_is_no_proof(earlier: Side, later: Side) -> None:
    """Under the rule .648 / .926 nothing is red, and low_light is 1.7 points beyond the tolerance, p .0013 (z 3.0)."""
    test = judged(earlier, later, "confidence < 0.648 or entropy > 0.926")
    comparison = test.comparison("low_light", CONFIDENT)

    assert {} == test.verdicts
    assert 1.74 == pytest.approx(100 * (comparison.reference.value - comparison.current.value) - 0.5, abs=0.01)
    assert comparison.evidence is not None
    assert 0.00133 == pytest.approx(comparison.evidence.p_beyond, rel=0.01)


def test_the_ranking_cannot_be_proven_by_a_remedy(earlier: Side, later: Side) -> None:
    """In low_light a worse ranking is not excluded, p .4, so a remedy can prove the promise alone."""
    evidence = judged(earlier, later).comparison("low_light", RANKING).evidence

    assert evidence is not None
    assert 0.4 == pytest.approx(evidence.p_within, abs=0.02)


@pytest.mark.parametrize(
    ("rule", "trusted", "right", "price"),
    [
        ("confidence < 0.6 or entropy > 1.0", (0.80, 0.54, 0.47, 0.57), (90.7, 38.6, 38.0, 82.4), 5.8),
        ("confidence < 0.776 or entropy > 0.773", (0.70, 0.41, 0.29, 0.42), (94.3, 42.4, 45.1, 87.9), -3.8),
        ("confidence < 0.6 or entropy > 1.0 at temperature 1.195", (0.74, 0.41, 0.31, 0.43), (92.8, 43.0, 44.5, 87.8),
         -2.9),
    ],
)  # fmt: skip
def test_what_a_remedy_keeps(
    earlier: Side, later: Side, rule: str, trusted: tuple[float, ...], right: tuple[float, ...], price: float
) -> None:
    """The share of trusted samples, the right share of them, and the price in low_light, with a remedy and without."""
    test = judged(earlier, later, rule)
    rates = [test.results[key].stats.rates for key in CONDITIONS]
    correct = test.comparison("low_light", CORRECT)

    assert trusted == pytest.approx([1 - one["failure_rate"].value for one in rates], abs=0.0055)
    assert right == pytest.approx([100 * one["confident_accuracy"].value for one in rates], abs=0.2)
    assert price == pytest.approx(100 * (correct.current.value - correct.reference.value), abs=0.06)


# ---- no hole -------------------------------------------------------------------------------------------------------


def test_a_candidate_that_trusts_nothing_is_moved(later: Side) -> None:
    """At temperature 1.8, 2.8 % of blurred images are trusted and 2.46 % also right; flagging all is moved at p 1."""
    cold = later.times(1 / 1.8)
    test = judged(cold, cold, "confidence < 0.6 or entropy > 1.0 at temperature 100")
    correct = test.comparison("blur", CORRECT)

    assert dict.fromkeys(CONDITIONS, MOVED) == test.verdicts
    assert 0.0246 == correct.reference.value
    assert correct.evidence is not None
    assert 1.0 == pytest.approx(correct.evidence.p_beyond)


def test_a_baseline_that_trusts_nothing_is_judged_by_silent_failures(later: Side) -> None:
    """Against a baseline that flags everything, trusted wrong answers are moved by silent_failure_rate alone."""
    test = judged(later.times(0.01), later)

    assert dict.fromkeys(CONDITIONS, MOVED) == test.verdicts
    assert {key: ["silent_failure_rate"] for key in CONDITIONS} == test.red

"""The text of a failure, whose numbers add up."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from judged import EVIDENCE, result

from pytest_failaware.core.estimates import Estimate, Score
from pytest_failaware.core.result import (
    ClassLoss,
    Comparison,
    CoverageWay,
    Decomposition,
    ItemResult,
    SampleChange,
    SeedSpread,
    Verdict,
    WayEvidence,
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

    assert f"      on these 15 samples: {words}" == lines[3]


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
    worse = failed("accuracy", 12, 9, 4, 1, change=dataclasses.replace(CHANGE, decomposition=parts))
    lines = failure_lines(worse, verbosity=1)

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


def moved(**more: object) -> ItemResult:
    """Return an item whose promise is broken, by both of its metrics, while two gates on the model are not red."""
    (comparison,) = failed("accuracy", 12, 9, 4, 1).comparisons
    verdicts = {
        "accuracy": Verdict.PASSED,
        "confident_accuracy_at_coverage": Verdict.PASSED,
        "confident_accuracy": Verdict.OPERATING_POINT_MOVED,
        "confident_correct_rate": Verdict.OPERATING_POINT_MOVED,
    }
    gates = tuple(dataclasses.replace(comparison, metric=name, verdict=verdict) for name, verdict in verdicts.items())
    return result("low_light", Verdict.OPERATING_POINT_MOVED, comparisons=gates, change=CHANGE, **more)


def test_a_moved_point_starts_with_its_act_and_keeps_the_questions_apart() -> None:
    """The act comes first; the model's question has the changes that are not proven, the promise has its gates."""
    lines = list(failure_lines(moved()))
    model, promise = (
        next(place for place, line in enumerate(lines) if word in line) for word in ("model worse", "promise?")
    )

    assert "choose another rule: test_x[low_light]: breaks the promise of baseline 'toy'" == lines[0]
    assert lines[model].startswith("  Is the model worse? not proven: accuracy -20.00 pt, confident_accuracy_at_")
    assert "  Does the pair of model and rule keep its promise? no: 15 -> 15 trusted" == lines[promise]
    assert promise == model + 1
    assert lines[promise + 1].endswith(": OPERATING POINT MOVED")


def test_one_failure_fits_a_screen() -> None:
    """Before -v a failure with many gates and long names fits 24 lines of 100 columns; -v shows every proof."""
    names = ["accuracy", "confident_accuracy_at_coverage", "confident_accuracy", "confident_correct_rate"]
    names += [f"my_own_metric_of_the_customer_number_{number}" for number in range(5)]
    (comparison,) = failed("accuracy", 12, 9, 4, 1).comparisons
    gates = tuple(dataclasses.replace(comparison, metric=name) for name in names)
    parts = Decomposition(answers=-0.1, entered=0.0, left=0.0, at_coverage=-0.05)
    crowded = dataclasses.replace(
        result("gaussian_noise(sigma=0.08)", Verdict.REGRESSED),
        baseline="the_baseline_of_the_first_customer",
        comparisons=gates,
        change=dataclasses.replace(CHANGE, decomposition=parts),
        notes=("paired on 4,998 of 5,000; 2 new", "n" * 150),
        causes=("model 715a2a4f -> 4bcd928e", "torch 2.9.1+cu128 -> 2.10.0+cpu", "device cuda -> cpu", "dtype a -> b"),
    )
    lines, long = list(failure_lines(crowded)), list(failure_lines(crowded, verbosity=1))

    assert sum(-(-len(line) // 96) for line in lines) <= 24
    assert "    and 5 more failed gates, shown at -v" in lines
    assert 2 == sum("on these 15 samples" in line for line in lines)
    assert len(gates) == sum("on these 15 samples" in line for line in long)


def test_the_ways_of_the_ranking_come_at_v() -> None:
    """With -v a worse ranking has one line for each way to the coverage of the baseline."""
    rate = Estimate(numerator=9, denominator=12)
    evidence = dataclasses.replace(
        EVIDENCE,
        ways=(
            WayEvidence(way=CoverageWay.THRESHOLDS, current=rate, p_beyond=0.0002),
            WayEvidence(way=CoverageWay.TEMPERATURE, current=rate, p_beyond=0.0003),
        ),
    )
    worse = failed("confident_accuracy_at_coverage", 12, 9, 4, 1)
    (comparison,) = (dataclasses.replace(gate, evidence=evidence) for gate in worse.comparisons)
    worse = dataclasses.replace(worse, comparisons=(comparison,))
    short, long = (list(failure_lines(worse, verbosity=level)) for level in (0, 1))

    assert [
        "        both stored thresholds scaled: 75.00% (9 of 12), p 0.0002",
        "        one temperature, stored thresholds: 75.00% (9 of 12), p 0.0003",
    ] == [line for line in long if line not in short]


def test_a_red_against_a_recipe_names_the_range_of_its_seeds() -> None:
    """The text says where the seeds lie and how much more they vary than chance; there are no flips of a mean."""
    evidence = dataclasses.replace(
        EVIDENCE,
        lost=None,
        gained=None,
        seeds=SeedSpread(count=5, low=0.86, high=0.872, over_chance=4.25),
    )
    comparison = Comparison(
        metric="accuracy",
        reference=Score(value=0.866, is_rate=True),
        current=Estimate(numerator=841, denominator=1000),
        allowed=Decimal("0.005"),
        verdict=Verdict.REGRESSED,
        evidence=evidence,
    )
    text = "\n".join(line for line in failure_lines(result("blur", Verdict.REGRESSED, comparisons=(comparison,))))

    assert "worse than the recipe of baseline 'toy' usually is" in text
    assert "worse than this recipe usually is: 84.10%, its 5 seeds 86.00 to 87.20%" in text
    assert "their variance is 4.2 times that of chance" in text
    assert "as one more seed of the recipe: proven to be more than 0.50 pt worse" in text

"""Verdicts from counts: exact at the tolerance, never a pass where nothing could be compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from five import FIVE, RULE, baseline_of, measurement_of, records_of, with_columns

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.measurement import ELSEWHERE, Measurement
from pytest_failaware.core.records import SCORES
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import BoundCheck, Comparison, ItemResult, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.metrics.rates import DEFAULT_GATES
from pytest_failaware.judge.verdict import Terms, judge


def compared(before: str, now: str, **gate: Any) -> ItemResult:  # Any: a marker's arguments
    """Letters now against letters stored, under a marker's arguments."""
    return against(measurement_of(before), measurement_of(now), **gate)


def against(before: Measurement, now: Measurement, *, paired: bool = True, **gate: Any) -> ItemResult:
    """A measurement against the baseline that holds another one."""
    return judge(
        now,
        Reference(
            name="small",
            key=now.condition.key,
            baseline=baseline_of(before),
            records=before.records if paired else None,
        ),
        build_gate(gate),
        Terms(nodeid="t.py::test_x[clean]"),
    )


def without_baseline(letters: str = FIVE, **gate: Any) -> ItemResult:
    """The verdict where there is no file."""
    return judge(
        measurement_of(letters),
        Reference(name="small", key=measurement_of(letters).condition.key),
        build_gate(gate),
        Terms(nodeid="t.py::test_x"),
    )


def only(result: ItemResult, metric: str) -> Comparison:
    """The one comparison of a metric."""
    (found,) = [one for one in result.comparisons if one.metric == metric]
    return found


# ---- tolerance -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right_before", "right_now", "verdict"),
    [
        (1400, 1390, Verdict.WORSE_WITHIN_TOLERANCE),  # in floats 0.7 - 0.695 is more than 0.005
        (1400, 1389, Verdict.INCONCLUSIVE),
        (1390, 1400, Verdict.PASSED),
        (1389, 1400, Verdict.IMPROVED),
        (1400, 1000, Verdict.REGRESSED),
        (1000, 1400, Verdict.IMPROVED),
    ],
)
def test_a_drop_of_exactly_the_tolerance_passes(right_before: int, right_now: int, verdict: Verdict) -> None:
    """On 2,000 images 0.005 is 10 images; more than 10 are beyond, in fractions and not in floats; 400 prove it."""
    letters = ["R" * right + "W" * (2000 - right) for right in (right_before, right_now)]
    result = compared(*letters, metrics=["accuracy"])

    assert (verdict, "0.005") == (result.comparisons[0].verdict, str(result.comparisons[0].allowed))
    assert verdict is result.verdict
    assert right_before == getattr(result.comparisons[0].reference, "numerator", None)
    assert right_now == result.comparisons[0].current.numerator


@pytest.mark.parametrize(
    ("metric", "before", "now", "verdict"),
    [
        ("silent_failure_rate", "RRRW", "RRWW", Verdict.REGRESSED),
        ("silent_failure_rate", "RRWW", "RRRW", Verdict.IMPROVED),
        ("confident_correct_rate", "RRrr", "Rrrr", Verdict.OPERATING_POINT_MOVED),
        ("confident_accuracy", "RRWr", "RWrr", Verdict.OPERATING_POINT_MOVED),
        ("failure_rate", "RRRr", "RRrr", Verdict.REGRESSED),
        ("failure_rate", "RRrr", "RRRr", Verdict.REGRESSED),
        ("failure_region_accuracy", "RRwr", "RRrr", Verdict.REGRESSED),
        ("failure_region_accuracy", "RRrr", "RRrw", Verdict.REGRESSED),
        ("failure_rate", "RRrr", "RRrw", Verdict.PASSED),
    ],
)
def test_each_metric_falls_in_its_own_direction(metric: str, before: str, now: str, verdict: Verdict) -> None:
    """Silent failures may not rise, trust may not fall, and what has no good direction may not move."""
    found = only(compared(100 * before, 100 * now, metrics=[metric]), metric)

    assert verdict is found.verdict


def test_the_tolerance_is_the_decimal_that_was_typed() -> None:
    """A drop of 3 in 10 is not more than 0.3, though the float 0.3 is a little less than 3/10."""
    assert Verdict.PASSED is compared("R" * 10, "R" * 7 + "W" * 3, tolerance=0.3).verdict


def test_the_item_is_as_bad_as_its_worst_metric() -> None:
    """Better accuracy does not buy more silent failures."""
    result = compared(100 * "RRww", 100 * "RRrW", metrics=["accuracy", "silent_failure_rate"])

    assert Verdict.IMPROVED is only(result, "accuracy").verdict
    assert Verdict.REGRESSED is only(result, "silent_failure_rate").verdict
    assert Verdict.REGRESSED is result.verdict


def test_only_the_gating_metrics_are_compared() -> None:
    """A metric that is not named cannot fail, but its rate is reported."""
    result = compared("RRRR", "RRWW", metrics=["failure_rate"])

    assert ["failure_rate"] == [one.metric for one in result.comparisons]
    assert Verdict.PASSED is result.verdict
    assert 2 == result.stats.rates["accuracy"].numerator


def test_a_tolerance_of_one_metric_is_its_own() -> None:
    """A wide margin on one metric leaves the others strict."""
    gate = {"tolerance": {"accuracy": 0.25}, "metrics": ["accuracy", "confident_correct_rate"]}
    result = compared(100 * "RRRR", 100 * "RRRW", **gate)

    found = only(result, "accuracy")
    assert (Verdict.WORSE_WITHIN_TOLERANCE, "0.25") == (found.verdict, str(found.allowed))
    assert Verdict.REGRESSED is only(result, "confident_correct_rate").verdict


# ---- unchanged -----------------------------------------------------------------------------------------------------


def test_identical_records_are_unchanged() -> None:
    """The same predictions, flags and scores: unchanged, whatever the model's hash."""
    result = against(measurement_of(), measurement_of(model="sha256:other"))

    assert (Verdict.UNCHANGED, (), ()) == (result.verdict, result.differences, result.notes)
    assert not any(one.verdict.fails for one in result.comparisons)


def test_equal_counts_of_other_samples_are_passed_not_unchanged() -> None:
    """Two samples that change places keep every rate, and are not identical."""
    assert Verdict.PASSED is compared("RW", "WR").verdict


@pytest.mark.parametrize("score", SCORES)
def test_scores_are_identical_within_one_part_in_ten_thousand(score: str) -> None:
    """5e-5 is kernel noise, 5e-4 is a change; a logit of 1000 may differ by 0.05."""
    size = 1000.0 if score == "max_logit" else 1.0
    stored = records_of()
    near, far = (
        dataclasses.replace(stored, **{score: getattr(stored, score) + np.float32(size * shift)})
        for shift in (5e-5, 5e-4)
    )

    assert records_equal(stored, near, RULE)
    assert records_equal(near, stored, RULE)
    assert not records_equal(stored, far, RULE)


@pytest.mark.parametrize("column", ["sample_id", "label", "prediction"])
def test_ids_labels_and_predictions_must_be_the_same(column: str) -> None:
    """One sample that differs is enough."""
    stored = records_of()
    changed = getattr(stored, column).copy()
    changed[-1] += 1

    assert not records_equal(stored, with_columns(stored, **{column: changed}), RULE)
    assert not records_equal(stored, records_of("RRWr"), RULE)


def test_a_flag_that_flips_within_the_score_tolerance_is_a_change() -> None:
    """A confidence just across the threshold decides differently."""
    stored = records_of()
    sides = [
        dataclasses.replace(stored, confidence=np.full(5, confidence, dtype=np.float32))
        for confidence in (0.60001, 0.59999)
    ]

    assert not records_equal(*sides, RULE)
    assert records_equal(*sides, FailureRule(confidence=0.5))


# ---- nothing to compare with ---------------------------------------------------------------------------------------


def test_no_baseline_is_missing() -> None:
    """Nothing is compared and the statistics are there."""
    result = without_baseline()

    assert (Verdict.MISSING, (), ()) == (result.verdict, result.comparisons, result.differences)
    assert ("t.py::test_x", "small", 5) == (result.nodeid, result.baseline, result.stats.cells.samples)


def test_a_baseline_without_the_condition_is_missing() -> None:
    """An entry of one condition says nothing about another."""
    result = against(measurement_of(condition="blur"), measurement_of(condition="clean"))

    assert (Verdict.MISSING, ()) == (result.verdict, result.comparisons)


def test_bounds_are_compared_without_a_baseline() -> None:
    """A literal minimum is judged even where nothing is stored."""
    result = without_baseline(minimum={"accuracy": 0.61})

    assert Verdict.MISSING is result.verdict
    assert [Verdict.BELOW_MINIMUM] == [one.verdict for one in result.comparisons]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"first_id": 20}, ["samples: the same number, but other samples"]),
        ({"letters": "RRWr"}, ["baseline 5, now 4; failaware_dataset_change = shared in the ini compares the 4 that"]),
        ({"classes": ("cat", "dog", "emu")}, ["classes: ", "'eel'", "'emu'"]),
        ({"classes": ("cat", "dog")}, ["classes: ", "'eel'"]),
        ({"classes": ("dog", "cat", "eel")}, ["classes: ", "order"]),
        ({"preprocessing": "resize=64"}, ["preprocessing: baseline 'resize=32', now 'resize=64'"]),
    ],
)
def test_other_data_is_incomparable(now: dict[str, Any], words: list[str]) -> None:
    """Numbers of different images, labels or pixels are not compared, and the difference is named."""
    result = against(measurement_of(), measurement_of(**now))

    assert Verdict.INCOMPARABLE is result.verdict
    assert [] == [word for word in words if word not in "\n".join(result.differences)]
    assert () == result.comparisons


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"seed": 1}, "seed: baseline 1, now 0"),
        ({"implementation": 7}, "implementation: baseline 7, now 1"),
        ({"parameters": (("sigma", 0.1),)}, "parameters: baseline {'sigma': 0.1}, now {'sigma': 0.3}"),
    ],
)
def test_another_degradation_is_incomparable(change: dict[str, Any], difference: str) -> None:
    """The seed, the parameters and the implementation are part of what the numbers are numbers of."""
    now = measurement_of(condition="gaussian_noise")
    baseline = baseline_of(now)
    entry = baseline.entries["gaussian_noise"]
    if "seed" not in change:
        change = {"condition": dataclasses.replace(entry.condition, **change)}
    other = dataclasses.replace(baseline, entries={"gaussian_noise": dataclasses.replace(entry, **change)})
    result = judge(
        now,
        Reference(name="small", key=now.condition.key, baseline=other, records=now.records),
        build_gate({}),
        Terms(nodeid="t"),
    )

    assert (Verdict.INCOMPARABLE, (difference,)) == (result.verdict, result.differences)


def test_many_classes_are_named_briefly() -> None:
    """A thousand new names do not fill the screen."""
    now = measurement_of(classes=tuple(f"class{number:04}" for number in range(1000)))
    result = against(measurement_of(), now)

    assert len("".join(result.differences)) < 400


# ---- another rule --------------------------------------------------------------------------------------------------


def test_each_side_is_judged_under_its_own_rule() -> None:
    """Of five samples the stored rule trusts three, two of them right; the new rule trusts all, three right."""
    result = compared(FIVE, FIVE, rule="confidence < 0.4")
    found = only(result, "confident_accuracy")

    assert (2, 3) == (found.reference.numerator, found.reference.denominator)
    assert (3, 5) == (found.current.numerator, found.current.denominator)
    assert f"rule changed: {RULE} -> confidence < 0.4" == result.rule_change
    assert Verdict.UNCHANGED is not result.verdict
    assert "" == compared(FIVE, FIVE).rule_change


def test_a_bound_speaks_of_the_candidate_under_the_configured_rule() -> None:
    """The configured rule trusts all five samples, three of them right; what the stored rule says does not matter."""
    for bound, verdict in (("0.6", Verdict.PASSED), ("0.61", Verdict.BELOW_MINIMUM)):
        result = compared(FIVE, FIVE, rule="confidence < 0.4", minimum={"confident_accuracy": bound})
        check = next(one for one in result.comparisons if isinstance(one, BoundCheck))

        assert (3, 5, verdict) == (check.current.numerator, check.current.denominator, check.verdict)


def test_a_new_rule_alone_changes_flags() -> None:
    """Each side has the flags of its own rule: the two flagged samples are trusted now."""
    result = compared(FIVE, FIVE, rule="confidence < 0.4", maximum={"changed_flag_rate": "0.3"})

    assert result.change is not None
    assert (2, 0) == (result.change.changed_flags, result.change.changed_predictions)
    assert Verdict.ABOVE_MAXIMUM is only(result, "changed_flag_rate").verdict


def test_without_samples_nothing_is_compared() -> None:
    """Neither equal counts nor a lower one: the rates stand beside each other for orientation alone."""
    for now in (FIVE, "RRWWW"):
        result = against(measurement_of(), measurement_of(now), paired=False)

        assert (Verdict.INCOMPARABLE, ()) == (result.verdict, result.comparisons)
        assert ("the stored outcome of its samples is not known",) == result.differences
        assert "3/5" == str(result.stored["accuracy"].fraction)


def test_absent_files_are_named() -> None:
    """A golden reference that is lost makes the entry incomparable though its own samples are there."""
    now = measurement_of()
    result = judge(
        now,
        Reference(
            name="small",
            key=now.condition.key,
            baseline=baseline_of(now),
            records=now.records,
            absence="sample files absent: small/clean.golden.npz",
        ),
        build_gate({"minimum": {"accuracy": 0.9}}),
        Terms(nodeid="t"),
    )

    assert (Verdict.INCOMPARABLE, ("sample files absent: small/clean.golden.npz",)) == (
        result.verdict,
        result.differences,
    )
    assert [Verdict.BELOW_MINIMUM] == [one.verdict for one in result.comparisons]


# ---- undefined rates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "metrics", "verdict"),
    [
        ("RW", "rw", ["confident_accuracy", "confident_correct_rate"], Verdict.OPERATING_POINT_MOVED),
        ("RW", "rw", ["confident_accuracy"], Verdict.OPERATING_POINT_MOVED),
        ("RW", "rw", ["confident_accuracy", "silent_failure_rate"], Verdict.OPERATING_POINT_MOVED),
        ("Rw", "RW", ["failure_region_accuracy", "silent_failure_rate"], Verdict.INCOMPARABLE),
        ("RW", "Rw", ["failure_region_accuracy", "confident_correct_rate"], Verdict.INCOMPARABLE),
        ("RW", "RR", ["failure_region_accuracy"], Verdict.PASSED),
    ],
)
def test_an_undefined_rate_passes_only_where_another_gate_judges_it(
    before: str, now: str, metrics: list[str], verdict: Verdict
) -> None:
    """A model that trusts nothing moved; a rate that only one side has is not comparable."""
    found = only(compared(before, now, metrics=metrics), metrics[0])

    assert verdict is found.verdict
    assert found.note


@pytest.mark.parametrize(
    ("metrics", "judged"),
    [
        (["confident_accuracy"], ["silent_failure_rate"]),
        (["accuracy", "confident_accuracy_at_coverage"], ["accuracy", "silent_failure_rate"]),
        (DEFAULT_GATES, ["accuracy", "silent_failure_rate", "confident_correct_rate"]),
        (["silent_failure_rate", "confident_accuracy"], ["silent_failure_rate"]),
        (["accuracy", "confident_correct_rate"], ["accuracy", "confident_correct_rate"]),
    ],
)
def test_a_baseline_that_trusts_nothing(metrics: Sequence[str], judged: list[str]) -> None:
    """Silent failures are judged instead of what needs trusted answers, gate or not, and the note says why."""
    result = compared(200 * "rrrw", 200 * "RRRw", metrics=list(metrics))
    notes = [comparison.note for comparison in result.comparisons if comparison.metric == "silent_failure_rate"]

    assert judged == [comparison.metric for comparison in result.comparisons]
    assert not result.verdict.fails
    assert all(note.endswith(": the baseline trusts fewer than one sample in a hundred") for note in notes)


@pytest.mark.parametrize("now", [1700 * "r" + 300 * "w", 1700 * "r" + 300 * "W", 1700 * "R" + 300 * "W"])
def test_a_baseline_that_trusts_one_right_answer(now: str) -> None:
    """One trusted answer is no promise: then silent failures count, whatever the trusted answers say."""
    result = compared("R" + 1699 * "r" + 300 * "w", now, metrics=list(DEFAULT_GATES))
    judged = [comparison.metric for comparison in result.comparisons]

    assert ["accuracy", "silent_failure_rate", "confident_correct_rate"] == judged
    assert ("W" in now) is result.verdict.fails


def test_a_single_group_is_never_a_clear_pass() -> None:
    """If all samples are one group, nothing can be proven, and a large drop is inconclusive."""
    before, now = (measurement_of(letters) for letters in (200 * "R", 60 * "R" + 140 * "W"))
    one_group = np.zeros(200, dtype=np.uint32)
    before, now = (
        dataclasses.replace(
            side, records=dataclasses.replace(side.records, samples=side.records.samples.in_groups(one_group))
        )
        for side in (before, now)
    )
    reference = Reference(name="small", key=before.condition.key, baseline=baseline_of(before), records=before.records)
    result = judge(now, reference, build_gate({"class_guard": "off"}))

    assert Verdict.INCONCLUSIVE is only(result, "accuracy").verdict


def test_silent_failures_of_a_baseline_that_trusts_nothing() -> None:
    """If silent failures alone are red, the point has moved: an equal model under a rule that trusts too much."""
    result = compared(200 * "rrrw", 200 * "RRRW", metrics=list(DEFAULT_GATES))

    assert ["silent_failure_rate"] == [one.metric for one in result.comparisons if one.verdict.fails]
    assert Verdict.OPERATING_POINT_MOVED is result.verdict


def test_trusting_nothing_is_a_moved_point() -> None:
    """By default a model that flags everything fails, by both metrics of the promise."""
    result = compared(100 * "RRRW", 100 * "rrrw")

    assert Verdict.OPERATING_POINT_MOVED is only(result, "confident_accuracy").verdict
    assert "nothing is trusted now" == only(result, "confident_accuracy").note
    assert Verdict.OPERATING_POINT_MOVED is only(result, "confident_correct_rate").verdict
    assert Verdict.OPERATING_POINT_MOVED is result.verdict


# ---- literal bounds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "allowed", "verdict"),
    [
        ({"minimum": {"accuracy": 0.6}}, ">= 0.6", Verdict.PASSED),
        ({"minimum": {"accuracy": "0.60"}}, ">= 0.60", Verdict.PASSED),
        ({"minimum": {"accuracy": 0.601}}, ">= 0.601", Verdict.BELOW_MINIMUM),
        ({"minimum": {"confident_accuracy": 0.6666666666666666}}, ">= 0.6666666666666666", Verdict.PASSED),
        ({"minimum": {"confident_accuracy": "0.66666666666666667"}}, ">= 0.66666666666666667", Verdict.BELOW_MINIMUM),
        ({"maximum": {"silent_failure_rate": 0.2}}, "<= 0.2", Verdict.PASSED),
        ({"maximum": {"silent_failure_rate": 0.19}}, "<= 0.19", Verdict.ABOVE_MAXIMUM),
        ({"maximum": {"failure_rate": "0.39"}}, "<= 0.39", Verdict.ABOVE_MAXIMUM),
    ],
)
def test_bounds_are_literal(bounds: dict[str, Any], allowed: str, verdict: Verdict) -> None:
    """Counts against the decimal as typed; at the bound itself passes; an identical record does not excuse."""
    result = compared(FIVE, FIVE, **bounds)
    (found,) = [one for one in result.comparisons if isinstance(one, BoundCheck)]

    assert (allowed, verdict) == (found.bound, found.verdict)
    assert (verdict if verdict.fails else Verdict.UNCHANGED) is result.verdict


@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_a_bound_on_an_undefined_rate_never_passes(bound: str) -> None:
    """No prediction is trusted, so whether the bound holds cannot be known."""
    result = compared("rw", "rw", **{bound: {"confident_accuracy": 0.5}})
    (found,) = [one for one in result.comparisons if isinstance(one, BoundCheck)]

    assert (Verdict.INCOMPARABLE, Verdict.INCOMPARABLE) == (found.verdict, result.verdict)
    assert found.note


@pytest.mark.parametrize(
    ("stored", "now", "told"),
    [
        ("resize=32", ELSEWHERE, True),
        (ELSEWHERE, "resize=32", True),
        (ELSEWHERE, ELSEWHERE, False),
        ("resize=32", "resize=32", False),
    ],
)
def test_what_is_taken_on_trust_is_told(stored: str, now: str, told: bool) -> None:
    """Beside predictions the preprocessing cannot be compared, so that a passing verdict says so."""
    before, after = measurement_of(preprocessing=stored), measurement_of(preprocessing=now)
    result = judge(
        after,
        Reference(name="small", key=after.condition.key, baseline=baseline_of(before), records=before.records),
        build_gate({}),
        Terms(nodeid="t"),
    )

    assert Verdict.UNCHANGED is result.verdict
    assert told == any("preprocessing was not compared" in note for note in result.notes)

"""Corruption summaries of runs, and which baselines can be references."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from five import baseline_of, measurement_of

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.conditions.spelling import at_size
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import ItemResult
from pytest_failaware.judge.corruption.summary import (
    baseline_rates,
    baseline_sides,
    is_alexnets,
    reference_differences,
    run_corruption,
)
from pytest_failaware.judge.verdict import Terms, judge

FOG = tuple(f"fog:{severity}" for severity in range(1, 6))


def measured(letters: str, condition: str, *, side: int = 32, **more: object) -> Measurement:
    """A pass over images of this many pixels."""
    measurement = measurement_of(letters, condition, **more)  # type: ignore[arg-type]  # the keywords of measurement_of
    return dataclasses.replace(measurement, condition=at_size(measurement.condition, side, side))


def judged(now: Measurement, before: Measurement | None) -> ItemResult:
    """The verdict on one condition against what is stored of it."""
    return judge(
        now,
        Reference(
            name="small",
            key=now.condition.key,
            baseline=None if before is None else baseline_of(before),
            records=before.records if before is not None else None,
        ),
        build_gate({}),
        Terms(nodeid=f"t.py::test_x[{now.condition.key}]"),
    )


def run(now: str = "RRWW", before: str | None = "RWWW", **more: object) -> list[ItemResult]:
    """Fog at five severities and clean images, where every answer is right."""
    letters = dict.fromkeys(FOG, (now, before)) | {"clean": ("RRRR", None if before is None else "RRRR")}
    return [
        judged(
            measured(one, key, **more),  # type: ignore[arg-type]  # the keywords of measurement_of
            None if other is None else measured(other, key, **more),  # type: ignore[arg-type]  # as above
        )
        for key, (one, other) in letters.items()
    ]


def test_a_run_has_its_mean_alone() -> None:
    """Half of the answers are wrong; nothing is said in units of the stored entries."""
    (summary,) = run_corruption(run())

    assert ("small", Fraction(1, 2)) == (summary.model, summary.mean.fraction)


def test_a_run_of_single_conditions_has_no_summary() -> None:
    """A corruption with only four severities has no summary."""
    assert () == run_corruption(run()[1:])
    assert () == run_corruption([])


def test_against_a_second_model_the_first_is_the_model() -> None:
    """With --failaware-against the name is the other model's, whose errors these are not."""
    results = [dataclasses.replace(result, baseline="old.pth", is_against=True) for result in run()]

    assert ["the model"] == [summary.model for summary in run_corruption(results)]


def test_each_baseline_has_its_own_summary() -> None:
    """Each baseline of a run has its own summary."""
    other = [dataclasses.replace(result, baseline="other") for result in run(now="WWWW")]

    assert [("small", 0.5), ("other", 1.0)] == [
        (summary.model, summary.mean.value) for summary in run_corruption([*run(), *other])
    ]


def test_a_condition_with_two_outcomes_is_left_out() -> None:
    """Two tests that found different errors under one baseline; the same errors twice are one outcome."""
    again = judged(measured("WWWW", "fog:2"), None)

    assert () == run_corruption([*run(), again])
    assert run_corruption(run()) == run_corruption([*run(), *run()])


@pytest.mark.parametrize(("side", "classes", "known"), [(224, 1000, True), (64, 1000, False), (224, 999, False)])
def test_alexnet_needs_its_classes_and_sizes(side: int, classes: int, known: bool) -> None:
    """Its published errors are those of 1000 classes and images of 224 pixels."""
    assert known == is_alexnets(classes, side)


# ---- baselines -----------------------------------------------------------------------------------------------------


def stored(*measurements: Measurement) -> Baseline:
    """A baseline with an entry for each."""
    parts = [baseline_of(one) for one in measurements]
    return dataclasses.replace(parts[0], entries={key: entry for part in parts for key, entry in part.entries.items()})


def test_the_rates_of_a_baseline() -> None:
    """Wrong predictions, trusted or flagged, over all; and the sizes of its severities."""
    baseline = stored(measured("RrWw", "clean"), measured("RWww", "fog:1"))

    assert {"clean": 0.5, "fog:1": 0.75} == {key: rate.value for key, rate in baseline_rates(baseline).items()}
    assert {32} == baseline_sides(baseline)


def test_what_cannot_be_a_reference() -> None:
    """Baselines with other classes, images or parameters cannot be references."""
    baseline = stored(measured("RRWW", "clean"), measured("RRWW", "fog:1"))

    assert [] == list(reference_differences(baseline, stored(measured("WWWW", "clean"), measured("RRRR", "snow:1"))))
    assert ["other class names, 2 there and 3 here"] == list(
        reference_differences(baseline, stored(measured("RRWW", "clean", classes=("cat", "dog"))))
    )
    assert ["other images, 5 there and 4 here"] == list(
        reference_differences(baseline, stored(measured("RRWWR", "clean")))
    )
    assert ["other parameters or another implementation of fog:1"] == list(
        reference_differences(baseline, stored(measured("RRWW", "fog:1", side=64)))
    )


@pytest.mark.parametrize(("count", "said"), [(3, "fog:1, fog:2, fog:3"), (5, "fog:1, fog:2, fog:3 and 2 more")])
def test_conditions_that_differ_are_named_and_counted(count: int, said: str) -> None:
    """The first three conditions that differ are named, the rest is counted."""
    here, there = (stored(*(measured("RRWW", key, side=side) for key in FOG[:count])) for side in (32, 64))

    assert [f"other parameters or another implementation of {said}"] == list(reference_differences(here, there))

"""A moved operating point: the promise of the pair is broken, and the model is not worse."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from five import baseline_of, measurement_of
from ranked import records_with

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.judge.verdict import judge

PROMISES = ("confident_accuracy", "confident_correct_rate")
FOUR = ("accuracy", "confident_accuracy_at_coverage", *PROMISES)
BEFORE = "R" * 1400 + "w" * 400 + "r" * 200
MOVED, RED = Verdict.OPERATING_POINT_MOVED, Verdict.REGRESSED


def judged(before: str, now: str, metrics: Sequence[str] = FOUR, **gate: object) -> ItemResult:
    """Return the result of letters against the letters before."""
    return against(measurement_of(before), measurement_of(now), metrics, **gate)


def trusting(share: float, *, lost: int = 0) -> Measurement:
    """Return 1,000 answers, the surest right, of which a share is trusted and the surest `lost` are wrong."""
    order = np.arange(1000)
    confidence = 0.6 * (1 - order / 2000) / (1 - share / 2) + 1e-6
    records = records_with(np.minimum(confidence, 0.99), (order < 700) & (order >= lost))
    return dataclasses.replace(measurement_of("R" * 1000), records=records)


def against(stored: Measurement, measured: Measurement, metrics: Sequence[str], **gate: object) -> ItemResult:
    reference = Reference(name="small", key="clean", baseline=baseline_of(stored), records=stored.records)
    return judge(measured, reference, build_gate({"metrics": list(metrics), **gate}))


def verdicts(result: ItemResult) -> dict[str, Verdict]:
    """Return the verdict of each gate that fails."""
    return {one.metric: one.verdict for one in result.comparisons if one.verdict.fails}


@pytest.mark.parametrize("metrics", [FOUR, PROMISES, PROMISES[:1]])
def test_a_broken_promise_of_an_equal_model_is_a_moved_point(metrics: Sequence[str]) -> None:
    """Wrong answers that are trusted now break the promise; accuracy and ranking count even if they do not gate."""
    result = judged(BEFORE, "R" * 1400 + "W" * 400 + "r" * 200, metrics)

    assert {"confident_accuracy": MOVED} == verdicts(result)
    assert MOVED is result.verdict
    assert [*metrics] == [one.metric for one in result.comparisons]


def test_fewer_trusted_right_answers_are_a_moved_point() -> None:
    """Right answers that are flagged now cost nothing but trust."""
    result = against(trusting(0.6), trusting(0.4), FOUR)

    assert {"confident_correct_rate": MOVED} == verdicts(result)


@pytest.mark.parametrize(
    ("now", "metrics", "regressed"),
    [
        ("W" * 200 + "R" * 1200 + "w" * 400 + "r" * 200, FOUR, set(FOUR)),
        ("W" * 200 + "R" * 1200 + "w" * 400 + "r" * 200, PROMISES, set(PROMISES)),
        ("W" * 300 + "R" * 1100 + "R" * 300 + "w" * 100 + "r" * 200, PROMISES[:1], {PROMISES[0]}),  # the ranking alone
        ("R" * 1400 + "W" * 400 + "r" * 200, ("silent_failure_rate", *PROMISES), {"silent_failure_rate", PROMISES[0]}),
    ],
)
def test_a_worse_model_is_regressed(now: str, metrics: Sequence[str], regressed: set[str]) -> None:
    """A red gate on the model makes every gate regressed: accuracy or the ranking, gating or not, or a named one."""
    result = judged(BEFORE, now, metrics)

    assert dict.fromkeys(regressed, RED) == verdicts(result)
    assert RED is result.verdict


def test_without_trust_in_the_baseline_silent_failures_are_the_promise() -> None:
    """If the baseline trusts nothing, there is no ranking, and silent failures alone are a moved point."""
    result = judged("r" * 700 + "w" * 300, "r" * 700 + "W" * 300, ["accuracy", "silent_failure_rate"])

    assert {"silent_failure_rate": MOVED} == verdicts(result)


@pytest.mark.parametrize(
    ("share", "metrics", "failing"),
    [
        (0.015, FOUR, PROMISES),
        (0.015, PROMISES[:1], PROMISES[:1]),
        (0.01, PROMISES[1:], PROMISES[1:]),
        (0.008, FOUR, ()),  # less than one in a hundred
        (0.015, ["accuracy"], PROMISES[1:]),  # the promise is asked even if nothing on it gates
    ],
)
def test_a_candidate_that_trusts_nothing_is_moved(share: float, metrics: Sequence[str], failing: Sequence[str]) -> None:
    """A candidate that trusts nothing is moved whatever the rates, if the baseline trusts one in a hundred."""
    result = against(trusting(share), trusting(-0.5), metrics)

    assert dict.fromkeys(failing, MOVED) == verdicts(result)


def test_a_worse_candidate_that_trusts_nothing_is_regressed() -> None:
    """With a proven loss of accuracy it is regressed, never incomparable."""
    result = against(trusting(0.5), trusting(-0.5, lost=300), FOUR)

    assert dict.fromkeys([*FOUR, "class_guard"], RED) == verdicts(result)


def test_non_inferiority_is_moved_only_if_the_model_is_shown_to_be_as_good() -> None:
    """A gate on the model that is not shown is red, so the promise is regressed beside it."""
    now = "R" * 1400 + "W" * 400 + "r" * 200
    settled = judged(BEFORE, now, policy="non_inferiority")
    open_one = judged(BEFORE, "W" * 7 + now[7:-7] + "w" * 7, policy="non_inferiority")

    assert {"confident_accuracy": MOVED} == verdicts(settled)
    assert (Verdict.NOT_SHOWN, RED) == tuple(verdicts(open_one)[name] for name in FOUR[::2])

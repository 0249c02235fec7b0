"""Whole verdicts on pairs of a model and a rule, under the default gates, named one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from five import baseline_of, measurement_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from remedy_cases import RULE, Floats, logits_of, records

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import Records
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.verdict import judge

GATE = build_gate(
    {
        "conditions": ["clean", "gaussian_noise", "blur", "low_light"],
        "metrics": ["accuracy", "confident_accuracy_at_coverage", "confident_accuracy", "confident_correct_rate"],
        "tolerance": {
            "accuracy": 0.005,
            "confident_accuracy_at_coverage": 0.005,
            "confident_accuracy": 0.005,
            "confident_correct_rate": 0.05,
        },
        "class_guard": 0.10,
    }
)
RULES = st.builds(
    FailureRule,
    confidence=st.one_of(st.none(), st.floats(0.05, 0.999)),
    entropy=st.floats(0.01, 2.3),
    temperature=st.sampled_from([0.5, 1.0, 1.52]),
)
MODELS = [logits_of(count, seed) for seed, count in enumerate([300, 1000, 1000])]
MODELS.append((MODELS[1][0].round(), MODELS[1][1]))  # with many ties
MODELS.append((MODELS[2][0] / 3, MODELS[2][1]))  # the default rule trusts little

Labels = NDArray[np.uint16]


def measured(columns: Records, classes: int = 10) -> Measurement:
    names = tuple(map(str, range(classes)))
    return replace(measurement_of("R", classes=names), records=columns)


def judged(before: Records, stored: FailureRule, now: Records, rule: FailureRule, gate: Gate = GATE) -> ItemResult:
    """Return the result of a candidate under the configured rule, against a baseline under the stored one."""
    classes = max(10, int(now.label.max()) + 1)
    baseline = baseline_of(measured(before, classes), stored)
    reference = Reference(name="small", key="clean", baseline=baseline, records=before)
    return judge(measured(now, classes), reference, replace(gate, rule=rule))


def red(result: ItemResult) -> set[str]:
    return {comparison.metric for comparison in result.comparisons if comparison.verdict.fails}


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(MODELS), st.floats(-1, 1), RULES, RULES)
def test_a_scaled_or_bent_pair_of_the_same_model_is_never_regressed(
    model: tuple[Floats, Labels], exponent: float, stored: FailureRule, rule: FailureRule
) -> None:
    """Logits times .1 to 10 and any change of the rule, or both, leave the model as good as it was."""
    logits, labels = model
    result = judged(records(logits, labels, stored), stored, records(logits * 10**exponent, labels, stored, rule), rule)

    verdicts = {comparison.verdict for comparison in result.comparisons}
    assert {Verdict.REGRESSED, Verdict.INCOMPARABLE}.isdisjoint(verdicts)


@pytest.mark.parametrize("scale", [0.4, 0.6, 1.7, 10.0])
def test_a_scale_that_breaks_the_promise_is_moved(scale: float) -> None:
    """The property above says something: these scales are red."""
    logits, labels = logits_of(5000, 1)
    result = judged(records(logits, labels, RULE), RULE, records(logits * scale, labels, RULE), RULE)

    assert Verdict.OPERATING_POINT_MOVED is result.verdict
    assert {"confident_accuracy" if scale > 1 else "confident_correct_rate"} == red(result)


def test_one_lost_class_of_a_hundred_is_red_by_the_guard_alone() -> None:
    """30 lost answers of 3,000, beside 10 others that are right now, are little for the other gates."""
    random, labels = np.random.default_rng(0), np.repeat(np.arange(100, dtype=np.uint16), 30)
    logits = random.normal(0, 1, (3000, 100))
    logits[np.arange(3000), labels] += random.uniform(3, 12, 3000)
    now_logits, mended = logits.copy(), np.flatnonzero(logits.argmax(axis=1) != labels)[:10]
    now_logits[labels == 42] = np.roll(logits[labels == 42], 1, axis=1)
    now_logits[mended, labels[mended]] += 10
    before, now = records(logits, labels, RULE), records(now_logits, labels, RULE)

    assert Verdict.REGRESSED is judged(before, RULE, now, RULE).verdict
    assert {"class_guard"} == red(judged(before, RULE, now, RULE))
    assert set() == red(judged(before, RULE, now, RULE, replace(GATE, class_guard=None)))


@pytest.mark.parametrize(
    ("rule", "scale", "metrics"),
    [
        (FailureRule(confidence=None, entropy=0.0), 1.0, {"confident_accuracy", "confident_correct_rate"}),
        (RULE, 0.001, {"confident_accuracy", "confident_correct_rate"}),
        (FailureRule(confidence=0.05, entropy=None), 1.0, {"confident_accuracy"}),
        (RULE, 50.0, {"confident_accuracy"}),
    ],
    ids=["flags all by rule", "flags all by logits", "trusts all by rule", "trusts all by logits"],
)
def test_a_pair_that_flags_or_trusts_everything_is_moved(rule: FailureRule, scale: float, metrics: set[str]) -> None:
    """A failure detection that answers always the same is red, and the model is not worse."""
    logits, labels = logits_of(1000, 2)
    result = judged(records(logits, labels, RULE), RULE, records(logits * scale, labels, RULE, rule), rule)

    assert Verdict.OPERATING_POINT_MOVED is result.verdict
    assert metrics == red(result)


def test_a_model_that_answers_one_class_is_regressed() -> None:
    """Its accuracy, its ranking and nine classes are lost."""
    logits, labels = logits_of(1000, 2)
    collapsed = logits.copy()
    collapsed[:, 3] = logits.max(axis=1) + 5
    result = judged(records(logits, labels, RULE), RULE, records(collapsed, labels, RULE), RULE)

    assert Verdict.REGRESSED is result.verdict
    assert {"accuracy", "confident_accuracy_at_coverage", "confident_accuracy", "class_guard"} <= red(result)

"""Results and measurements survive the way through plain data, exactly."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.estimates import Cells, ConditionStats, Estimate, Score
from pytest_failaware.core.measurement import DataFacts, Measurement, ModelFacts, Provenance
from pytest_failaware.core.plain import measurement_from_plain, measurement_to_plain, result_from_plain, result_to_plain
from pytest_failaware.core.records import SCORES, Records
from pytest_failaware.core.result import (
    BoundCheck,
    ClassLoss,
    Comparison,
    Evidence,
    Flip,
    ItemResult,
    SampleChange,
    Verdict,
)
from pytest_failaware.core.samples import Samples


def test_a_result_comes_back_as_it_was() -> None:
    """Through JSON text, with undefined rates and bounds without a reference."""
    undefined = Estimate(numerator=0, denominator=0, reason="nothing is flagged")
    rate = Estimate(numerator=3, denominator=7)
    result = ItemResult(
        nodeid="tests/t.py::test_x[blur]",
        baseline="toy",
        stats=ConditionStats(
            condition="blur",
            cells=Cells(trusted_right=3, trusted_wrong=4, flagged_right=0, flagged_wrong=0),
            rates={"accuracy": rate, "failure_region_accuracy": undefined},
        ),
        comparisons=(
            Comparison(
                metric="accuracy",
                reference=rate,
                current=rate,
                allowed=Decimal("0.0050"),
                verdict=Verdict.PASSED,
                note="so",
            ),
            BoundCheck(
                metric="accuracy",
                limit=Decimal("0.90"),
                is_minimum=True,
                current=undefined,
                verdict=Verdict.BELOW_MINIMUM,
            ),
        ),
        verdict=Verdict.BELOW_MINIMUM,
        differences=("seed: baseline 0, now 1",),
        notes=("unpaired",),
        change=SampleChange(
            samples=7,
            changed_predictions=2,
            changed_flags=1,
            negative_flips=1,
            positive_flips=0,
            confident_negative_flips=1,
            known_label_errors=0,
            worst_class=ClassLoss(name="cat", samples=4, before=3, now=2),
            worst=(
                Flip(
                    sample_id=2**64 - 1,
                    label="cat",
                    before="cat",
                    now="dog",
                    confidence_before=0.75,
                    confidence_now=1.0,
                    name="cat/21.png",
                ),
            ),
        ),
    )

    assert result == result_from_plain(json.loads(json.dumps(result_to_plain(result), allow_nan=False)))


@pytest.mark.parametrize("with_logits", [False, True])
def test_a_measurement_comes_back_bit_for_bit(*, with_logits: bool) -> None:
    """Every column keeps its dtype and its bytes."""
    rng = np.random.default_rng(0)
    measurement = Measurement(
        condition=parse_condition("gaussian_noise(sigma=0.1)", "test"),
        seed=3,
        records=Records(
            samples=Samples(
                ids=np.sort(rng.integers(0, 2**64, 5, dtype=np.uint64)),
                labels=np.array([0, 1, 2, 1, 0], dtype=np.uint16),
            ),
            prediction=np.array([0, 1, 1, 1, 2], dtype=np.uint16),
            **{name: rng.random(5, dtype=np.float32) for name in SCORES},
            logits=rng.random((5, 4), dtype=np.float32) if with_logits else None,
        ),
        provenance=Provenance(
            data=DataFacts(fingerprint="sha256:ab", samples=5, classes=("a", "b", "c")),
            preprocessing="none",
            model=ModelFacts(sha256="sha256:cd", architecture="toy"),
            environment={"device": "cpu"},
        ),
    )
    back = measurement_from_plain(json.loads(json.dumps(measurement_to_plain(measurement))))

    assert (measurement.condition, measurement.seed) == (back.condition, back.seed)
    assert measurement.provenance == back.provenance
    assert list(measurement.records.columns) == list(back.records.columns)
    for name, before in measurement.records.columns.items():
        after = getattr(back.records, name)
        assert (before.dtype, before.shape, before.tobytes()) == (after.dtype, after.shape, after.tobytes())


def test_scores_come_back_as_they_were() -> None:
    """Numbers that are no ratio of counts, in the statistics and on both sides of a comparison."""
    score, missing = Score(value=0.1 + 0.2), Score(value=None, is_rate=True, reason="every answer is right")
    nothing = dict.fromkeys(("p_beyond", "p_within", "p_worse", "p_better"), 1.0)
    evidence = Evidence(paired=True, low=None, high=None, level=0.01, **nothing)
    result = ItemResult(
        nodeid="t",
        baseline="toy",
        stats=ConditionStats(
            condition="blur",
            cells=Cells(trusted_right=3, trusted_wrong=4, flagged_right=0, flagged_wrong=0),
            rates={},
            scores={"augrc": score, "fpr_at_95tpr": missing},
        ),
        comparisons=(
            Comparison(
                metric="augrc",
                reference=score,
                current=missing,
                allowed=Decimal("0.002"),
                verdict=Verdict.NOT_SHOWN,
                evidence=evidence,
            ),
        ),
        verdict=Verdict.NOT_SHOWN,
    )

    assert result == result_from_plain(json.loads(json.dumps(result_to_plain(result), allow_nan=False)))

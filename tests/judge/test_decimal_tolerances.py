"""Where other libraries' metrics of failure detection, calibration and corruption err, and that these do not.

One test or more for each trap that was found in published code. Four have nothing to test here, or their test stands
elsewhere: a metric that is wired to the maximum probability alone (test_score_metrics.py, a ranking by another score);
a rate over nothing that becomes 0 (test_metrics.py and test_compare.py, undefined rates); a negative failure flag of
probabilities that were taken for logits (test_rule.py); loops over samples and functions that NumPy 2 removed, as no
metric has one.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from five import baseline_of, measurement_of
from numpy.typing import NDArray
from ranked import EVERY, drawn, records_of_logits, records_with
from sklearn.metrics import auc, precision_recall_curve

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.conditions.published import IMAGENET_C, IMAGENET_C_EXTRA, SEVERITIES, strength_of
from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.scores import log_softmax, scores_of
from pytest_failaware.judge.corruption.errors import normalise, summarise
from pytest_failaware.judge.metrics.calibration import adaptive_ece, ece, nll
from pytest_failaware.judge.metrics.ranking import (
    augrc,
    aupr_error,
    aurc,
    auroc_f,
    coverage_at_risk,
    eaurc,
    fpr_at_95tpr,
    score_of,
)
from pytest_failaware.judge.verdict import Terms, judge


def value(found: float | None) -> float:
    assert found is not None
    return found


# ---- rankings ------------------------------------------------------------------------------------------------------


def one_point_a_sample(right: NDArray[np.bool_]) -> float:
    """AURC as it is often written: the mean risk of the first k samples, however the sort left equal ones."""
    return float((np.cumsum(~right) / np.arange(1, len(right) + 1)).mean())


@pytest.mark.parametrize("name", EVERY)
def test_ties_have_no_order(name: str) -> None:
    """torch-uncertainty and FixSC sort equal scores as they come: here the order of the samples changes nothing.

    With confidences rounded to 0.1 one point a sample makes of the same predictions 0.082 or 0.128.
    """
    score, right = drawn(1, 2000, digits=1)
    best, worst = np.lexsort((~right, -score)), np.lexsort((right, -score))
    assert one_point_a_sample(right[worst]) > 1.5 * one_point_a_sample(right[best])

    assert EVERY[name](score[best], right[best]) == EVERY[name](score[worst], right[worst])
    assert one_point_a_sample(right[best]) < value(aurc(score, right)) < one_point_a_sample(right[worst])


def test_a_perfect_ranking_has_no_excess() -> None:
    """E-AURC less the analytic optimum is above 0 though the ranking is perfect: 3e-4 of 100 samples with 6 errors.

    The optimum here has the convention of the estimate, so it is 0 at any size, never less by rounding, and more for
    any other ranking.
    """
    right, error = np.arange(100) < 94, 0.06
    analytic = error + (1 - error) * math.log(1 - error)
    assert pytest.approx(3.0e-4, abs=5e-6) == value(aurc(-np.arange(100.0), right)) - analytic

    sizes = [(count, wrong) for count in range(2, 40) for wrong in range(1, count)]
    perfect = [value(eaurc(-np.arange(float(count)), np.arange(count) < count - wrong)) for count, wrong in sizes]
    assert 0 <= min(perfect) <= max(perfect) < 1e-15
    assert value(eaurc(-np.arange(100.0), np.roll(right, 1))) > 0


def test_augrc_is_not_ruled_by_the_surest_sample() -> None:
    """One error moved from the last rank to the first costs AURC ln(N) / N; it costs AUGRC 1 / N at most."""
    score, last, first = -np.arange(1000.0), np.arange(1000) < 999, np.arange(1000) > 0

    assert value(augrc(score, first)) - value(augrc(score, last)) < 1 / 1000
    assert pytest.approx(math.log(1000) / 1000, rel=0.1) == value(aurc(score, first)) - value(aurc(score, last))


def test_one_confident_error_does_not_hide_the_coverage() -> None:
    """torch-uncertainty's coverage at a risk of 1 % is NaN of 100 answers whose surest is the only wrong one.

    1 % of all answers are wrong, so all are accepted; at a risk of any less none is.
    """
    right = np.arange(100) > 0

    assert 1.0 == coverage_at_risk(-np.arange(100.0), right, Fraction(1, 100))
    assert 0.0 == coverage_at_risk(-np.arange(100.0), right, Fraction(1, 101))


def test_the_true_positive_rate_reaches_95_percent() -> None:
    """FD-Shifts is content with 94.95 %, torch-uncertainty with the nearest rate: here it is 95 % or more.

    OpenOOD's positives are what should be rejected; here they are the right answers.
    """
    score, right = -np.arange(2001.0), np.arange(2001) != 1899  # the error stands behind 1,899 of 2,000 right answers
    assert 1.0 == fpr_at_95tpr(score, right)
    right = np.arange(2001) != 1900
    assert 0.0 == fpr_at_95tpr(score, right)
    tied = np.repeat([3.0, 2.0, 1.0], [94, 4, 3])  # true positive rates 0.94, 0.97 and 1
    assert 1.0 == fpr_at_95tpr(tied, np.arange(101) != 97)


def test_average_precision_is_not_interpolated() -> None:
    """OpenOOD and pytorch-ood join the points of the curve by lines: a score that says nothing then seems to help.

    Of equal scores the average precision is the error rate, a tenth; the trapezoid makes 0.55 of them.
    """
    right, same = np.arange(100) >= 10, np.full(100, 0.9)
    precision, recall, _ = precision_recall_curve(~right, -same)
    assert pytest.approx(0.55) == auc(recall, precision)

    assert pytest.approx(0.1) == value(aupr_error(same, right))


# ---- calibration ---------------------------------------------------------------------------------------------------


def test_certain_answers_lie_in_the_last_bin() -> None:
    """torchmetrics gives a confidence of exactly 1 a bin of its own (issue 3510), pytorch-ood drops the last bin."""
    sure, nearly = [1.0] * 4, [1.0, 1.0, 0.99, 0.99]
    half = [True, True, False, False]

    assert 0.5 == ece(records_with(sure, half))
    assert 0.0 == ece(records_with(sure, [True] * 4))
    mixed = records_with(nearly, [False, False, True, True])
    assert pytest.approx(0.495) == ece(mixed)  # in two bins it would be (1 + 1 + 0.01 + 0.01) / 4


def test_a_confidence_of_0_lies_in_the_first_bin() -> None:
    """torchmetrics once crashed on it (issues 1646 and 1744); it is that of logits which are not finite."""
    records = records_with([0.0, 0.05, 0.9], [False, True, True])  # the bin of 0.05 has one right of two at 0.025

    assert pytest.approx((0.95 + 0.1) / 3) == ece(records)
    assert pytest.approx((0.0 + 0.95 + 0.1) / 3) == adaptive_ece(records)


def test_bins_of_equal_mass_never_cut_through_ties() -> None:
    """Parts of equally many samples, as tensor_split makes them, depend on the order of equal confidences.

    Here those stay together in whatever order they come, so a tie across all bins is one bin.
    """
    tied = records_with([0.8] * 300, np.arange(300) % 5 > 0)
    assert pytest.approx(0.0, abs=1e-7) == adaptive_ece(tied)  # 4 of 5 are right; parts of them are not

    rounded = np.random.default_rng(0).uniform(0.4, 1, 300).round(1)
    right = np.random.default_rng(1).random(300) < rounded
    best, worst = np.lexsort((~right, rounded)), np.lexsort((right, rounded))
    assert adaptive_ece(records_with(rounded[best], right[best])) == pytest.approx(
        adaptive_ece(records_with(rounded[worst], right[worst]))
    )


# ---- scores --------------------------------------------------------------------------------------------------------


def test_certainty_has_an_entropy_of_zero() -> None:
    """-sum p ln(p + eps), as FD-Shifts has it, makes -1.19e-7 of a one-hot float32, and without eps a NaN."""
    one_hot = np.array([1, 0, 0], dtype=np.float32)
    assert pytest.approx(-1.19e-7, rel=0.01) == -(one_hot * np.log(one_hot + np.finfo(np.float32).eps)).sum()

    logits = np.array([[200.0, 0.0, 0.0], [0.2, 0.1, 0.0], [0.0, -np.inf, -np.inf]], dtype=np.float32)
    entropy = scores_of(log_softmax(logits)).entropy
    assert [0.0, 0.0] == entropy[[0, 2]].tolist()
    assert not np.signbit(entropy).any()
    ranked = value(auroc_f(-entropy.astype(np.float64), np.array([True, False, True])))
    assert 1.0 == ranked  # higher is surer: the sign is that of a confidence


@pytest.mark.parametrize(
    ("classes", "largest"), [(2, 0.673), (3, 0.950), (4, 1.112), (10, 1.552), (100, 2.511), (1000, 3.436)]
)
def test_what_an_entropy_in_nats_can_add(classes: int, largest: float) -> None:
    """A threshold of 1.0 nats means another thing for each number of classes, and for up to three of them nothing."""
    rest = [0.4 / (classes - 1)] * (classes - 1)
    entropy = scores_of(np.log([[0.6, *rest]])).entropy[0]

    assert pytest.approx(largest, abs=1e-3) == entropy
    assert (entropy <= 1) == (FailureRule(confidence=0.6, entropy=1.0).dead_part(classes) is not None)


def test_certainty_beyond_float32_is_still_ranked() -> None:
    """A softmax is 1 in float32 from a gap of 17 to 19 logits on: such confidences tie, as equals and not by chance.

    The entropy comes from logits in float64 and tells them apart; the loss of a wrong answer stays a number.
    """
    gap = np.array([200.0, 30.0, 25.0, 20.0, 19.0])
    records = records_of_logits(np.stack([gap, 0 * gap, 0 * gap], axis=1), np.array([1, 0, 0, 0, 0], dtype=np.uint16))

    confidence, entropy = (score_of(records, name) for name in ("confidence", "entropy"))
    assert confidence is not None
    assert entropy is not None
    assert {1.0} == set(confidence.tolist())
    assert 0.5 == auroc_f(confidence, records.correct)
    assert (np.diff(entropy) < 0).all()
    assert 0.0 == auroc_f(entropy, records.correct)  # the surest answer is the wrong one
    assert pytest.approx(200 / 5, rel=1e-6) == nll(records)


# ---- corruptions ---------------------------------------------------------------------------------------------------


def test_the_mean_corruption_error_is_over_15() -> None:
    """ImageNet-C's own script prints as mCE a mean over 19 corruptions, in no model's units.

    10 % errors in the 15 and 90 % in the extra four: over 19 the mean would be 26.8 %. Both means are told apart by
    name, and those of the four are shown beside them.
    """
    wrong = {**dict.fromkeys(IMAGENET_C, 10), **dict.fromkeys(IMAGENET_C_EXTRA, 90)}
    rates, reference = (
        {
            f"{name}:{severity}": Estimate(numerator=share * count, denominator=200)
            for name, count in wrong.items()
            for severity in SEVERITIES
        }
        for share in (2, 1)
    )
    summary, ratios = summarise("small", rates), normalise(rates, "other", reference)

    assert summary is not None
    assert ratios is not None
    assert Fraction(1, 10) == summary.mean.fraction
    assert Fraction(2) == ratios.mce.fraction
    assert (15, 4) == (len(summary.errors), len(summary.extra))


@pytest.mark.parametrize(
    ("side", "published"),
    [
        (224, [(12, 1.11), (16, 1.15), (11, 1.20), (13, 1.24), (11, 1.30)]),
        (64, [(7, 1.06), (12, 1.11), (16, 1.15), (21, 1.20), (26, 1.25)]),
        (32, [(7, 1.06), (12, 1.11), (16, 1.15), (21, 1.20), (26, 1.25)]),
    ],
)
def test_zoom_blur_has_as_many_factors_as_were_published(side: int, published: list[tuple[int, float]]) -> None:
    """np.arange(1, 1.06, 0.01) has 7 factors and not 6: a float step decides whether the end belongs to it."""
    for severity, (count, last) in zip(SEVERITIES, published, strict=True):
        steps, step = strength_of("zoom_blur", severity, side)
        assert count == steps
        assert pytest.approx(last) == 1 + (steps - 1) * step


# ---- ties of predictions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_equal_logits_have_one_prediction(dtype: type[np.floating]) -> None:
    """argmax of equals depends on the device elsewhere: here float64 decides on the CPU, for the first of them."""
    logits = np.array([[1, 3, 3], [3, 3, 3], [3, 1, 3]], dtype=dtype)

    assert [1, 0, 0] == scores_of(log_softmax(logits)).prediction.tolist()


@pytest.mark.parametrize(("flipped", "fails"), [(5, False), (6, True)])
def test_a_tolerance_counts_samples(flipped: int, fails: bool) -> None:
    """What noise of the device flips is whole answers: 5 of 1,000 are a tolerance of 0.005, 6 are more, exactly."""
    before, now = measurement_of("R" * 1000), measurement_of("R" * (1000 - flipped) + "W" * flipped)
    gate = build_gate(
        {
            "conditions": ["clean"],
            "metrics": ["accuracy"],
            "tolerance": "0.005",
            "policy": "any_drop",
            "class_guard": "off",
        }
    )
    result = judge(
        now,
        Reference(name="small", key=now.condition.key, baseline=baseline_of(before), records=before.records),
        gate,
        Terms(nodeid="t"),
    )

    assert fails is result.verdict.fails

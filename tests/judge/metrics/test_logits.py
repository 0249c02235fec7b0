"""Scores of every logit: by hand, against torch, scikit-learn and torchmetrics, and by what must not change them."""

from __future__ import annotations

import dataclasses
import doctest
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from ranked import RIGHT, SCORE, records_of_logits, shuffled
from scipy import optimize
from sklearn.metrics import log_loss, roc_auc_score
from torchmetrics.functional.classification import multiclass_calibration_error

from pytest_failaware.core.metric import NO_LOGITS, ScoreMetric
from pytest_failaware.core.records import NO_CLASS, SCORES, Records
from pytest_failaware.judge.metrics import logits as module
from pytest_failaware.judge.metrics.calibration import BINS
from pytest_failaware.judge.metrics.logits import fit_temperature, gen, tempered
from pytest_failaware.judge.metrics.names import one_sided_metric
from pytest_failaware.judge.metrics.ranking import augrc, auroc_f, score_of

CALIBRATION = ("ece", "adaptive_ece", "brier", "nll")


def five() -> Records:
    """Two classes, logits (2 ln p / (1 - p), 0): at T = 2 the confidences are those of SCORE, right as in RIGHT."""
    logits = np.stack([2 * np.log(SCORE / (1 - SCORE)), np.zeros(5)], axis=1)
    records = records_of_logits(logits, np.where(RIGHT, 0, 1).astype(np.uint16))
    records.prediction[:] = 0  # the last sample's logits are equal
    return records


def drawn(seed: int, count: int = 500, classes: int = 5) -> Records:
    """A model that is too confident: its logits are three times what they should be."""
    random = np.random.default_rng(seed)
    label = random.integers(0, classes, count).astype(np.uint16)
    return records_of_logits(3 * (random.normal(0, 1, (count, classes)) + np.eye(classes)[label]), label)


def kept(records: Records) -> NDArray[np.float32]:
    assert records.logits is not None
    return records.logits


def value(name: str, records: Records) -> float:
    metric = one_sided_metric(name, "test")
    assert isinstance(metric, ScoreMetric)
    found = metric.measure(records, np.zeros(len(records), dtype=np.bool_)).value
    assert found is not None
    return found


def softmax(records: Records, temperature: float = 1.0) -> NDArray[np.float64]:
    found: NDArray[np.float64] = torch.softmax(torch.from_numpy(kept(records)).double() / temperature, 1).numpy()
    return found


# ---- by hand -------------------------------------------------------------------------------------------------------


def test_a_temperature_on_five_samples() -> None:
    """Confidences of 0.9, 0.8, 0.7, 0.6 and 0.5, each alone in its bin; AUGRC as of SCORE itself."""
    records = five()
    scaled = tempered(records, 2.0)

    assert SCORE == pytest.approx(scaled.confidence)
    assert SCORE == pytest.approx(score_of(records, "temperature=2"))
    assert 0.12 == pytest.approx(value("augrc(temperature=2)", records))
    assert (0.1 + 0.2 + 0.7 + 0.4 + 0.5) / 5 == pytest.approx(value("ece(temperature=2)", records))
    assert (0.1 + 0.2 + 0.7 + 0.4 + 0.5) / 5 == pytest.approx(value("adaptive_ece(temperature=2)", records))
    of_label = np.array([0.9, 0.8, 0.3, 0.6, 0.5])
    assert -np.log(of_label).mean() == pytest.approx(value("nll(temperature=2)", records))
    assert 2 * np.square(1 - of_label).mean() == pytest.approx(value("brier(temperature=2)", records))
    assert value("nll", records) != pytest.approx(value("nll(temperature=2)", records))


def test_gen_on_five_samples() -> None:
    """Of two classes it is -2 (p (1 - p))^0.1, of as many equal ones -K ((K - 1) / K²)^0.1."""
    at_one = SCORE**2 / (SCORE**2 + (1 - SCORE) ** 2)  # p at T = 1 of logits twice as large

    assert -2 * (at_one * (1 - at_one)) ** 0.1 == pytest.approx(gen(kept(five())))
    assert -7 * (6 / 49) ** 0.1 == pytest.approx(gen(np.zeros((1, 7), dtype=np.float32))[0])
    assert -100 * (149 / 150**2) ** 0.1 == pytest.approx(gen(np.zeros((1, 150), dtype=np.float32))[0])


def test_certainty_and_ties() -> None:
    """A probability of 1 is the surest, GEN 0; nothing is NaN, and equal rows have equal scores."""
    logits = np.array([[1000, 0, 0], [0, 0.5, 0], [0, 0.5, 0], [-1e38, -1e38, 1e38]], dtype=np.float32)
    found = gen(logits)

    assert [pytest.approx(0, abs=1e-40), found[1], found[1], 0] == found.tolist()
    assert found[1] < -1
    records = records_of_logits(logits, np.array([0, 1, 0, 2], dtype=np.uint16))
    for temperature in (0.000001, 9999):
        scaled = tempered(records, temperature)
        assert all(np.isfinite(getattr(scaled, name)).all() for name in SCORES)
        assert scaled.confidence[1] == scaled.confidence[2]


def test_the_examples_in_the_docstrings_hold() -> None:
    """The example in the docstring holds."""
    done = doctest.testmod(module)

    assert (0, True) == (done.failed, done.attempted > 0)


# ---- against other implementations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 10, 100, 101, 250])
def test_gen_against_its_published_formula(classes: int) -> None:
    """Sorted probabilities of torch's softmax, the 100 largest of them."""
    records = drawn(classes, classes=classes)
    largest = torch.sort(torch.from_numpy(softmax(records)), dim=1, descending=True).values[:, :100]
    expected = -(largest**0.1 * (1 - largest) ** 0.1).sum(1)

    assert expected.numpy() == pytest.approx(gen(kept(records)), rel=1e-9)


@pytest.mark.parametrize("temperature", ["0.7", "1", "1.5", "40"])
@pytest.mark.parametrize("seed", range(3))
def test_a_temperature_against_other_libraries(seed: int, temperature: str) -> None:
    """torch's softmax of the divided logits, in scikit-learn's log loss and AUROC and in torchmetrics' ECE."""
    records = drawn(seed)
    probability = softmax(records, float(temperature))
    at = f"(temperature={temperature})"

    assert log_loss(records.label, probability) == pytest.approx(value(f"nll{at}", records), rel=1e-5)
    squares = np.square(probability - np.eye(5)[records.label]).sum(axis=1)
    assert squares.mean() == pytest.approx(value(f"brier{at}", records), rel=1e-5)
    in_bins = multiclass_calibration_error(
        torch.from_numpy(probability), torch.from_numpy(records.label.astype(np.int64)), num_classes=5, n_bins=BINS
    )
    assert float(in_bins) == pytest.approx(value(f"ece{at}", records), abs=1e-5)
    ranked = roc_auc_score(records.correct, probability.max(axis=1).astype(np.float32))
    assert ranked == pytest.approx(value(f"auroc_f{at}", records))


@pytest.mark.parametrize("seed", range(4))
def test_a_fit_against_the_zero_of_its_derivative(seed: int) -> None:
    """Where the NLL is least, the mean logit of the label is the mean logit expected under the probabilities."""
    records = drawn(seed, 2000)
    z = kept(records).astype(np.float64)
    of_label = z[np.arange(len(z)), records.label].mean()

    def slope(log_temperature: float) -> float:
        return float((softmax(records, math.exp(log_temperature)) * z).sum(axis=1).mean() - of_label)

    expected = math.exp(optimize.brentq(slope, math.log(0.1), math.log(30)))
    assert expected == pytest.approx(fit_temperature(records), rel=1e-4)
    assert 2 < expected < 6


def test_a_fit_on_paper() -> None:
    """Two classes, one logit of 2 ln 3 everywhere and 3/4 right: softmax(z / T) is 3/4 at T = 2."""
    logits = np.tile([2 * math.log(3), 0.0], (400, 1))
    label = (np.arange(400) % 4 == 0).astype(np.uint16)

    assert 2 == pytest.approx(fit_temperature(records_of_logits(logits, label)), rel=1e-5)


# ---- what has no value ---------------------------------------------------------------------------------------------


def test_a_fit_that_there_is_not() -> None:
    """Every answer right, logits that tell the wrong thing or nothing, a label of probability 0, no sample at all."""
    right, unlike = drawn(0), drawn(1)
    right.label[:] = right.prediction
    unlike.label[:] = kept(unlike).argmin(axis=1)
    impossible = drawn(2)
    kept(impossible)[0, impossible.label[0]] = np.finfo(np.float32).min
    nothing, alike = drawn(3).take(np.array([], dtype=np.intp)), drawn(4)
    kept(alike)[:] = 7

    assert [None] * 5 == [fit_temperature(records) for records in (right, unlike, impossible, nothing, alike)]


def without_some_answers(records: Records) -> NDArray[np.bool_]:
    """Make of every tenth sample one whose logits are not finite, as measuring leaves it behind."""
    lost = np.arange(len(records)) % 10 == 0
    kept(records)[lost] = 0
    records.confidence[lost], records.prediction[lost] = 0, NO_CLASS
    records.label_log_probability[lost] = np.finfo(np.float32).min
    return lost


def test_samples_without_finite_logits_stay_what_they_are() -> None:
    """They are the least sure by every such score, their columns are not scaled, and no fit sees them."""
    records, whole = drawn(4), drawn(4)
    lost = without_some_answers(records)

    ranked = score_of(records, "gen")
    assert ranked is not None
    assert (np.isneginf(ranked) == lost).all()
    at_three = score_of(records, "temperature=3")
    assert at_three is not None
    assert at_three[lost].max() == 0.0 < at_three[~lost].min()
    scaled = tempered(records, 3.0)
    for name in (*SCORES, "prediction", "label", "sample_id"):
        assert getattr(records, name)[lost].tolist() == getattr(scaled, name)[lost].tolist(), name
    rest = whole.take(np.flatnonzero(~lost))
    assert fit_temperature(rest) == pytest.approx(fit_temperature(records))


def test_without_logits_a_score_says_so() -> None:
    """Without logits the scores that need them have no value and a reason."""
    records = dataclasses.replace(five(), logits=None)
    names = ["augrc(gen)", "risk_at_coverage(0.9,temperature=2)", *(f"{name}(temperature=2)" for name in CALIBRATION)]
    for name in names:
        metric = one_sided_metric(name, "test")
        assert isinstance(metric, ScoreMetric)
        assert metric.needs_logits
        found = metric.measure(records, np.zeros(5, dtype=np.bool_))
        assert (None, NO_LOGITS) == (found.value, found.reason)
    assert (None, None) == (score_of(records, "gen"), score_of(records, "temperature=2"))
    with pytest.raises(ValueError, match="no logits"):
        tempered(records, 2.0)
    with pytest.raises(ValueError, match="no logits"):
        fit_temperature(records)


# ---- properties ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_at_a_temperature_of_1_nothing_changes(seed: int) -> None:
    """At a temperature of 1 every score and every metric is equal to the last bit."""
    records = drawn(seed)
    records = records_of_logits(kept(records), records.label)  # float32, as a model's are
    scaled = tempered(records, 1.0)

    for name in (*SCORES, "prediction", "label", "sample_id"):
        assert getattr(records, name).tobytes() == getattr(scaled, name).tobytes(), name
    confidence = score_of(records, "confidence")
    assert confidence is not None
    assert confidence.tolist() == list(score_of(records, "temperature=1"))  # type: ignore[arg-type]  # not None
    assert value("augrc", records) == value("augrc(temperature=1)", records)
    for name in CALIBRATION:
        assert value(name, records) == value(f"{name}(temperature=1)", records)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), temperature=st.floats(0.2, 30), shift=st.floats(-50, 50))
def test_what_must_not_change_a_score(seed: int, temperature: float, shift: float) -> None:
    """A constant on all logits of a sample, the order of classes, and logits and T that grow alike."""
    records = drawn(seed, 60, 4)
    z = kept(records)
    moved = records_of_logits((z + np.float32(shift))[:, ::-1].copy(), (3 - records.label).astype(np.uint16))
    grown = dataclasses.replace(records, logits=z * np.float32(2))

    assert gen(z) == pytest.approx(gen(kept(moved)), abs=1e-4)
    once = tempered(records, temperature)
    for other in (tempered(moved, temperature), tempered(grown, 2 * temperature)):
        for name in ("confidence", "entropy", "label_log_probability", "sum_squares", "second_probability"):
            assert getattr(once, name) == pytest.approx(getattr(other, name), abs=2e-4), name


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), temperature=st.floats(0.5, 30))
def test_of_two_classes_every_score_ranks_as_the_confidence_does(seed: int, temperature: float) -> None:
    """There a temperature, and GEN, are monotone maps of the one probability."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, 200).astype(np.uint16)
    z = random.normal(0, 1, (200, 2)).round(2)  # so that there are ties
    records = records_of_logits(z, label)
    expected = augrc(np.abs(z[:, 0] - z[:, 1]).round(2), records.correct)

    for name in ("augrc", "augrc(gen)", f"augrc(temperature={temperature:.3f})"):
        assert expected == pytest.approx(value(name, records), abs=1e-3), name


@pytest.mark.parametrize("name", ["auroc_f(gen)", "aurc(temperature=2)", "ece(temperature=2)", "nll(temperature=2)"])
def test_the_order_of_samples_does_not_matter(name: str) -> None:
    """A permutation changes no metric."""
    records = drawn(5)

    assert value(name, records) == pytest.approx(value(name, shuffled(records, 1)))


def test_parts_of_the_samples_are_scored_as_alone() -> None:
    """The jackknife prepares once what each sample needs: any rows have the number that these have by themselves."""
    records, unflagged = drawn(6), np.zeros(500, dtype=np.bool_)
    rows = np.flatnonzero(np.arange(500) % 7 != 3)
    names = ("augrc", "augrc(margin)", "augrc(gen)", "auroc_f(temperature=2)", "ece", "ece(temperature=2)", "nll")
    for name in (*names, "coverage_at_risk(0.3,gen)", "worst_class_accuracy"):
        metric = one_sided_metric(name, "test")
        assert isinstance(metric, ScoreMetric)
        alone = metric.measure(records.take(rows), unflagged[rows])
        assert alone == metric.on_parts(records, unflagged)(rows), name
        assert metric.compute(records, unflagged) == metric.measure(records, unflagged).value
        assert alone != metric.measure(records, unflagged), name


def test_only_a_metric_that_needs_logits_gets_them() -> None:
    """Only metrics that need logits get them, also user-defined ones, because they are copied for every part."""
    records, unflagged = drawn(8), np.zeros(500, dtype=np.bool_)

    def count(given: Records, flagged: NDArray[np.bool_]) -> float:
        return 0.0 if given.logits is None else float(given.logits.shape[0])

    for needs_logits, rows, expected in ((False, 5, 0.0), (True, 5, 5.0), (True, 500, 500.0)):
        metric = ScoreMetric(name="count", compute=count, higher_is_better=True, needs_logits=needs_logits)
        assert expected == metric.on_parts(records, unflagged)(np.arange(rows)).value


def test_few_logits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of logits computed at once changes no score."""
    records = drawn(7, 23)
    found, scaled, fitted = gen(kept(records)), tempered(records, 2.0), fit_temperature(records)
    for at_once in (1, 5, 35, 115):
        monkeypatch.setattr(module, "_AT_ONCE", at_once)
        assert found.tolist() == gen(kept(records)).tolist()
        assert scaled.entropy.tolist() == tempered(records, 2.0).entropy.tolist()
        assert fitted == pytest.approx(fit_temperature(records), rel=1e-6)


def test_a_score_can_rank_better_than_the_confidence() -> None:
    """GEN sees whether the rest is spread over many classes: right answers here are as sure, but with fewer rivals."""
    rivals = np.repeat([2, 8], 50)
    z = np.full((100, 10), -20.0)
    for row, count in enumerate(rivals):
        z[row, 0] = 0
        z[row, 1 : 1 + count] = -math.log(count)
    records = records_of_logits(z, np.repeat([0, 1], 50).astype(np.uint16))

    confidence, by_gen = score_of(records, "confidence"), score_of(records, "gen")
    assert confidence is not None
    assert by_gen is not None
    assert (0.5, 1.0) == (auroc_f(confidence.round(4), records.correct), auroc_f(by_gen, records.correct))

"""Calibration errors and proper scores: by hand, against other implementations, and in whatever order."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranked import RIGHT, SCORE, records_of_logits, records_with, shuffled
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss, recall_score

from pytest_failaware.core.records import Records
from pytest_failaware.judge.metrics.calibration import (
    BINS,
    adaptive_ece,
    brier,
    ece,
    nll,
    worst_class_accuracy,
)

EVERY = (ece, adaptive_ece, brier, nll, worst_class_accuracy)


def drawn(seed: int, count: int = 600, classes: int = 4) -> Records:
    random = np.random.default_rng(seed)
    label = random.integers(0, classes, count).astype(np.uint16)
    logits = random.normal(0, 1, (count, classes)) + 2 * np.eye(classes)[label]
    return records_of_logits(logits, label)


def test_five_samples_by_hand() -> None:
    """Each alone in its bin: gaps of 0.1, 0.2, 0.7, 0.4 and 0.5."""
    records = records_with(SCORE, RIGHT)

    assert pytest.approx(1.9 / 5) == ece(records)
    assert pytest.approx(1.9 / 5) == adaptive_ece(records)
    squares = [
        *(0.1**2 + 2 * 0.05**2, 0.2**2 + 2 * 0.1**2, 0.7**2 + 0.85**2 + 0.15**2),
        *(0.4**2 + 2 * 0.2**2, 0.5**2 + 0.75**2 + 0.25**2),
    ]
    assert sum(squares) / 5 == pytest.approx(brier(records))
    assert -np.log([0.9, 0.8, 0.15, 0.6, 0.25]).mean() == pytest.approx(nll(records))
    assert 0.0 == worst_class_accuracy(records)  # class 2 has one sample, and it is wrong


def test_rounding_never_makes_a_score_better_than_perfect() -> None:
    """Of nearly certain right answers float32 leaves squares just below 0; each counts as 0, none pays for another."""
    gap = np.linspace(8, 18, 50)
    records = records_of_logits(np.stack([gap, 0 * gap, 0 * gap], axis=1), np.zeros(50, dtype=np.uint16))
    raw = records.sum_squares - 2 * np.exp(records.label_log_probability.astype(np.float64)) + 1

    assert (raw < 0).any()
    assert np.maximum(raw, 0).mean() == brier(records)
    assert {0.0} == {brier(records.take(np.array([row]))) for row in np.flatnonzero(raw < 0)}


def test_gaps_within_a_bin_cancel() -> None:
    """A right and a wrong answer of one bin: accuracy 1/2 at a mean confidence of 0.96."""
    assert pytest.approx(0.46) == ece(records_with([0.95, 0.97], [True, False]))


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn_and_numpy(seed: int) -> None:
    """The reliability diagram's bins, the log loss, the squares over one-hot labels, and each class's recall."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 4, 600).astype(np.uint16)
    logits = random.normal(0, 1, (600, 4)) + 2 * np.eye(4)[label]
    records, probability = records_of_logits(logits, label), np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    accuracy, confidence = calibration_curve(records.correct, records.confidence, n_bins=BINS)
    sizes = np.histogram(records.confidence, bins=BINS, range=(0, 1))[0]

    assert (np.abs(accuracy - confidence) * sizes[sizes > 0]).sum() / 600 == pytest.approx(ece(records))
    assert log_loss(label, probability) == pytest.approx(nll(records), rel=1e-5)
    assert np.square(probability - np.eye(4)[label]).sum(axis=1).mean() == pytest.approx(brier(records), rel=1e-5)
    assert recall_score(label, records.prediction, average=None).min() == pytest.approx(worst_class_accuracy(records))


def test_bins_of_equal_mass_against_a_split() -> None:
    """Without ties they are 15 equal parts of the samples sorted by confidence."""
    records = drawn(5)
    assert 600 == len(np.unique(records.confidence))
    gaps = (records.correct - records.confidence.astype(np.float64))[np.argsort(records.confidence)]

    assert sum(abs(part.sum()) for part in np.split(gaps, BINS)) / 600 == pytest.approx(adaptive_ece(records))


def test_every_bin_counts_alone() -> None:
    """Two answers at the edges of each bin, right in one and wrong in the next: no gap meets another bin's."""
    confidence = (np.repeat(np.arange(BINS), 2) + np.tile([0.001, 0.999], BINS)) / BINS
    right = np.repeat(np.arange(BINS) % 2 == 0, 2)
    records = records_with(confidence, right)

    assert np.abs(right - confidence).mean() == pytest.approx(ece(records))
    assert np.abs(right - confidence).mean() == pytest.approx(adaptive_ece(records))


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=60))
def test_bins_against_their_definitions(pairs: list[tuple[int, bool]]) -> None:
    """In fractions, answer by answer: (b / 15, (b + 1) / 15] of a confidence, and of the middle of its ranks."""
    records = records_with([steps / 30 for steps, _ in pairs], [right for _, right in pairs])
    by_width, by_mass = ([Fraction(0)] * BINS for _ in range(2))
    for confidence, right in zip(records.confidence.tolist(), records.correct.tolist(), strict=True):
        gap = int(right) - Fraction(confidence)
        by_width[max(0, math.ceil(Fraction(confidence) * BINS) - 1)] += gap
        less, same = ((compare(records.confidence, np.float32(confidence))).sum() for compare in (np.less, np.equal))
        by_mass[int(BINS * Fraction(int(2 * less + same), 2) / len(pairs))] += gap

    assert float(sum(map(abs, by_width)) / len(pairs)) == pytest.approx(ece(records), abs=1e-12)
    assert float(sum(map(abs, by_mass)) / len(pairs)) == pytest.approx(adaptive_ece(records), abs=1e-12)


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.__name__)
def test_the_order_of_samples_does_not_matter(metric: object) -> None:
    """A permutation changes no more than the last bits of a sum; nor does having each sample twice."""
    records = drawn(3)
    twice = records.take(np.repeat(np.arange(len(records)), 2))

    assert callable(metric)
    assert metric(shuffled(records, 1)) == pytest.approx(metric(records), rel=1e-12)
    assert metric(twice) == pytest.approx(metric(records), rel=1e-12)
    assert metric(records.take(np.arange(0))) is None


@settings(max_examples=100, derandomize=True, database=None, deadline=None)
@given(st.lists(st.tuples(st.floats(0.34, 1.0), st.booleans()), min_size=1, max_size=40))
def test_values_lie_in_their_ranges(pairs: list[tuple[float, bool]]) -> None:
    """The values are in their ranges for any confidences and answers."""
    records = records_with([sure for sure, _ in pairs], [right for _, right in pairs])

    for metric, highest in ((ece, 1), (adaptive_ece, 1), (brier, 2), (nll, np.inf), (worst_class_accuracy, 1)):
        assert 0 <= (metric(records) or 0) <= highest

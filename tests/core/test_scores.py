"""Scores of logits, compared with scipy and at the limits of floating point."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import log_softmax as scipy_log_softmax
from scipy.stats import entropy as scipy_entropy

from pytest_failaware.core.records import Records
from pytest_failaware.core.scores import (
    Scores,
    as_float32,
    columns_of,
    is_answered,
    log_softmax,
    scores_of,
)

EXTREME = [
    [1e4, -1e4, 0.0],
    [-1e4, -1e4, -1e4],
    [1e4, 1e4, 1e4],
    [1e4, 1e4, -1e4],
    [3e38, -3e38, 0.0],
    [1e-40, 0.0, 0.0],
    [800.0, 0.0, 0.0],
]


def drawn(count: int = 300, classes: int = 7) -> np.ndarray:
    """Random float32 logits of many scales."""
    random = np.random.default_rng(11)
    return (random.normal(size=(count, classes)) * random.uniform(0.01, 30, (count, 1))).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_log_softmax_against_scipy(dtype: type[np.floating]) -> None:
    """The log-probabilities equal those of scipy, and they are float64 for every type of input."""
    logits = drawn().astype(dtype)
    expected = scipy_log_softmax(logits.astype(np.float64), axis=1)
    log_probabilities = log_softmax(logits)

    assert np.float64 == log_probabilities.dtype
    np.testing.assert_allclose(log_probabilities, expected, rtol=1e-12, atol=1e-12)


def test_scores_against_scipy_and_a_sort() -> None:
    """Each score equals an independent formula up to the precision of float32."""
    logits = drawn()
    probability = np.exp(scipy_log_softmax(logits.astype(np.float64), axis=1))
    ranked = np.sort(probability, axis=1)[:, ::-1]
    scores = scores_of(log_softmax(logits))

    assert logits.argmax(axis=1).tolist() == scores.prediction.tolist()
    np.testing.assert_allclose(scores.confidence, ranked[:, 0], rtol=1e-6)
    np.testing.assert_allclose(scores.second_probability, ranked[:, 1], rtol=1e-6)
    np.testing.assert_allclose(scores.entropy, scipy_entropy(probability, axis=1), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(scores.sum_squares, (probability**2).sum(axis=1), rtol=1e-6)


def test_two_logits_by_hand() -> None:
    """The logits ln 3 and 0 have the probabilities 3/4 and 1/4."""
    scores = scores_of(log_softmax(np.array([[0.0, math.log(3)]])))

    assert [1] == scores.prediction.tolist()
    assert [0.75] == scores.confidence.tolist()
    assert [0.25] == scores.second_probability.tolist()
    assert [0.625] == scores.sum_squares.tolist()
    assert pytest.approx(0.562335, abs=1e-6) == scores.entropy[0]


@pytest.mark.parametrize("row", EXTREME)
def test_extreme_logits_give_numbers(row: list[float]) -> None:
    """Extreme logits give finite scores in their range, without a warning."""
    scores = scores_of(log_softmax(np.array([row], dtype=np.float32)))

    assert all(np.isfinite(column).all() for column in scores)
    assert 0 <= scores.entropy[0] <= np.float32(math.log(3))
    assert np.float32(1 / 3) <= scores.confidence[0] <= 1
    assert 0 <= scores.second_probability[0] <= 0.5
    assert np.float32(1 / 3) <= scores.sum_squares[0] <= 1


def test_certainty_has_no_entropy() -> None:
    """A logit far above the others has confidence 1 and an entropy of exactly 0, not -0."""
    scores = scores_of(log_softmax(np.array([[1e4, -1e4, 0.0]])))

    assert (1.0, 0.0, 0.0) == (scores.confidence[0], scores.entropy[0], scores.second_probability[0])
    assert not np.signbit(scores.entropy[0])


def test_a_certain_probability_given_as_minus_infinity() -> None:
    """A probability of 0 adds nothing to the entropy, because 0 ln 0 counts as 0."""
    with np.errstate(divide="ignore"):
        scores = scores_of(np.log(np.array([[0.5, 0.5, 0.0]])))

    assert pytest.approx(math.log(2)) == scores.entropy[0]


def test_uniform_logits() -> None:
    """Equal logits have the largest entropy, ln K, and the first class is predicted."""
    scores = scores_of(log_softmax(np.full((1, 10), 5.0)))

    assert [0] == scores.prediction.tolist()
    assert pytest.approx(math.log(10)) == scores.entropy[0]
    assert pytest.approx(0.1) == scores.confidence[0] == scores.second_probability[0] == scores.sum_squares[0]


def test_a_constant_added_to_the_logits_changes_nothing() -> None:
    """The scores depend only on differences of logits; eighths and 1024 are added without rounding."""
    logits = np.round(drawn() * 8) / 8
    before, after = scores_of(log_softmax(logits)), scores_of(log_softmax(logits + np.float32(1024)))

    for name in Scores._fields:
        assert getattr(before, name).tolist() == getattr(after, name).tolist()


def test_every_score_has_the_type_of_its_column() -> None:
    """Predictions are uint16, scores are float32, and each is a column of the records."""
    scores = scores_of(log_softmax(drawn()))

    assert [np.uint16, *[np.float32] * 4] == [column.dtype for column in scores]
    assert set(Scores._fields) <= set(Records.__slots__)


def test_what_the_process_does_about_underflow_does_not_matter() -> None:
    """An underflow such as exp(-1000) is 0 and no error, even if the process lets numpy raise for it."""
    logits = np.array([[1000.0, 0.0, -np.inf]], dtype=np.float32)
    expected = columns_of(logits, np.array([0], dtype=np.uint16))
    with np.errstate(all="raise"):
        columns = columns_of(logits, np.array([0], dtype=np.uint16))

    assert all(np.array_equal(expected[name], columns[name]) for name in expected)


@pytest.mark.parametrize("value", [1e39, -1e39, 1e300, -np.inf, 1e-46, 5.0])
def test_a_logit_that_no_float32_holds(value: float) -> None:
    """A logit outside the range of float32 is stored as the nearest float32, without an error of numpy."""
    logits = np.array([[value, 0.5, 0.25], [0.0, 1.0, value]])
    with np.errstate(all="raise"):
        scores = columns_of(logits, np.array([0, 2], dtype=np.uint16))
        kept = as_float32(logits)

    assert [0 if value > 0.5 else 1, 2 if value > 1 else 1] == scores["prediction"].tolist()
    assert all(np.isfinite(column).all() for column in scores.values())
    assert np.isfinite(kept).all()
    assert scores["max_logit"].tolist() == kept.max(axis=1).tolist()


@pytest.mark.parametrize("outputs", [65_535, 81_313])
def test_more_outputs_than_a_prediction_can_name(outputs: int) -> None:
    """More outputs than a prediction can name are refused, so that no class number overflows."""
    with pytest.raises(ValueError, match=f"{outputs:,} outputs; a prediction can name 65,534 classes at most"):
        scores_of(np.zeros((1, outputs)))


@pytest.mark.parametrize(
    ("row", "answered"),
    [
        ([0.0, -np.inf, 1.0], True),
        ([0.0, -np.inf, -np.inf], True),
        ([-np.inf] * 3, False),
        ([0.0, np.inf, 1.0], False),
        ([np.inf, -np.inf, 1.0], False),
        ([np.nan, 1.0, 2.0], False),
        ([np.nan, -np.inf, -np.inf], False),
    ],
    ids=str,
)
def test_what_an_answer_is(row: list[float], *, answered: bool) -> None:
    """A row with NaN, with +inf or without a finite logit is no answer; -inf only masks a class."""
    with np.errstate(all="raise"):
        assert [answered] == is_answered(np.array([row])).tolist()

"""Scores of logits, against scipy and at the edges of float."""

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
    """float32 logits of many scales."""
    random = np.random.default_rng(11)
    return (random.normal(size=(count, classes)) * random.uniform(0.01, 30, (count, 1))).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_log_softmax_against_scipy(dtype: type[np.floating]) -> None:
    """The same log-probabilities as scipy's, in float64 whatever the input."""
    logits = drawn().astype(dtype)
    found = log_softmax(logits)

    assert np.float64 == found.dtype
    np.testing.assert_allclose(found, scipy_log_softmax(logits.astype(np.float64), axis=1), rtol=1e-12, atol=1e-12)


def test_scores_against_scipy_and_a_sort() -> None:
    """Each score equals its independent formula to float32."""
    logits = drawn()
    probability = np.exp(scipy_log_softmax(logits.astype(np.float64), axis=1))
    ranked = np.sort(probability, axis=1)[:, ::-1]
    found = scores_of(log_softmax(logits))

    assert logits.argmax(axis=1).tolist() == found.prediction.tolist()
    np.testing.assert_allclose(found.confidence, ranked[:, 0], rtol=1e-6)
    np.testing.assert_allclose(found.second_probability, ranked[:, 1], rtol=1e-6)
    np.testing.assert_allclose(found.entropy, scipy_entropy(probability, axis=1), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.sum_squares, (probability**2).sum(axis=1), rtol=1e-6)


def test_two_logits_by_hand() -> None:
    """ln 3 and 0 are probabilities 3/4 and 1/4."""
    found = scores_of(log_softmax(np.array([[0.0, math.log(3)]])))

    assert [1] == found.prediction.tolist()
    assert [0.75] == found.confidence.tolist()
    assert [0.25] == found.second_probability.tolist()
    assert [0.625] == found.sum_squares.tolist()
    assert pytest.approx(0.562335, abs=1e-6) == found.entropy[0]


@pytest.mark.parametrize("row", EXTREME)
def test_extreme_logits_give_numbers(row: list[float]) -> None:
    """No NaN, no warning, no negative entropy; every score stays in its range."""
    found = scores_of(log_softmax(np.array([row], dtype=np.float32)))

    assert all(np.isfinite(column).all() for column in found)
    assert 0 <= found.entropy[0] <= np.float32(math.log(3))
    assert np.float32(1 / 3) <= found.confidence[0] <= 1
    assert 0 <= found.second_probability[0] <= 0.5
    assert np.float32(1 / 3) <= found.sum_squares[0] <= 1


def test_certainty_has_no_entropy() -> None:
    """A logit far above the others: confidence 1, entropy exactly 0 and not -0."""
    found = scores_of(log_softmax(np.array([[1e4, -1e4, 0.0]])))

    assert (1.0, 0.0, 0.0) == (found.confidence[0], found.entropy[0], found.second_probability[0])
    assert not np.signbit(found.entropy[0])


def test_a_certain_probability_given_as_minus_infinity() -> None:
    """0 ln 0 counts as 0."""
    with np.errstate(divide="ignore"):
        found = scores_of(np.log(np.array([[0.5, 0.5, 0.0]])))

    assert pytest.approx(math.log(2)) == found.entropy[0]


def test_uniform_logits() -> None:
    """The largest entropy there is, ln K; the first of equals is predicted."""
    found = scores_of(log_softmax(np.full((1, 10), 5.0)))

    assert [0] == found.prediction.tolist()
    assert pytest.approx(math.log(10)) == found.entropy[0]
    assert pytest.approx(0.1) == found.confidence[0] == found.second_probability[0] == found.sum_squares[0]


def test_a_constant_added_to_the_logits_changes_nothing() -> None:
    """Softmax knows differences only; eighths and 1024 add without rounding."""
    logits = np.round(drawn() * 8) / 8
    before, after = scores_of(log_softmax(logits)), scores_of(log_softmax(logits + np.float32(1024)))

    for name in Scores._fields:
        assert getattr(before, name).tolist() == getattr(after, name).tolist()


def test_every_score_has_the_type_of_its_column() -> None:
    """uint16 predictions, float32 scores, and names that Records knows."""
    found = scores_of(log_softmax(drawn()))

    assert [np.uint16, *[np.float32] * 4] == [column.dtype for column in found]
    assert set(Scores._fields) <= set(Records.__slots__)


def test_what_the_process_does_about_underflow_does_not_matter() -> None:
    """exp(-1000) is 0 and no error, also after np.seterr."""
    logits = np.array([[1000.0, 0.0, -np.inf]], dtype=np.float32)
    expected = columns_of(logits, np.array([0], dtype=np.uint16))
    with np.errstate(all="raise"):
        columns = columns_of(logits, np.array([0], dtype=np.uint16))

    assert all(np.array_equal(expected[name], columns[name]) for name in expected)


@pytest.mark.parametrize("value", [1e39, -1e39, 1e300, -np.inf, 1e-46, 5.0])
def test_a_logit_that_no_float32_holds(value: float) -> None:
    """The record has the nearest that one does, whatever the process lets numpy raise for."""
    logits = np.array([[value, 0.5, 0.25], [0.0, 1.0, value]])
    with np.errstate(all="raise"):
        found = columns_of(logits, np.array([0, 2], dtype=np.uint16))
        kept = as_float32(logits)

    assert [0 if value > 0.5 else 1, 2 if value > 1 else 1] == found["prediction"].tolist()
    assert all(np.isfinite(column).all() for column in found.values())
    assert np.isfinite(kept).all()
    assert found["max_logit"].tolist() == kept.max(axis=1).tolist()


@pytest.mark.parametrize("outputs", [65_535, 81_313])
def test_more_outputs_than_a_prediction_can_name(outputs: int) -> None:
    """No number wraps round."""
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
    """A class may be masked by -inf; NaN, +inf and no finite logit are no answer."""
    with np.errstate(all="raise"):
        assert [answered] == is_answered(np.array([row])).tolist()

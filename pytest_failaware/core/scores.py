"""Compute scores from logits; tests and production code use this one implementation."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.samples import MOST_OUTPUTS

_LIMITS: Final = np.finfo(np.float32)


class Scores(NamedTuple):
    """The scores of each sample, (N,) each, computed in float64 and rounded once to float32."""

    prediction: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    entropy: NDArray[np.float32]
    sum_squares: NDArray[np.float32]
    second_probability: NDArray[np.float32]


@np.errstate(all="ignore")  # IEEE results, even if the process lets numpy raise errors
def scores_of(log_probability: NDArray[np.float64]) -> Scores:
    """Return the scores of log-probabilities, shape (N, K) with K >= 2.

    entropy = -sum p ln p in nats, with 0 ln 0 = 0; computed from log-probabilities, it is neither negative nor NaN.

    Raises:
        ValueError: there are more than `MOST_OUTPUTS` outputs.
    """
    if (outputs := log_probability.shape[1]) > MOST_OUTPUTS:
        raise ValueError(f"{outputs:,} outputs; a prediction can name {MOST_OUTPUTS:,} classes at most")
    probability = np.exp(log_probability)
    prediction = log_probability.argmax(axis=1)
    plogp = probability * np.where(probability > 0, log_probability, 0.0)
    top_two = np.partition(probability, -2, axis=1)[:, -2:]
    return Scores(
        prediction=prediction.astype(np.uint16),
        confidence=top_two[:, 1].astype(np.float32),
        entropy=np.maximum(-plogp.sum(axis=1), 0.0).astype(np.float32),
        sum_squares=np.square(probability).sum(axis=1).astype(np.float32),
        second_probability=top_two[:, 0].astype(np.float32),
    )


@np.errstate(all="ignore")
def columns_of(logits: NDArray[np.floating[Any]], label: NDArray[np.uint16]) -> dict[str, NDArray[Any]]:
    """Return the outcome columns of Records from logits (N, K) and labels (N,) below K; a logit may be -inf."""
    log_probability = log_softmax(logits)
    of_label = log_probability[np.arange(len(label)), label]
    return {
        **scores_of(log_probability)._asdict(),
        "label_log_probability": as_float32(of_label),
        "max_logit": as_float32(logits.max(axis=1)),
    }


@np.errstate(all="ignore")
def as_float32(logits: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return logits as float32; a logit outside the range of float32 becomes the nearest finite float32."""
    return logits.clip(_LIMITS.min, _LIMITS.max).astype(np.float32)


@np.errstate(invalid="ignore")
def is_answered(logits: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return which rows of logits (N, K) are an answer, (N,): no NaN, no +inf, and not every class masked by -inf."""
    answered: NDArray[np.bool_] = np.isfinite(logits.max(axis=1))  # the maximum of a row with NaN is NaN
    return answered


@np.errstate(all="ignore")
def log_softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return log-probabilities in float64, (N, K); the maximum is subtracted first, so nothing overflows."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True).astype(np.float64)
    normalised: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised

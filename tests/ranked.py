"""Records whose scores are given, for the metrics of rankings and of calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.schema import Records
from pytest_failaware.scores import columns_of

SCORE = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
RIGHT = np.array([True, True, False, True, False])
"""Five samples: right, right, wrong, right, wrong, from the surest down."""


def records_with(
    confidence: Sequence[float] | NDArray[np.floating], right: Sequence[bool] | NDArray[np.bool_]
) -> Records:
    """Predictions among three classes with these confidences; what they leave is shared by the two other classes."""
    sure, correct = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.bool_)
    count, rest = len(sure), (1 - sure) / 2
    label = (np.arange(count) % 3).astype(np.uint16)
    of_label = np.where(correct, sure, rest)
    return Records(
        sample_id=np.arange(count, dtype=np.uint64),
        label=label,
        prediction=np.where(correct, label, (label + 1) % 3).astype(np.uint16),
        confidence=sure.astype(np.float32),
        entropy=(1 - sure).astype(np.float32),
        label_log_probability=np.log(np.maximum(of_label, 1e-30)).astype(np.float32),
        sum_squares=(sure**2 + 2 * rest**2).astype(np.float32),
        second_probability=rest.astype(np.float32),
        max_logit=(5 * sure).astype(np.float32),
        logits=_logits(sure, rest, correct, label),
    )


def _logits(
    sure: NDArray[np.float64], rest: NDArray[np.float64], correct: NDArray[np.bool_], label: NDArray[np.uint16]
) -> NDArray[np.float32]:
    """The logarithms of these probabilities, (N, 3)."""
    probability = np.repeat(rest[:, None], 3, axis=1)
    probability[np.arange(len(sure)), np.where(correct, label, (label + 1) % 3)] = sure
    with np.errstate(divide="ignore"):
        return np.log(probability).astype(np.float32)


def records_of_logits(logits: NDArray[np.float64], label: NDArray[np.uint16]) -> Records:
    """What a model of these logits leaves behind."""
    return Records(
        sample_id=np.arange(len(label), dtype=np.uint64),
        **columns_of(logits, label),
        logits=logits.astype(np.float32),
    )


def shuffled(records: Records, seed: int) -> Records:
    """The same samples in another order."""
    return records.take(np.random.default_rng(seed).permutation(len(records)))

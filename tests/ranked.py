"""Records with chosen scores, for the metrics of rankings and of calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import Records
from pytest_failaware.core.samples import Samples
from pytest_failaware.core.scores import columns_of
from pytest_failaware.judge.metrics.ranking import (
    augrc,
    aupr_error,
    aurc,
    auroc_f,
    coverage_at_risk,
    eaurc,
    fpr_at_95tpr,
    risk_at_coverage,
)

SCORE = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
RIGHT = np.array([True, True, False, True, False])
"""Five samples in the order of their confidence: right, right, wrong, right, wrong."""

Ranking = tuple[NDArray[np.float64], NDArray[np.bool_]]

EVERY: dict[str, Callable[..., float | None]] = {
    "auroc_f": auroc_f,
    "augrc": augrc,
    "aurc": aurc,
    "eaurc": eaurc,
    "aupr_error": aupr_error,
    "fpr_at_95tpr": fpr_at_95tpr,
    "risk_at_coverage": lambda score, right: risk_at_coverage(score, right, Fraction(7, 10)),
    "coverage_at_risk": lambda score, right: coverage_at_risk(score, right, Fraction(1, 5)),
}


def records_with(
    confidence: Sequence[float] | NDArray[np.floating], right: Sequence[bool] | NDArray[np.bool_]
) -> Records:
    """Return predictions with these confidences for three classes; the two other classes share the rest."""
    sure, correct = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.bool_)
    count, rest = len(sure), (1 - sure) / 2
    label = (np.arange(count) % 3).astype(np.uint16)
    of_label = np.where(correct, sure, rest)
    return Records(
        samples=Samples(ids=np.arange(count, dtype=np.uint64), labels=label),
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
    """Return the logarithms of these probabilities, (N, 3)."""
    probability = np.repeat(rest[:, None], 3, axis=1)
    probability[np.arange(len(sure)), np.where(correct, label, (label + 1) % 3)] = sure
    with np.errstate(divide="ignore"):
        return np.log(probability).astype(np.float32)


def records_of_logits(logits: NDArray[np.float64], label: NDArray[np.uint16]) -> Records:
    """Return the records of a model with these logits."""
    return Records(
        samples=Samples(ids=np.arange(len(label), dtype=np.uint64), labels=label),
        **columns_of(logits, label),
        logits=logits.astype(np.float32),
    )


def shuffled(records: Records, seed: int) -> Records:
    """Return the same samples in another order."""
    return records.take(np.random.default_rng(seed).permutation(len(records)))


def drawn(seed: int, count: int = 500, digits: int = 2) -> Ranking:
    random = np.random.default_rng(seed)
    score = random.beta(3, 1, count).round(digits)
    return score, random.random(count) < score

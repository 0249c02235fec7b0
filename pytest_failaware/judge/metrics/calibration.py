"""How honest the probabilities are: calibration errors and proper scores, lower is better; None without a sample."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import Records

Floats = NDArray[np.float64]

BINS: Final = 15


def ece(records: Records) -> float | None:
    """The expected calibration error: sum over 15 bins of n_b / N |accuracy_b - mean confidence_b|, in [0, 1].

    The bins (0, 1/15], ..., (14/15, 1] are equally wide; Guo et al. 2017, "On calibration of modern neural networks".
    Of few samples it is too high, by about sqrt(15 / N) times a constant, on both sides of a comparison alike.
    """
    return _error(records, bins_of(records.confidence))


def bins_of(confidence: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the number of each confidence's bin in `ece`."""
    edges = np.linspace(0, 1, BINS + 1)
    bins: NDArray[np.intp] = np.clip(np.searchsorted(edges, confidence.astype(np.float64), "left") - 1, 0, BINS - 1)
    return bins


def adaptive_ece(records: Records) -> float | None:
    """As `ece`, in [0, 1], over 15 bins of equally many samples; samples of one confidence are never parted.

    A confidence lies in the bin that holds the middle of its ranks. Nguyen and O'Connor 2015, "Posterior calibration
    and exploratory analysis for natural language processing models".
    """
    _, step, sizes = np.unique(records.confidence, return_inverse=True, return_counts=True)
    middles = np.cumsum(sizes) - sizes / 2
    bins = np.floor(BINS * middles / max(1, len(records))).astype(np.intp)
    return _error(records, bins[step])


def _error(records: Records, bins: NDArray[np.intp]) -> float | None:
    if not len(records):
        return None
    gaps: Floats = records.correct - records.confidence.astype(np.float64)
    return float(np.abs(np.bincount(bins, weights=gaps)).sum() / len(records))


def brier(records: Records) -> float | None:
    """The mean of sum_k (p_k - y_k)² over all classes, in [0, 2]: sum p² - 2 p_label + 1. Brier 1950.

    Some divide it by the number of classes or sum over one class alone: their numbers are others.
    """
    if not len(records):
        return None
    of_label = np.exp(records.label_log_probability.astype(np.float64))
    return float(np.clip(records.sum_squares - 2 * of_label + 1, 0.0, 2.0).mean())  # float32 sums may exceed


def nll(records: Records) -> float | None:
    """The mean of -ln p_label in nats, 0 or more: the log loss, or cross entropy. Good 1952, "Rational decisions"."""
    return float(-records.label_log_probability.astype(np.float64).mean()) if len(records) else None


def worst_class_accuracy(records: Records) -> float | None:
    """The smallest accuracy of a class among those that the samples have, in [0, 1]; higher is better.

    Sagawa et al. 2020, "Distributionally robust neural networks for group shifts".
    """
    if not len(records):
        return None
    total = np.bincount(records.label)
    right = np.bincount(records.label, weights=records.correct)
    return float((right[total > 0] / total[total > 0]).min())

"""Computations on all logits of a sample, in float64: GEN, and temperature scaling with its fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import LOGITS, SCORES, Records
from pytest_failaware.core.scores import columns_of, log_softmax

Floats = NDArray[np.float64]

_GAMMA: Final = 0.1
_LARGEST: Final = 100  # probabilities that GEN sums over
_AT_ONCE: Final = 2**22  # logits in float64; bounds the memory for any number of classes

TEMPERATURES: Final = (0.01, 100.0)
"""The range of temperatures that a fit searches."""


def gen(logits: NDArray[np.float32]) -> Floats:
    """Minus the sum of p^0.1 (1 - p)^0.1 over the 100 largest probabilities, (N,): higher is surer, 0 is certain.

    The generalised entropy of Liu, Lochman and Zach 2023, "GEN: Pushing the limits of softmax-based out-of-distribution
    detection". Small probabilities weigh far more than they do in the entropy.

    >>> gen(np.log(np.array([[0.5, 0.5], [0.9, 0.1]], dtype=np.float32))).round(6)
    array([-1.741101, -1.572006])
    """

    def of_part(rows: slice) -> Floats:
        log_p = log_softmax(logits[rows])
        if log_p.shape[1] > _LARGEST:
            log_p = np.partition(log_p, -_LARGEST, axis=1)[:, -_LARGEST:]
        entropy: Floats = -(np.exp(_GAMMA * log_p) * (-np.expm1(log_p)) ** _GAMMA).sum(axis=1)
        return entropy

    return np.concatenate([of_part(rows) for rows in _parts(logits)])


def tempered(records: Records, temperature: float) -> Records:
    """Return the records with the scores of softmax(z / T) and without logits; predictions do not change.

    Guo et al. 2017, "On calibration of modern neural networks". At T = 1 every score is what it was.
    """
    logits = records.logits
    if logits is None:
        raise ValueError("the records hold no logits")
    answered = records.confidence > 0
    names = [name for name in SCORES if name != "max_logit"]  # max_logit is not a probability

    def of_part(rows: slice) -> dict[str, NDArray[np.float32]]:
        shifted = logits[rows].astype(np.float64) - logits[rows].max(axis=1, keepdims=True)
        return columns_of(shifted / temperature, records.label[rows])

    parts = [of_part(rows) for rows in _parts(logits)]
    scaled = {name: np.concatenate([part[name] for part in parts]) for name in names}
    changed = {name: np.where(answered, column, getattr(records, name)) for name, column in scaled.items()}
    kept = {name: column for name, column in records.outcome.items() if name != LOGITS}
    return Records.of_outcome(records.samples, {**kept, **changed})


def fit_temperature(records: Records) -> float | None:
    """Return the T that minimises the sum of -ln softmax(z / T) of the labels; None if no T in TEMPERATURES does.

    There is no such T if every answer is right (a smaller T is always better), if the logits hold no information (a
    larger T is always better, or every T is equal), or if a label has the probability 0 at every T. Samples without
    finite logits have equal logits, which no T changes.
    """
    from scipy import optimize  # imported here: gates do not need it, and its import is slow

    logits, label = records.logits, records.label
    if logits is None:
        raise ValueError("the records hold no logits")

    def nll(log_temperature: float) -> float:
        total = 0.0
        for rows in _parts(logits):
            log_p = log_softmax(logits[rows].astype(np.float64) / math.exp(log_temperature))
            total -= float(log_p[np.arange(len(log_p)), label[rows]].sum())
        return total

    bounds = tuple(map(math.log, TEMPERATURES))
    fit = optimize.minimize_scalar(nll, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return math.exp(fit.x) if fit.fun < min(map(nll, bounds)) else None


def _parts(logits: NDArray[np.float32]) -> Iterator[slice]:
    """Yield all rows in parts; at least one part, which is empty if there is no row."""
    size = max(1, _AT_ONCE // logits.shape[1])
    for start in range(0, max(1, len(logits)), size):
        yield slice(start, start + size)

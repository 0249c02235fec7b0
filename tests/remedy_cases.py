"""Logits and records of made models, for the tests of remedies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from five import records_of
from numpy.typing import NDArray

from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import rule_columns
from pytest_failaware.core.scores import columns_of

RULE = FailureRule()
TOLERANCE = {"confident_accuracy": 0.005, "confident_correct_rate": 0.05, "silent_failure_rate": 0.005}
Floats = NDArray[np.float64]


def logits_of(count: int, seed: int) -> tuple[Floats, NDArray[np.uint16]]:
    """Return logits and labels of a model of ten classes that is right more often if it is sure."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count).astype(np.uint16)
    logits = random.normal(0, 2, (count, 10))
    logits[np.arange(count), labels] += random.uniform(-0.5, 8, count)
    return logits, labels


def records(logits: Floats, labels: NDArray[np.uint16], *rules: FailureRule) -> Records:
    """Return records with the columns of these rules and without logits."""
    samples = replace(records_of().samples, ids=np.arange(len(labels), dtype=np.uint64), labels=labels)
    return Records.of_outcome(samples, {**columns_of(logits, labels), **rule_columns(logits, rules)})

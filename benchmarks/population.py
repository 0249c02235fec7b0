"""A population of samples with synthetic logits, from which images and models are drawn.

Three networks answer to each sample under each condition: they share the signal and most of the noise. Which of them is
the model, its successor or the golden reference is drawn for each sample, so all three are equal in truth in every
number; a sample keeps its draw under all conditions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import rule_columns
from pytest_failaware.core.samples import Samples
from pytest_failaware.core.scores import columns_of

RULE: Final = FailureRule()
CLASSES: Final = 10
SIGNALS: Final = (18.0, 12.0, 9.0, 7.0)
"""The mean distance of the right logit from the others, one for each condition: 90, 85, 81 and 76 % are right."""
NETWORKS: Final = 3

Floats = NDArray[np.float64]
Labels = NDArray[np.uint16]
Rows = NDArray[np.intp]


def logits_of(random: np.random.Generator, size: int) -> tuple[Floats, Labels]:
    """Return logits (conditions, networks, size, classes) and labels (size,); 4 to 9 % of the answers differ."""
    labels = random.integers(0, CLASSES, size).astype(np.uint16)
    ease, noise = random.uniform(0, 2, size), random.normal(0, 2, (size, CLASSES))
    own = random.normal(0, 1, (NETWORKS, size, CLASSES))
    logits = np.broadcast_to(noise + own, (len(SIGNALS), NETWORKS, size, CLASSES)).copy()
    logits += random.normal(0, 0.5, (len(SIGNALS), 1, size, CLASSES))  # what a condition does to a sample
    for condition, signal in enumerate(SIGNALS):
        logits[condition, :, np.arange(size), labels] += (signal * ease)[:, None]
    return logits, labels


def records_of(logits: Floats, labels: Labels, rule: FailureRule = RULE) -> Records:
    """Return the records of logits (N, K) with the columns of a rule, without the logits."""
    samples = Samples(ids=np.arange(len(labels), dtype=np.uint64), labels=labels)
    return Records.of_outcome(samples, {**columns_of(logits, labels), **rule_columns(logits, [rule])})


class Population:
    """The records of all networks under all conditions."""

    def __init__(self, size: int = 20_000, seed: int = 3) -> None:
        self.logits, self.labels = logits_of(np.random.default_rng(seed), size)
        self.records = [[records_of(logits, self.labels) for logits in networks] for networks in self.logits]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, random: np.random.Generator, n: int) -> tuple[Rows, Rows]:
        """Draw n samples, and for each of them the roles of the networks, (n, networks)."""
        roles = np.argsort(random.random((n, NETWORKS)), axis=1)
        return random.integers(0, len(self), n), roles

    def models(self, condition: int, rows: Rows, roles: Rows) -> list[Records]:
        """Return the records of three models under a condition, which are equal in truth."""
        drawn = [_drawn(records, rows) for records in self.records[condition]]
        return [_by_role(drawn, roles[:, role]) for role in range(NETWORKS)]


def _drawn(records: Records, rows: Rows) -> Records:
    """Return the records of these samples under new ids, since a sample may be drawn twice."""
    samples = Samples(ids=np.arange(len(rows), dtype=np.uint64), labels=records.label[rows])
    return Records.of_outcome(samples, {name: column[rows] for name, column in records.outcome.items()})


def _by_role(drawn: list[Records], network: Rows) -> Records:
    """Return records whose samples come from the network of each, (n,)."""
    columns = {name: np.choose(network, [records.outcome[name] for records in drawn]) for name in drawn[0].outcome}
    return Records.of_outcome(drawn[0].samples, columns)


def lowered(records: Records, drop: float, random: np.random.Generator) -> Records:
    """Return the records after a share `drop` of all answers, right before, turned wrong with the same scores."""
    falls = records.correct & (random.random(len(records)) < drop / records.correct.mean())
    prediction = np.where(falls, (records.prediction + 1) % CLASSES, records.prediction).astype(np.uint16)
    return replace(records, prediction=prediction)

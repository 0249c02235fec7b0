"""A self-test of a gate on planted changes: is it quiet if nothing is lost, and red if something is?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.records import Records
from pytest_failaware.judge.gating import bounded
from pytest_failaware.judge.metrics.rates import stats_of
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.sides import under_one_rule
from pytest_failaware.judge.verdict import judged

DROPS: Final = (0.0, 0.01, 0.03, 0.05, 0.10)
"""The planted drops: shares of all answers that are right before and wrong now, in expectation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The outcome for one condition: which draws failed, (draws, len(DROPS)), and how many answers flipped."""

    flips: float  # the mean share of answers that are right on only one side if nothing is lost
    failed: NDArray[np.bool_]


def plant(gate: Gate, records: Records, flips: float, draws: int, random: np.random.Generator) -> Trial:
    """Judge `draws` models drawn from the stored records, for each of the drops.

    Args:
        gate: the gate to test.
        records: the stored outcome of one condition. The gate uses its groups, but changes are planted sample by
            sample.
        flips: the share of answers that flip between models of equal true accuracy; fewer flip if the records have too
            few wrong answers.
        draws: the number of models for each drop.
        random: the source of random numbers.
    """
    share = redrawn_share(records, flips)
    failed, flipped = np.zeros((draws, len(DROPS)), dtype=np.bool_), 0
    for draw in range(draws):
        equal = redraw(records, share, random)
        flipped += int((equal.correct != records.correct).sum())
        failed[draw] = [_fails(gate, records, lower(equal, drop, random)) for drop in DROPS]
    return Trial(flips=flipped / (draws * len(records)), failed=failed)


def _fails(gate: Gate, stored: Records, now: Records) -> bool:
    """Return whether a test item with this gate is red."""
    sides = under_one_rule(outcomes_of(stored, gate.rule), outcomes_of(now, gate.rule))
    stats, classes = stats_of("", now, gate.rule, gate.table, gate.named), range(int(stored.label.max()) + 1)
    comparisons = [*judged(gate, sides, tuple(map(str, classes))), *bounded(gate, stats)]
    return any(comparison.verdict.fails for comparison in comparisons)


# ---- planting ------------------------------------------------------------------------------------------------------


def redraw(records: Records, share: float, random: np.random.Generator) -> Records:
    """Return a model of equal true accuracy: a share of the samples gets the outcome of another sample of its class.

    Prediction and scores come from the same donor, drawn with replacement, so each class keeps its accuracy, its
    confidences and their correlation in expectation.
    """
    donors = np.arange(len(records))
    for rows in _classes(records):
        donors[rows] = random.choice(rows, len(rows))
    source = np.where(random.random(len(records)) < share, donors, np.arange(len(records)))
    return dataclasses.replace(records.take(source), samples=records.samples)


def redrawn_share(records: Records, flips: float) -> float:
    """Return the share of samples to redraw, at most 1, so that about `flips` of the answers become right or wrong."""
    right = records.correct
    rates = [(len(rows), float(right[rows].mean())) for rows in _classes(records)]
    per_sample = sum(count * 2 * rate * (1 - rate) for count, rate in rates) / len(records)
    return min(1.0, flips / per_sample) if per_sample else 0.0


def lower(records: Records, drop: float, random: np.random.Generator) -> Records:
    """Return the model with right answers made wrong at the same confidence: its true accuracy falls by `drop`."""
    right = records.correct
    rate = min(1.0, drop / float(right.mean())) if right.any() else 0.0
    falls = right & (random.random(len(records)) < rate)
    wrong = np.where(records.label == 0, 1, records.label - np.minimum(records.label, 1))
    prediction = np.where(falls, wrong, records.prediction).astype(records.prediction.dtype)
    return dataclasses.replace(records, prediction=prediction)


def _classes(records: Records) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each class."""
    order = np.argsort(records.label, kind="stable")
    ends = np.flatnonzero(np.diff(records.label[order])) + 1
    yield from np.split(order, ends)

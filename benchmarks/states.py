"""Simulated models for the statistics: each sample has one of four states, and a successor keeps most of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import SCORES, Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.outcomes import Outcomes, outcomes_of

States = NDArray[np.int64]
"""(N,): 0 trusted and right, 1 trusted and wrong, 2 flagged and right, 3 flagged and wrong."""

SHARES = np.array([0.80, 0.06, 0.10, 0.04])
ACCURACY = 0.90
RULE = FailureRule()
RATES = ("accuracy", "confident_accuracy", "silent_failure_rate", "confident_correct_rate")
DECLARED = {"metrics": list(RATES), "tolerance": dict.fromkeys(RATES, 0.005)}
"""The gates of a marked test, by name; without the ranking, since states say nothing about it."""


def lowered(drop: float) -> NDArray[np.float64]:
    """Return the shares of the states after accuracy has fallen by `drop`, in proportion among trusted and flagged."""
    lost = SHARES[[0, 2]] * drop / ACCURACY
    return SHARES + np.array([-lost[0], lost[0], -lost[1], lost[1]])


def first(random: np.random.Generator, n: int) -> States:
    """Return the states of a model."""
    return random.choice(4, n, p=SHARES)


def successor(
    random: np.random.Generator, before: States, flips: float, *, fallen: float = 0.0, drop: float = 0.0
) -> States:
    """Return a model with about a share of `flips` of other answers, whose true accuracy is lower by `drop`.

    A sample keeps its state or draws it again from the new shares. Among those that keep it, right answers become
    wrong at the rate that gives the kept ones the same shares. `fallen` is the loss of accuracy before.
    """
    anew = random.random(len(before)) < flips / (2 * ACCURACY * (1 - ACCURACY))
    falls = (before % 2 == 0) & (random.random(len(before)) < drop / (ACCURACY - fallen))
    redrawn = random.choice(4, len(before), p=lowered(fallen + drop))
    return np.where(anew, redrawn, before + falls)


def outcomes(states: States, groups: NDArray[np.uint32] | None = None) -> Outcomes:
    """Return the states as outcomes: records of class 0 under the default rule, with groups as in `Outcomes`."""
    n, flagged = len(states), states >= 2
    columns = {name: np.zeros(n, dtype=np.float32) for name in SCORES}
    columns["confidence"] = np.where(flagged, 0.5, 0.9).astype(np.float32)
    label = np.zeros(n, dtype=np.uint16)
    wrong = (states % 2).astype(np.uint16)
    ids = np.arange(n, dtype=np.uint64)
    return outcomes_of(
        Records(samples=Samples(ids=ids, labels=label, groups=groups), prediction=wrong, **columns), RULE
    )

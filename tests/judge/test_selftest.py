"""Planted changes: what is equal in truth stays equal on average, what is lost is lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from five import records_of

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.records import Records
from pytest_failaware.judge.selftest import DROPS, lower, plant, redraw, redrawn_share

LETTERS = "RRRRRRWrrw" * 60  # a class has every third sample


def accuracies(records: Records) -> list[float]:
    """The accuracy of each of the three classes."""
    return [float(records.correct[records.label == label].mean()) for label in range(3)]


def test_a_redrawn_model_is_equal_on_average() -> None:
    """Each class keeps its accuracy, each sample its label and id, and predictions go with their scores."""
    records, random = records_of(LETTERS), np.random.default_rng(0)
    drawn = [redraw(records, 0.5, random) for _ in range(400)]
    pairs = {*zip(records.prediction.tolist(), records.confidence.tolist(), strict=True)}

    assert accuracies(records) == pytest.approx(np.mean([accuracies(one) for one in drawn], axis=0), abs=0.01)
    for one in drawn[:5]:
        assert (records.sample_id.tolist(), records.label.tolist()) == (one.sample_id.tolist(), one.label.tolist())
        assert {*zip(one.prediction.tolist(), one.confidence.tolist(), strict=True)} <= pairs


@pytest.mark.parametrize("flips", [0.002, 0.05, 0.10])
def test_as_many_answers_flip_as_asked(flips: float) -> None:
    """On average as many answers flip as asked."""
    records, random = records_of(LETTERS), np.random.default_rng(1)
    share = redrawn_share(records, flips)
    found = np.mean([(redraw(records, share, random).correct != records.correct).mean() for _ in range(400)])

    assert flips == pytest.approx(found, rel=0.1)


def test_what_cannot_flip_does_not() -> None:
    """Without a wrong answer there is nothing to draw; with too few, all samples are redrawn."""
    assert 0.0 == redrawn_share(records_of("RRRrrr"), 0.1)
    assert 1.0 == redrawn_share(records_of("R" * 597 + "WWW"), 0.1)


def test_a_planted_drop() -> None:
    """Right answers turn wrong at their confidence, as many as asked; other answers stay."""
    records, random = records_of(LETTERS), np.random.default_rng(2)
    lowered = [lower(records, 0.05, random) for _ in range(200)]

    assert 0.05 == pytest.approx(records.correct.mean() - np.mean([one.correct.mean() for one in lowered]), abs=0.002)
    for one in lowered[:5]:
        changed = one.prediction != records.prediction
        assert (changed == (records.correct & ~one.correct)).all()
        assert (one.confidence == records.confidence).all()
    assert 0 == lower(records_of("RRR"), 1.0, random).correct.sum()
    assert 0 == lower(records_of("WWW"), 0.1, random).correct.sum()


def test_a_trial() -> None:
    """A row per draw, a column per drop; a larger drop fails more often."""
    gate = build_gate({"conditions": ["clean"], "metrics": ["accuracy"]})
    trial = plant(gate, records_of(LETTERS), 0.05, 30, np.random.default_rng(3))
    shares = trial.failed.mean(axis=0)

    assert (30, len(DROPS)) == trial.failed.shape
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert 0.05 == pytest.approx(trial.flips, rel=0.3)


@pytest.mark.parametrize(("guard", "share"), [(0.02, 1.0), (None, 0.0)])
def test_the_class_guard_counts(guard: float | None, share: float) -> None:
    """A drop that only the class guard can see is red in every draw if the guard is on, and in none if it is off."""
    gate = build_gate({"conditions": ["clean"], "metrics": ["accuracy"], "tolerance": 0.5})
    gate = replace(gate, class_guard=None if guard is None else Decimal(str(guard)))
    trial = plant(gate, records_of("RRRRRRRRRw" * 300), 0.02, 10, np.random.default_rng(4))

    assert share == trial.failed[:, DROPS.index(0.10)].mean()

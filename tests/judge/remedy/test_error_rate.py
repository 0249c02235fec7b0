"""How often a remedy is called proven although no rule of its family is enough: a small seeded simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from remedy_cases import RULE, TOLERANCE, logits_of, records

from pytest_failaware.core.remedy import RemedyKind
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.remedy.case import Case
from pytest_failaware.judge.remedy.family import families
from pytest_failaware.judge.remedy.search import Z_NEED, held_out_z

DRAWS = 400


def population() -> Case:
    """Return 40,000 samples whose candidate has sharper logits, and eight of a hundred answers turned wrong."""
    logits, labels = logits_of(40_000, 3)
    harmed = 1.5 * logits
    broken = np.random.default_rng(4).random(len(labels)) < 0.08
    harmed[broken] = np.roll(harmed[broken], 1, axis=1)
    before = outcomes_of(records(logits, labels, RULE), RULE)
    return Case(key="all", before=before, now=records(harmed, labels, RULE), rule=RULE, tolerance=TOLERANCE)


@pytest.mark.parametrize("kind", [RemedyKind.RULE, RemedyKind.TEMPERATURE])
def test_a_remedy_on_the_bound_is_rarely_called_proven(kind: RemedyKind):
    """If even the best rule loses exactly the tolerance, at most 2.5 % of the draws call a remedy proven."""
    whole = population()
    family = next(found for found in families([whole]) if found.kind is kind)
    index, right, then = family.trusted_before(whole), whole.now.correct, whole.before
    trusted = index[:, None] > np.arange(len(family.rules))
    kept = (right[:, None] & trusted).sum(axis=0)
    lost = (then.right & then.trusted).mean() - kept / len(right)
    fallen = (then.right & then.trusted).sum() / then.trusted.sum() - kept / np.maximum(1, trusted.sum(axis=0))
    bound = float(fallen[lost <= TOLERANCE["confident_correct_rate"]].min())
    assert bound > 0
    random, proven = np.random.default_rng(5), 0
    for _ in range(DRAWS):
        rows = random.integers(0, len(right), 1500)
        samples = replace(whole.now.samples.take(rows), ids=np.arange(1500, dtype=np.uint64))
        before = replace(then, records=then.records.take(rows), right=then.right[rows], trusted=then.trusted[rows])
        now = replace(whole.now.take(rows), samples=samples)
        drawn = Case(key="x", before=before, now=now, rule=RULE, tolerance={**TOLERANCE, "confident_accuracy": bound})
        proven += held_out_z([drawn], family, [index[rows]]) >= Z_NEED
    assert proven / DRAWS <= 0.025 + 3 * (0.025 * 0.975 / DRAWS) ** 0.5

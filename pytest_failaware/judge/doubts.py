"""Doubts about an evaluation: sentences on what makes its numbers questionable."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_failaware.core.condition import CLEAN
from pytest_failaware.judge.alarm import clean_alarm
from pytest_failaware.judge.evaluation import Evaluation
from pytest_failaware.judge.verdict import flags_nearly_all, not_finite


def doubts_of(evaluation: Evaluation, *, is_misfit: bool = False) -> Iterator[str]:
    """Yield sentences on logits that are not finite, on a wrong set-up, and on a rule that flags everything.

    Args:
        evaluation: of one condition.
        is_misfit: whether the normalisation layers see other inputs than in training.
    """
    key, stats = evaluation.condition.key, evaluation.stats
    yield from (f"{key}: {note}" for note in not_finite(stats))
    if alarm := clean_alarm(evaluation.measurement, is_misfit=is_misfit):
        yield alarm
    elif key == CLEAN:
        yield from (f"{key}: {note}" for note in flags_nearly_all(stats))

"""The two questions that the gates of an item answer, and the act that their answers ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Final, TypeVar

from pytest_failaware.core.remedy import Act
from pytest_failaware.core.result import PROMISES, BoundCheck, Judged, Verdict

Row = TypeVar("Row")


class Question(Enum):
    """What a gate answers; the value is the question as the reader sees it."""

    NONE = ""  # a bound, or drift from the golden reference
    MODEL = "Is the model worse?"
    PROMISE = "Does the pair of model and rule keep its promise?"


ACTS: Final = {
    Verdict.REGRESSED: Act.RETRAIN,
    Verdict.OPERATING_POINT_MOVED: Act.RULE,
    Verdict.NOT_SHOWN: Act.SAMPLES,
}
"""The act that a verdict asks for."""
_WORST: Final = {Question.MODEL: "yes", Question.PROMISE: "no"}
_OPEN: Final = {Question.MODEL: "not excluded", Question.PROMISE: "not shown"}
_GOOD: Final = {Question.MODEL: "not proven", Question.PROMISE: "nothing against it is proven"}


def question_of(judged: Judged) -> Question:
    """Return the question that a gate answers."""
    if isinstance(judged, BoundCheck) or judged.verdict is Verdict.DRIFTED:
        return Question.NONE
    is_promise = judged.metric in PROMISES or judged.verdict is Verdict.OPERATING_POINT_MOVED
    return Question.PROMISE if is_promise else Question.MODEL


def by_question(rows: Iterable[Row], judged: Callable[[Row], Judged]) -> dict[Question, list[Row]]:
    """Return rows by the question that their gates answer, without questions that no row answers."""
    groups = {question: [row for row in rows if question_of(judged(row)) is question] for question in Question}
    return {question: group for question, group in groups.items() if group}


def answer(question: Question, gates: Sequence[Judged]) -> str:
    """Return the question with the answer of its gates: `Is the model worse? not proven`."""
    verdicts = {judged.verdict for judged in gates}
    is_bad = not verdicts.isdisjoint((Verdict.REGRESSED, Verdict.OPERATING_POINT_MOVED))
    words = _WORST if is_bad else _OPEN if any(verdict.fails for verdict in verdicts) else _GOOD
    return f"{question.value} {words[question]}"

"""Keep a vision model's failure awareness under regression test; importing this imports no torch and no numpy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_failaware.conditions import Degradation
    from pytest_failaware.errors import FailAwareError, FailAwareWarning
    from pytest_failaware.evaluation import Evaluation, Evaluations
    from pytest_failaware.judge.kinds import RateMetric, ScoreMetric
    from pytest_failaware.judge.rule import FailureRule
    from pytest_failaware.judgements import Judgements, compare
    from pytest_failaware.load_rule import load_rule
    from pytest_failaware.run import evaluate

__all__ = [
    "Degradation",
    "Evaluation",
    "Evaluations",
    "FailAwareError",
    "FailAwareWarning",
    "FailureRule",
    "Judgements",
    "RateMetric",
    "ScoreMetric",
    "compare",
    "evaluate",
    "load_rule",
]

_HOMES = {
    "Degradation": "pytest_failaware.conditions",
    "Evaluation": "pytest_failaware.evaluation",
    "Evaluations": "pytest_failaware.evaluation",
    "FailAwareError": "pytest_failaware.errors",
    "FailAwareWarning": "pytest_failaware.errors",
    "FailureRule": "pytest_failaware.judge.rule",
    "Judgements": "pytest_failaware.judgements",
    "RateMetric": "pytest_failaware.judge.kinds",
    "ScoreMetric": "pytest_failaware.judge.kinds",
    "compare": "pytest_failaware.judgements",
    "evaluate": "pytest_failaware.run",
    "load_rule": "pytest_failaware.load_rule",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

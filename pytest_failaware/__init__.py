"""Regression-test whether a classifier knows when it is wrong; this import loads neither torch nor numpy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_failaware.baselines.opening import load_rule
    from pytest_failaware.core.conditions.catalogue import Degradation
    from pytest_failaware.core.errors import FailAwareError, FailAwareWarning
    from pytest_failaware.core.metric import RateMetric, ScoreMetric
    from pytest_failaware.core.rule import FailureRule
    from pytest_failaware.judge.evaluation import Evaluation, Evaluations
    from pytest_failaware.report.judgements import Judgements
    from pytest_failaware.run import compare, evaluate

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
    "Degradation": "pytest_failaware.core.conditions.catalogue",
    "Evaluation": "pytest_failaware.judge.evaluation",
    "Evaluations": "pytest_failaware.judge.evaluation",
    "FailAwareError": "pytest_failaware.core.errors",
    "FailAwareWarning": "pytest_failaware.core.errors",
    "FailureRule": "pytest_failaware.core.rule",
    "Judgements": "pytest_failaware.report.judgements",
    "RateMetric": "pytest_failaware.core.metric",
    "ScoreMetric": "pytest_failaware.core.metric",
    "compare": "pytest_failaware.run",
    "evaluate": "pytest_failaware.run",
    "load_rule": "pytest_failaware.baselines.opening",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

"""Sentences on what mends a moved operating point, and on what to look at if a model is worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_failaware.core.remedy import Remedy
from pytest_failaware.core.result import ClassLoss, Flip
from pytest_failaware.core.rule import FailureRule

NONE: Final = "no single rule or temperature does: retrain, or accept with a reason"
RETRAIN: Final = "retrain, or accept with a reason: the model is worse, and no rule mends that"
AGAINST: Final = "a rule is sought only against a baseline, not against a second model"
NOT_KEPT: Final = "no rule is sought: the outcomes of a condition are not known here"


def enough(remedy: Remedy) -> str:
    """Return the rule to paste, whether it is proven, and its price."""
    return f"failaware_rule = {remedy.rule}: {_proof(remedy)}; {_price(remedy)}"


def former(rule: FailureRule) -> str:
    """Return that the stored rule mends a test whose rule was changed."""
    return f"failaware_rule = {rule}: the stored rule, green on these images; so the new rule is what moved the point"


def _proof(remedy: Remedy) -> str:
    if remedy.is_proven:
        return "enough, proven on held-out halves"
    return f"green on these images, not proven with {remedy.images:,}; about {_about(remedy.images_needed):,} would do"


def _price(remedy: Remedy) -> str:
    points = ", ".join(f"{points:+.1f} {key}" for key, points in remedy.price.items())
    return f"trusted and right, points: {points}"


def _about(count: int) -> int:
    """Return the count with two significant digits, rounded up: 8,412 -> 8,500."""
    step = int("1" + "0" * max(0, len(str(count)) - 2))
    return -(-count // step) * step


def of_selection(measured: int, declared: int) -> str:
    """Return that the advice depends on the conditions that ran."""
    return f"from {measured} of {declared} declared conditions; with all of them it may be another rule, or none"


def not_compared(condition: str, verdict: str) -> str:
    """Return why no rule is sought if a condition has no comparison."""
    return f"no rule is sought: {condition} is {verdict}, and one rule must do for all conditions"


def lost_most(condition: str, classes: Sequence[ClassLoss]) -> str:
    """Return the classes that lost the most right answers."""
    losses = ", ".join(f"{lost.name} {lost.before:,} -> {lost.now:,} of {lost.samples:,} right" for lost in classes)
    return f"{condition}: lost most: {losses}"


def suspects(condition: str, flips: Sequence[Flip]) -> str:
    """Return the samples whose label may be wrong, since both models are sure of another class."""
    samples = ", ".join(f"{flip.name or flip.sample_id} (labelled {flip.label}, both say {flip.now})" for flip in flips)
    return f"{condition}: look at these labels first: {samples}"

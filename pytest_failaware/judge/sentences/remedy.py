"""Sentences on what mends a moved operating point, and on what to look at if a model is worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_failaware.core.result import ClassLoss, Flip

NO_RULE_YET: Final = "no rule is sought: a retrained model needs another one"
AGAINST: Final = "a rule is sought only against a baseline, not against a second model"
NOT_KEPT: Final = "no rule is sought: the outcomes of a condition are not known here"

BY_NEAREST: Final = "the rule is proven against the nearest seed of the recipe, and judged against all its seeds"


def of_selection(measured: int, declared: int) -> str:
    """Return that the advice depends on the conditions that ran."""
    return f"from {measured} of {declared} declared conditions; with all of them it may be another rule, or none"


def not_compared(condition: str, verdict: str) -> str:
    """Return why no rule is sought if a condition has no comparison."""
    return f"no rule is sought: {condition} is {verdict}, and one rule must do for all conditions"


def lost_most(condition: str, classes: Sequence[ClassLoss]) -> str:
    """Return the classes that lost the most right answers."""
    losses = ", ".join(f"{lost.name!r} {lost.before:,} -> {lost.now:,} of {lost.samples:,} right" for lost in classes)
    return f"{condition}: lost most: {losses}"


def suspects(condition: str, flips: Sequence[Flip]) -> str:
    """Return the samples whose label may be wrong, since both models are sure of another class."""
    samples = ", ".join(
        f"{flip.name or flip.sample_id} (labelled {flip.label!r}, both say {flip.now!r})" for flip in flips
    )
    return f"{condition}: look at these labels first: {samples}"

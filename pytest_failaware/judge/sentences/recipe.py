"""Sentences on the judgement against a recipe."""

from __future__ import annotations

from typing import Final

from pytest_failaware.core.baseline import FEWEST_SEEDS


def judged_by(seeds: int, nearest: int, model_sha256: str) -> str:
    """Say that all seeds judge, and which one single samples are compared with."""
    return (
        f"judged against the {seeds} seeds of its recipe; single samples and classes are compared with seed {nearest} "
        f"({model_sha256[:8]}), the nearest to their mean"
    )


def nearest_alone(policy: str, seeds: int, nearest: int) -> str:
    """Say that the policy compares two models."""
    return f"{policy} compares two models: judged against seed {nearest} of {seeds}, the nearest to their mean"


def is_seed(number: int, seeds: int) -> str:
    """Say that the candidate is one of the seeds."""
    return f"identical to seed {number} of the {seeds} of its recipe"


UNDEFINED: Final = f"judged against the nearest seed: fewer than {FEWEST_SEEDS} seeds have a value"

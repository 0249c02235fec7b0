"""Add a degradation and two metrics by hooks, which pytest-failaware calls before it collects a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_failaware import Degradation, RateMetric, ScoreMetric

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from pytest_failaware.core.records import Records
    from pytest_failaware.measure.degrade.randomness import SampleRandom


def pytest_failaware_conditions() -> list[Degradation]:
    """Add `dust`; raise `implementation` if the function changes, so that older baselines are incomparable."""
    return [Degradation(name="dust", function=dust, parameters={"amount": 0.3}, is_random=True, implementation=1)]


def pytest_failaware_metrics() -> list[RateMetric | ScoreMetric]:
    """Add two metrics: a rate is a ratio of two sample counts, a score is any other number."""
    return [
        RateMetric(name="recall_of_eights", masks=recall_of_eights, higher_is_better=True),
        ScoreMetric(name="overconfidence", compute=overconfidence, higher_is_better=False, lowest=-1),
    ]


def dust(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Make each pixel black with probability `amount`; keep shape (N, C, H, W), dtype uint8 and device."""
    n, _, height, width = images.shape
    draws = random.uint16(height * width).reshape(n, 1, height, width)  # never torch.rand, which depends on the batch
    return images.masked_fill(draws < strength["amount"] * 65536, 0)


def recall_of_eights(records: Records, flagged: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return two masks: the right answers, and the eights among which they count."""
    return records.correct, records.label == 8


def overconfidence(records: Records, flagged: NDArray[np.bool_]) -> float | None:
    """Return mean confidence minus accuracy of the trusted answers, -1 to 1, or None if no answer is trusted."""
    trusted = ~flagged
    if not trusted.any():
        return None
    return float(records.confidence[trusted].mean() - records.correct[trusted].mean())

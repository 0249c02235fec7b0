"""A degradation and two metrics of our own, by the hooks; pytest-failaware calls them before it collects a test."""

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
    """Raise `implementation` when the function changes: older baselines are then incomparable, not regressed."""
    return [Degradation(name="dust", function=dust, parameters={"amount": 0.3}, is_random=True, implementation=1)]


def pytest_failaware_metrics() -> list[RateMetric | ScoreMetric]:
    """A rate is two masks, of the samples that count and of those they are among; a score is any other number."""
    return [
        RateMetric(name="recall_of_eights", masks=recall_of_eights, higher_is_better=True),
        ScoreMetric(name="overconfidence", compute=overconfidence, higher_is_better=False, lowest=-1),
    ]


def dust(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Each pixel black with probability `amount`: uint8 (N, C, H, W) -> the same shape, dtype and device."""
    n, _, height, width = images.shape
    draws = random.uint16(height * width).reshape(n, 1, height, width)  # never torch.rand, which depends on the batch
    return images.masked_fill(draws < strength["amount"] * 65536, 0)


def recall_of_eights(records: Records, flagged: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Right among the eights: the two masks of a rate."""
    return records.correct, records.label == 8


def overconfidence(records: Records, flagged: NDArray[np.bool_]) -> float | None:
    """By how much the trusted answers promise more than they hold, -1 to 1; None where nothing is trusted."""
    trusted = ~flagged
    if not trusted.any():
        return None
    return float(records.confidence[trusted].mean() - records.correct[trusted].mean())

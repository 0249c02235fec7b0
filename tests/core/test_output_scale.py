"""Probabilities and percentages are recognised if they are passed as logits; logits are not mistaken for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pytest_failaware.core.output_scale import CERTAIN_ROWS, OutputScale, constancy_doubt, scale_of


def softmax(rows: int, classes: int) -> torch.Tensor:
    """Random probabilities, with some certain rows and some uncertain rows."""
    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (rows, classes)))
    return logits.softmax(1)


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_a_softmax_in_any_precision(dtype: torch.dtype, classes: int) -> None:
    """Eight rows are enough to recognise a softmax or percentages in any precision."""
    outputs = softmax(CERTAIN_ROWS, classes).to(dtype).double().numpy()

    assert OutputScale.PROBABILITIES is scale_of(outputs)
    assert OutputScale.PERCENTAGES is scale_of(outputs * 100)


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_few_rows_must_agree_closely(rows: int) -> None:
    """In a few rows a float32 softmax is recognised; rounded probabilities are not, as logits may be equally close."""
    outputs = softmax(rows, 10).float().numpy()

    assert OutputScale.PROBABILITIES is scale_of(outputs)
    assert scale_of(outputs + 0.0005) is None


@pytest.mark.parametrize("spread", [0.1, 0.3, 1.0, 3.0])
def test_logits_are_not_probabilities_by_chance(spread: float) -> None:
    """None of 10,000 batches of logits is recognised as probabilities, even in the hardest case.

    The hardest case is two logits around 0.5 in batches of eight.
    """
    batches = np.random.default_rng(1).normal(0.5, spread, (10_000, CERTAIN_ROWS, 2))

    assert {None, OutputScale.UNIT_RANGE} >= {scale_of(batch) for batch in batches}


@pytest.mark.parametrize(
    ("row", "scale"),
    [
        ([0.2, 0.9, 0.7], OutputScale.UNIT_RANGE),
        ([0.2, 0.9, -0.1], None),
        ([1.2, 0.0, 0.3], None),
        ([0.0, 0.0, 0.0], None),
        ([0.0, 0.0, 0.3], OutputScale.UNIT_RANGE),
        ([1.0000001, 0.0, 0.0], OutputScale.PROBABILITIES),
        ([0.0, 1.0, 0.0], OutputScale.PROBABILITIES),
        ([100.0, 0.0, 0.0], OutputScale.PERCENTAGES),
        ([40.0, 40.0, 40.0], None),
        ([-np.inf, 1.0, 0.0], None),
        ([np.nan, 1.0, 0.0], None),
    ],
)
def test_what_eight_rows_are(row: list[float], scale: OutputScale | None) -> None:
    """Eight equal rows have the scale of their numbers; rows that are not finite have no scale."""
    assert scale is scale_of(np.array([row] * CERTAIN_ROWS))


def test_rows_that_are_not_finite_are_left_out() -> None:
    """Only finite rows decide about the scale; without a finite row there is no scale."""
    outputs = np.concatenate([softmax(CERTAIN_ROWS, 3).numpy(), [[np.nan, 1, 0]]])

    assert OutputScale.PROBABILITIES is scale_of(outputs)
    assert scale_of(np.full((9, 3), np.nan)) is None
    assert scale_of(np.empty((0, 3))) is None


@pytest.mark.parametrize("row", [[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [100.0, 0.0, 0.0]])
def test_rows_that_are_all_the_same_are_of_a_broken_model(row: list[float]) -> None:
    """Eight equal rows are reported as a broken model; fewer rows are not, because they can be equal by chance."""
    rows = np.array([row] * CERTAIN_ROWS)

    assert constancy_doubt(rows).endswith("the same for every image, so the model is likely broken")
    assert "" == constancy_doubt(rows[1:])
    assert "" == constancy_doubt(np.concatenate([rows, rows[:1, ::-1] + [[0.1, 0.2, 0.3]]]))

"""Probabilities and percentages that are given as logits are recognised, and logits are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pytest_failaware.core.output_scale import CERTAIN_ROWS, OutputScale, constancy_doubt, scale_of


def softmax(rows: int, classes: int) -> torch.Tensor:
    """Probabilities, of which some rows are sure and some are not."""
    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (rows, classes)))
    return logits.softmax(1)


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_a_softmax_in_any_precision(dtype: torch.dtype, classes: int) -> None:
    """It is recognised from eight rows on, as percentages are."""
    outputs = softmax(CERTAIN_ROWS, classes).to(dtype).double().numpy()

    assert OutputScale.PROBABILITIES is scale_of(outputs)
    assert OutputScale.PERCENTAGES is scale_of(outputs * 100)


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_few_rows_must_agree_closely(rows: int) -> None:
    """A float32 softmax is recognised, rounded probabilities are not: they are as close by chance."""
    outputs = softmax(rows, 10).float().numpy()

    assert OutputScale.PROBABILITIES is scale_of(outputs)
    assert scale_of(outputs + 0.0005) is None


@pytest.mark.parametrize("spread", [0.1, 0.3, 1.0, 3.0])
def test_logits_are_not_probabilities_by_chance(spread: float) -> None:
    """The least likely to be safe: two logits around 0.5, in 10,000 batches of eight."""
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
    """A sigmoid's outputs need not sum to 1; rows that are not finite say nothing."""
    assert scale is scale_of(np.array([row] * CERTAIN_ROWS))


def test_rows_that_are_not_finite_are_left_out() -> None:
    """The others decide; of none there is nothing to say."""
    outputs = np.concatenate([softmax(CERTAIN_ROWS, 3).numpy(), [[np.nan, 1, 0]]])

    assert OutputScale.PROBABILITIES is scale_of(outputs)
    assert scale_of(np.full((9, 3), np.nan)) is None
    assert scale_of(np.empty((0, 3))) is None


@pytest.mark.parametrize("row", [[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [100.0, 0.0, 0.0]])
def test_rows_that_are_all_the_same_are_of_a_broken_model(row: list[float]) -> None:
    """A dead model looks as if it returned probabilities; a few rows can be the same by chance."""
    rows = np.array([row] * CERTAIN_ROWS)

    assert constancy_doubt(rows).endswith("the same for every image, so the model is likely broken")
    assert "" == constancy_doubt(rows[1:])
    assert "" == constancy_doubt(np.concatenate([rows, rows[:1, ::-1] + [[0.1, 0.2, 0.3]]]))

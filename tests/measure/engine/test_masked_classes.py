"""A class masked by -inf has probability 0, which is a valid output of any model."""

from __future__ import annotations

import dataclasses
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from convolutional import bench
from torch import nn

from pytest_failaware import FailureRule, evaluate
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import DataError, ModelError
from pytest_failaware.core.npz import pack, records_of, unpack
from pytest_failaware.core.records import NO_CLASS, SCORES
from pytest_failaware.judge.metrics.logits import tempered
from pytest_failaware.measure.live import Bench

LOWEST = float(np.finfo(np.float32).min)


class Masked(nn.Module):
    """Six outputs for the mean of each colour; some of them are masked."""

    def __init__(self, value: float, masked: tuple[int, ...] = (5,)) -> None:
        super().__init__()
        self.value, self.masked = value, masked

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 6)."""
        means = images.mean((2, 3))
        logits = torch.cat([9 * means, 8 * means], 1)
        logits[:, list(self.masked)] = self.value
        return logits


def masked_bench(value: float, masked: tuple[int, ...] = (5,), **options: object) -> Bench:
    """On 50 images of five classes."""
    return bench(Masked(value, masked), **options)


@pytest.mark.parametrize("condition", ["clean", "blur", "gaussian_noise", "low_light", "fog:3"])
@pytest.mark.parametrize("masked", [(5,), (0,), (1, 2, 3, 4)], ids=str)
def test_a_masked_class_is_one_of_probability_0(condition: str, masked: tuple[int, ...]) -> None:
    """The records are those of a logit so low that its probability rounds to 0."""
    found, expected = (
        masked_bench(value, masked).measure(parse_condition(condition, ""), 0).records for value in (-math.inf, LOWEST)
    )

    assert all(np.array_equal(expected.columns[name], found.columns[name]) for name in expected.columns)
    assert NO_CLASS not in found.prediction


def test_kept_logits_are_finite() -> None:
    """The lowest float32 stands for -inf, so that files of samples, temperature and GEN take them."""
    one = dataclasses.replace(masked_bench(-math.inf), keep_logits=True)
    measurement = one.measure(parse_condition("clean", ""), 0)
    logits = measurement.records.logits

    assert logits is not None
    assert {LOWEST} == set(logits[:, 5].tolist())
    assert np.array_equal(logits, records_of(unpack(pack(measurement.records.columns)), one.store.facts).logits)
    assert all(np.isfinite(getattr(tempered(measurement.records, 2.0), name)).all() for name in SCORES)


@pytest.mark.parametrize("logits", [[-math.inf] * 6, [math.inf, *[0.0] * 5], [math.nan, *[-math.inf] * 5]], ids=str)
def test_no_answer(logits: list[float]) -> None:
    """No finite logit, +inf and NaN stay an error on clean images."""
    fixed = nn.Sequential(Masked(0, ()), Shifted(logits))
    with pytest.raises(ModelError, match=r"16 of 16 clean images in a batch get logits that are not finite"):
        bench(fixed).measure(parse_condition("clean", ""), 0)


class Shifted(nn.Module):
    """Adds numbers to logits."""

    def __init__(self, by: list[float]) -> None:
        super().__init__()
        self.by = torch.tensor(by)

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """The sums."""
        return logits + self.by


def test_the_fast_way_is_taken() -> None:
    """A masked class does not keep a network from being folded."""
    net = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    one = bench(net.append(Shifted([0.0] * 4 + [-math.inf])).eval())
    one.measure(parse_condition("clean", ""), 0)

    assert one.runner._chosen is not None
    assert one.runner._chosen[1][0] is not one.model.module


ROWS = np.array([[3.0, 1.0, -np.inf], [-np.inf, 0.2, 0.1], [0.0, -np.inf, -np.inf]])


@pytest.mark.parametrize("way", ["arrays", "frame", "npz", "csv"])
def test_masked_classes_of_predictions(tmp_path: Path, way: str) -> None:
    """Every kind of file and table takes them, as flag_logits does."""
    given: object = {"sample_id": np.arange(3), "label": np.array([0, 1, 0]), "logits": ROWS}
    table = pd.DataFrame({"sample_id": range(3), "label": ["a", "b", "a"]})
    table = table.assign(**{f"logit_{name}": ROWS[:, number] for number, name in enumerate("abc")})
    if way == "npz":
        np.savez(tmp_path / "p", **given)
        given = tmp_path / "p.npz"
    elif way == "csv":
        table.to_csv(tmp_path / "p.csv", index=False)
        given = tmp_path / "p.csv"
    elif way == "frame":
        given = table
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three samples show nothing
        found = evaluate(records=given)["clean"]

    assert [0, 1, 0] == found.records.prediction.tolist()
    assert FailureRule().flag_logits(ROWS).tolist() == found.flagged.tolist()
    assert np.isfinite(found.records.logits).all()


@pytest.mark.parametrize("row", [[-np.inf] * 3, [np.inf, 0, 0], [np.nan, 0, -np.inf]], ids=str)
def test_predictions_without_an_answer(row: list[float]) -> None:
    """They stay an error with the row."""
    with pytest.raises(DataError, match="row 1 has logits that are not finite"):
        evaluate(records={"sample_id": [1, 2], "label": [0, 1], "logits": [[1.0, 2, 3], row]})

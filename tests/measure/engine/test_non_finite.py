"""Logits that are not finite: an error on clean images, counted as wrong and flagged on degraded ones."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from convolutional import bench
from torch import nn

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import ModelError
from pytest_failaware.core.records import NO_CLASS, RECORD_DTYPES, SCORES, Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.rates import NON_FINITE, count_cells, stats_of
from pytest_failaware.measure.live import Bench

BATCH = 16


class Fragile(nn.Module):
    """The sum of each class's channel, and in one logit of dark images what it is given instead."""

    def __init__(self, value: float, below: float) -> None:
        super().__init__()
        self.value, self.below = value, below

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (N, 5): those of class 0 and 1 are large."""
        brightness = images.mean((1, 2, 3))
        logits = torch.stack([9 * brightness, 8 * brightness, *(0 * brightness for _ in range(3))], 1)
        logits[brightness < self.below, 0] = self.value
        return logits


def fragile(value: float, below: float = 0.2) -> Bench:
    """On 50 images of a mean brightness of 0.5, of 0.2 under low light: some below, some above."""
    return bench(Fragile(value, below), batch_size=BATCH)


def measured(one: Bench, condition: str) -> Records:
    return one.measure(parse_condition(condition, ""), seed=0).records


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_degraded_image_without_finite_logits(value: float) -> None:
    """The image is wrong and flagged, and the columns of the other images do not change."""
    found, whole = measured(fragile(value), "low_light"), measured(fragile(value, below=0), "low_light")
    lost = found.confidence == 0
    assert 10 < lost.sum() < 40

    assert (lost == (found.prediction == NO_CLASS)).all()
    assert not found.correct[lost].any()
    assert FailureRule().flags_of(found)[lost].all()
    assert found.entropy[lost] == pytest.approx(math.log(5))
    for name in RECORD_DTYPES:
        column = getattr(found, name)
        assert RECORD_DTYPES[name] == column.dtype
        assert np.array_equal(getattr(whole, name)[~lost], column[~lost]), name
        assert np.isfinite(column).all(), name


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_all_logits_where_they_are_kept(value: float) -> None:
    """Logits are as the model gave them, and 0 for images with a non-finite logit; every other column is the same."""
    one = fragile(value)
    kept, plain = measured(dataclasses.replace(one, keep_logits=True), "low_light"), measured(one, "low_light")
    whole = measured(dataclasses.replace(fragile(value, below=0), keep_logits=True), "low_light")

    assert plain.logits is None
    assert all(column.tobytes() == kept.columns[name].tobytes() for name, column in plain.columns.items())
    lost = kept.confidence == 0
    assert kept.logits is not None
    assert whole.logits is not None
    assert (np.float32, (50, 5)) == (kept.logits.dtype, kept.logits.shape)
    assert not kept.logits[lost].any()
    assert kept.logits[~lost].tobytes() == whole.logits[~lost].tobytes()
    assert kept.logits[~lost].max(axis=1).tolist() == kept.max_logit[~lost].tolist()
    assert not kept.logits.flags.writeable


def test_they_are_counted() -> None:
    """non_finite_rate is of all images; none of them is silently right or trusted."""
    records = measured(fragile(math.nan), "low_light")
    rule = FailureRule(confidence=0.1, entropy=None)  # five classes: no softmax can be below 0.2
    stats = stats_of("low_light", records, rule, {NON_FINITE.name: NON_FINITE})
    lost = int((records.confidence == 0).sum())

    assert (lost, 50) == (stats.rates["non_finite_rate"].numerator, stats.rates["non_finite_rate"].denominator)
    assert (lost, 0) == (count_cells(records, rule).flagged_wrong, count_cells(records, rule).flagged_right)
    assert (
        0
        == stats_of("clean", measured(fragile(math.nan), "clean"), rule, {"n": NON_FINITE})
        .rates["non_finite_rate"]
        .numerator
    )


def test_the_batch_size_does_not_matter() -> None:
    """Whichever images share a batch with them."""
    one = measured(bench(Fragile(math.nan, 0.2), batch_size=50), "low_light")

    for name in ("sample_id", "prediction", *SCORES):
        assert np.array_equal(getattr(measured(fragile(math.nan), "low_light"), name), getattr(one, name))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_clean_images_without_finite_logits(value: float) -> None:
    """The model or its preprocessing is broken: an error with the count and the remedy."""
    with pytest.raises(ModelError, match=r"of 16 clean images .* not finite .*weights and --failaware-preprocess"):
        measured(fragile(value, below=0.5), "clean")

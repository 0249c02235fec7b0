"""Inputs that a trained model cannot have been trained on are told, with what was probably meant; others are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import preprocessing
import pytest
import torch
from preprocessing import BYTES, HALF, IMAGENET, NONE, Trained, trained
from torch import nn

from pytest_failaware.measure.fold import has_hooks
from pytest_failaware.measure.models import adopt_model
from pytest_failaware.measure.scale import misfit
from pytest_failaware.schema import Preprocessing

CPU = torch.device("cpu")


@cache
def stripes() -> tuple[np.ndarray, np.ndarray]:
    """1,200 images of 3 x 16 x 16 and their 3 classes: coloured, noisy, with a brighter band."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 1200).astype(np.uint16)
    images = random.normal(115, 55, (1200, 1, 1, 3)) + random.normal(0, 35, (1200, 16, 16, 3))
    for image, label in zip(images, labels, strict=True):
        image[5 * label : 5 * label + 5] += 40
    return images.clip(0, 255).astype(np.uint8), labels


@cache
def network(spec: Preprocessing) -> Trained:
    """A small network after training with this normalisation, on images that it has not seen."""
    images, labels = stripes()
    with torch.random.fork_rng():
        model = trained(preprocessing.small(3), images[:1000], labels[:1000], spec)
    return Trained(name="stripes", model=model, spec=spec, images=images[1000:])


@pytest.mark.parametrize("spec", [NONE, HALF, IMAGENET], ids=str)
def test_inputs_as_in_training(spec: Preprocessing) -> None:
    """Nothing is told, nor of images with 0.7 and half of the light."""
    one = network(spec)

    assert () == one.bench().notes
    assert () == one.bench((one.images * 0.7).astype(np.uint8)).notes
    assert () == one.bench((one.images * 0.5).astype(np.uint8)).notes


@pytest.mark.parametrize(
    ("spec", "given", "words"),
    [
        (IMAGENET, NONE, ["narrower", "not normalised", f"with {IMAGENET} "]),
        (HALF, NONE, ["narrower", "not normalised", "with mean=0.5/0.5/0.5, std=0.5/0.5/0.5 "]),
        (IMAGENET, HALF, ["narrower", "other numbers", f"with {IMAGENET} "]),
        (HALF, IMAGENET, ["wider", "other numbers", "with mean=0.5/0.5/0.5, std=0.5/0.5/0.5 "]),
        (NONE, IMAGENET, ["wider", "other numbers, or twice", "without mean and std"]),
        (NONE, BYTES, ["wider", "0..255", "without mean and std"]),
        (IMAGENET, BYTES, ["wider", "0..255", f"with {IMAGENET} "]),
    ],
    ids=str,
)
def test_inputs_of_another_scale(spec: Preprocessing, given: Preprocessing, words: list[str]) -> None:
    """One sentence says what they look like and which normalisation fits."""
    (note,) = network(spec).bench(spec=given).notes

    assert [] == [word for word in (*words, "--failaware-preprocess", "(1)") if word not in note]


def test_inputs_that_are_normalised_twice() -> None:
    """A model that normalises its inputs itself needs no mean and std."""
    one = network(IMAGENET)
    (note,) = one.bench(twice=True).notes

    assert "other numbers, or twice: in [0, 1], without mean and std" in note
    assert () == one.bench(spec=NONE, twice=True).notes


def test_a_model_that_divides_by_255_itself() -> None:
    """The sentence says how to give it 0..255."""
    one = network(NONE)
    dividing = preprocessing.Normalising(one.model.module, Preprocessing(mean=(0.0,), std=(255.0,)))
    (note,) = replace(one, model=adopt_model(dividing, CPU)).bench().notes

    assert f"not normalised: in 0..255, which mean=0, std={1 / 255!r} in --failaware-preprocess gives" in note


def test_inputs_that_nothing_usual_explains() -> None:
    """The sentence guesses no numbers."""
    one = network(NONE)
    (note,) = one.bench(spec=Preprocessing(mean=(9.0,), std=(0.01,))).notes
    shrinking = preprocessing.Normalising(one.model.module, Preprocessing(mean=(7.0,), std=(0.03,)))
    (other,) = replace(one, model=adopt_model(shrinking, CPU)).bench().notes

    assert "they fit" in note
    assert other.endswith("give the mean and std of the training in --failaware-preprocess")


# ---- what is looked at ---------------------------------------------------------------------------------------------


class Recorder(nn.Module):
    """Keeps what reaches it, then a batch norm, then a layer that must never run."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean[:], self.norm.running_var[:] = 0.39, 0.051  # of the images below

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Never logits."""
        self.seen.append(inputs)
        self.norm(inputs)
        raise AssertionError("went on behind the batch norm")


def test_few_clean_images_of_the_whole_data_set() -> None:
    """64 from the first to the last, once for a bench; the pass ends at the batch norm and leaves no hook."""
    module = Recorder()
    images = np.arange(200, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    bench = Trained(name="", model=adopt_model(module, CPU), spec=NONE, images=images).bench()
    assert bench.notes == bench.notes
    (seen,) = module.seen

    assert (64, 0, 199) == (len(seen), round(255 * float(seen.min())), round(255 * float(seen.max())))
    assert not has_hooks(module)


class Refusing(nn.Module):
    """A batch norm that no input reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """No logits."""
        raise RuntimeError("not these")


@pytest.mark.parametrize(
    "module",
    [nn.Conv2d(3, 4, 1), nn.BatchNorm2d(3, track_running_stats=False).eval(), Refusing()],
    ids=["no batch norm", "one without memory", "one that is not reached"],
)
def test_a_model_that_remembers_nothing(module: nn.Module) -> None:
    """There is nothing to compare with; what the model does not take, measuring tells."""
    assert misfit(module, torch.ones(2, 3, 4, 4)) is None
    assert not has_hooks(module)


def test_the_numbers_on_paper() -> None:
    """Mean 3 instead of 1, variance 4 instead of 1, in the two channels that are alive."""
    norm = nn.BatchNorm2d(3).eval()
    norm.running_mean[:] = torch.tensor([1.0, 1.0, 7.0])
    norm.running_var[:] = torch.tensor([1.0, 1.0, 1e-9])
    found = misfit(norm, torch.tensor([1.0, 5.0]).view(2, 1, 1, 1).repeat(1, 3, 1, 1))

    assert found is not None
    assert (2.0, 2.0) == (found.shift, found.spread)
    assert (4 + 1 / 4 - 2 + 4 * (1 + 1 / 4)) / 4 == found.divergence

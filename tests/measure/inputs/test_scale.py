"""Inputs that a model cannot have been trained on are reported, with what was probably meant; others are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import networks
import numpy as np
import preprocessing
import pytest
import torch
from networks import HALF, IMAGENET, NONE
from preprocessing import BYTES, Trained
from red import CPU, Picky, inspected_red, of_red
from torch import nn

from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.engine.fold import has_hooks
from pytest_failaware.measure.inputs.sample import IMAGES
from pytest_failaware.measure.models.loading import adopt_model


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
    unseen = {"unseen": images[1000:], "unseen_labels": labels[1000:]}
    seen = networks.Images(name="stripes", classes=3, images=images[:1000], labels=labels[:1000], **unseen)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = networks.trained(networks.small(3), seen, spec, epochs=4)
    model = adopt_model(module, CPU)
    return Trained(name="stripes", model=model, spec=spec, images=seen.unseen, labels=seen.unseen_labels)


@pytest.mark.parametrize("spec", [NONE, HALF, IMAGENET], ids=str)
def test_inputs_as_in_training(spec: Preprocessing) -> None:
    """There is no report, not even for images with 0.7 and half of the light."""
    one = network(spec)

    assert () == one.bench().notes
    assert () == one.bench((one.images * 0.7).astype(np.uint8)).notes
    assert () == one.bench((one.images * 0.5).astype(np.uint8)).notes


THREE = "mean=0.5/0.5/0.5, std=0.5/0.5/0.5"


@pytest.mark.parametrize(
    ("spec", "given", "seen", "tried", "remedy"),
    [
        (IMAGENET, NONE, "narrower", f"with {IMAGENET}", str(IMAGENET)),
        (HALF, NONE, "narrower", f"with {THREE}", THREE),
        (IMAGENET, HALF, "narrower", f"with {IMAGENET}", str(IMAGENET)),
        (HALF, IMAGENET, "wider", f"with {THREE}", THREE),
        (NONE, IMAGENET, "wider", "without mean and std", "none"),
        (NONE, BYTES, "wider", "without mean and std", "none"),
        (IMAGENET, BYTES, "wider", f"with {IMAGENET}", str(IMAGENET)),
    ],
    ids=str,
)
def test_inputs_of_another_scale(spec: Preprocessing, given: Preprocessing, seen: str, tried: str, remedy: str) -> None:
    """One sentence says what was seen, what was tried, and what to write."""
    (note,) = network(spec).bench(spec=given).notes

    assert "the clean inputs are not what the model was trained on: " in note
    assert "of 64 images are right, and at the first batch norm (1) the values spread " in note
    assert f"times {seen} than in training" in note
    assert f"; {tried}" in note
    assert note.endswith(f'; write --failaware-preprocess="{remedy}"')


def test_inputs_that_are_normalised_twice() -> None:
    """A model that normalises its inputs itself needs no mean and std."""
    one = network(IMAGENET)
    (note,) = one.bench(twice=True).notes

    assert note.endswith('; write --failaware-preprocess="none"')
    assert () == one.bench(spec=NONE, twice=True).notes


def test_a_model_that_divides_by_255_itself() -> None:
    """The sentence says how to give it 0..255."""
    one = network(NONE)
    dividing = preprocessing.Normalising(one.model.module, preprocessing.TINY)
    (note,) = replace(one, model=adopt_model(dividing, CPU)).bench().notes

    assert note.endswith(f'; write --failaware-preprocess="mean=0.0, std={1 / 255!r}"')


def test_inputs_that_nothing_usual_explains() -> None:
    """The sentence guesses no numbers."""
    norm = nn.BatchNorm2d(3)
    norm.running_mean[:], norm.running_var[:] = 7.0, 1e-3
    finding = inspected_red(of_red(nn.Sequential(norm, nn.AdaptiveAvgPool2d(1), nn.Flatten()))).finding

    assert finding is not None
    assert finding.endswith(
        "; none of the usual means and stds fits; give those of the training in --failaware-preprocess"
    )


# ---- what the labels say -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "given", "tried", "remedy"),
    [
        (Picky(), Preprocessing(resize=64), "at 32 x 32 px", "resize=32"),
        (Picky(), Preprocessing(resize=224), "at 32 x 32 px", "resize=32"),
        (Picky(), replace(IMAGENET, resize=224), "at 32 x 32 px and without mean and std", "resize=32"),
        (Picky(), replace(HALF, resize_short=70, crop=64), "at 32 x 32 px and without mean and std", "resize=32"),
        (Picky(size=64), NONE, "at 64 x 64 px", "resize=64"),
        (Picky(size=224, spec=HALF), HALF, "at 224 x 224 px", "resize=224, mean=0.5, std=0.5"),
        (Picky(spec=IMAGENET), NONE, f"with {IMAGENET}", str(IMAGENET)),
        (Picky(), HALF, "without mean and std", "none"),
        (Picky(), BYTES, "without mean and std", "none"),
    ],
)
def test_a_model_without_batch_norms(module: nn.Module, given: Preprocessing, tried: str, remedy: str) -> None:
    """The labels say that other preprocessing is right: wrong size, wrong numbers, and both."""
    inspection = inspected_red(of_red(module), given)

    assert inspection.finding is not None
    assert f"; {tried}, 64 of 64 images are right instead of " in inspection.finding
    assert inspection.finding.endswith(f'; write --failaware-preprocess="{remedy}"')
    assert inspection.is_alarm


def test_red_and_blue_swapped() -> None:
    """The sentence says that own code is needed."""
    finding = inspected_red(of_red(Picky(channel=2))).finding

    assert finding is not None
    assert "; with red and blue swapped, 64 of 64 images are right instead of " in finding
    assert finding.endswith("; swap them in an own preprocessing, --failaware-preprocess=pkg.mod:object")


@pytest.mark.parametrize("count", [10, 65, 400])
def test_a_model_that_knows_nothing(count: int) -> None:
    """A quarter is right with every preprocessing, so there is nothing to report."""
    inspection = inspected_red(of_red(Picky(size=1), count))

    assert (min(count, IMAGES), None, False) == (inspection.images, inspection.finding, inspection.is_alarm)
    assert 0 < inspection.right < inspection.images / 2


def test_a_few_images_prove_nothing() -> None:
    """Seven more right of ten are chance, since several ways were tried."""
    assert inspected_red(of_red(Picky(), 10), Preprocessing(resize=64)).finding is None
    assert inspected_red(of_red(Picky(), 40), Preprocessing(resize=64)).finding is not None


# ---- what batch norms see ------------------------------------------------------------------------------------------


class Deep(nn.Module):
    """A batch norm that sees the inputs, and one behind it that sees how many pixels they have."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.deep = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
        seen = torch.from_numpy(of_red(nn.Conv2d(3, 4, 1)).images / 255.0).permute(0, 3, 1, 2)
        for norm in (self.first, self.deep):
            norm.running_mean[:], norm.running_var[:] = seen.mean((0, 2, 3)), seen.var((0, 2, 3))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits that say nothing."""
        self.first(inputs)
        return self.deep(inputs * inputs.shape[2] / 32).mean((2, 3)) * 0


def test_deep_batch_norms_see_the_size() -> None:
    """Where the labels do not help, since the classes are in another order, say."""
    one = of_red(Deep())
    finding = inspected_red(one, Preprocessing(resize=224)).finding

    assert inspected_red(one).finding is None
    assert finding is not None
    assert "at the batch norm (deep) the values spread 6 times wider" in finding
    assert finding.endswith('; at 32 x 32 px they fit; write --failaware-preprocess="resize=32"')


class Recorder(nn.Module):
    """Keeps what reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean[:], self.norm.running_var[:] = 0.39, 0.051  # of the images below

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits: class 0."""
        self.seen.append(inputs)
        return self.norm(inputs).mean((2, 3)) * 0


def test_few_clean_images_of_the_whole_data_set() -> None:
    """Of 200 images 64, once for a bench."""
    module = Recorder()
    images = np.arange(200, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    one = Trained(name="", model=adopt_model(module, CPU), spec=NONE, images=images, labels=np.zeros(200, np.uint16))
    bench = one.bench()
    assert bench.notes == bench.notes
    seen = torch.cat(module.seen)

    assert 64 == len(seen)
    assert 40 > round(255 * float(seen.min()))
    assert 160 < round(255 * float(seen.max()))
    assert not has_hooks(module)

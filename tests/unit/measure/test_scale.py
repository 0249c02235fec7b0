"""Inputs that a model cannot have been trained on are reported, with what was probably meant; others are not."""

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
from pytest_failaware.measure.misfit import look
from pytest_failaware.measure.models import adopt_model
from pytest_failaware.measure.scale import IMAGES, Inspection
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
    return Trained(name="stripes", model=model, spec=spec, images=images[1000:], labels=labels[1000:])


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

    assert f"not normalised: in 0..255, which mean=0, std={1 / 255!r} gives in --failaware-preprocess they fit" in note


def test_inputs_that_nothing_usual_explains() -> None:
    """The sentence guesses no numbers."""
    one = network(NONE)
    (note,) = one.bench(spec=Preprocessing(mean=(9.0,), std=(0.01,))).notes
    shrinking = preprocessing.Normalising(one.model.module, Preprocessing(mean=(7.0,), std=(0.03,)))
    (other,) = replace(one, model=adopt_model(shrinking, CPU)).bench().notes

    assert "they fit" in note
    assert other.endswith("give the mean and std of the training in --failaware-preprocess")


# ---- what the labels say -------------------------------------------------------------------------------------------


class Picky(nn.Module):
    """Reads the class, 0 to 3, off the red of its inputs, if these are as it wants them; it has no batch norm."""

    def __init__(self, *, size: int = 32, spec: Preprocessing = NONE, channel: int = 0) -> None:
        super().__init__()
        self.size, self.channel = size, channel
        numbers = (spec.mean or (0.0,) * 3, spec.std or (1.0,) * 3)
        self.mean, self.std = (torch.tensor(values * (3 // len(values))) for values in numbers)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (B, 4)."""
        if inputs.shape[2] != self.size:
            return torch.zeros(len(inputs), 4)
        c = self.channel
        level = (inputs[:, c].mean((1, 2)) * self.std[c] + self.mean[c]) * 255  # 10, 60, 110 or 160
        return -(level[:, None] - torch.tensor([10.0, 60.0, 110.0, 160.0])).abs()


def of_red(module: nn.Module, count: int = 400) -> Trained:
    """Images of 32 px, whose red says the class and whose blue says nothing."""
    labels = (np.arange(count) * 7 % 4).astype(np.uint16)
    images = np.zeros((count, 32, 32, 3), dtype=np.uint8)
    images[..., 0] = (10 + 50 * labels)[:, None, None]
    images[:, 0, 0, 1] = np.arange(count) % 256  # no two are equal
    images[:, 0, 1, 1] = np.arange(count) // 256
    return Trained(name="red", model=adopt_model(module, CPU), spec=NONE, images=images, labels=labels)


def inspected(one: Trained, spec: Preprocessing = NONE) -> Inspection:
    return preprocessing.inspected(one.bench(spec=spec))


@pytest.mark.parametrize(
    ("module", "given", "remedy"),
    [
        (Picky(), Preprocessing(resize=64), "at 32 x 32 px (resize=32) in"),
        (Picky(), Preprocessing(resize=224), "at 32 x 32 px (resize=32) in"),
        (Picky(), replace(IMAGENET, resize=224), "at 32 x 32 px (resize=32) and in [0, 1], without mean and std in"),
        (Picky(size=64), NONE, "at 64 x 64 px (resize=64) in"),
        (Picky(size=224), NONE, "at 224 x 224 px (resize=224) in"),
        (Picky(spec=IMAGENET), NONE, f"they look as if not normalised: with {IMAGENET} in"),
        (Picky(), HALF, "or twice: in [0, 1], without mean and std in"),
        (Picky(), BYTES, "they look as if in 0..255: in [0, 1], without mean and std in"),
    ],
)
def test_a_model_without_batch_norms(module: nn.Module, given: Preprocessing, remedy: str) -> None:
    """The labels say that other preprocessing is right: wrong size, wrong numbers, and both."""
    inspection = inspected(of_red(module), given)

    assert inspection.finding is not None
    assert f"{remedy} --failaware-preprocess they fit" in inspection.finding
    assert ", 256 of 256 images are right then, instead of " in inspection.finding
    assert inspection.is_alarm


def test_red_and_blue_swapped() -> None:
    """The sentence says so, as it is no matter of --failaware-preprocess."""
    finding = inspected(of_red(Picky(channel=2))).finding

    assert finding is not None
    assert "trained on: with red and blue swapped they fit, 256 of 256 images are right then, instead of " in finding


@pytest.mark.parametrize("count", [10, 65, 400])
def test_a_model_that_knows_nothing(count: int) -> None:
    """A quarter is right whatever is tried: there is nothing to report."""
    inspection = inspected(of_red(Picky(size=1), count))

    assert (min(count, IMAGES), None, False) == (inspection.images, inspection.finding, inspection.is_alarm)
    assert 0 < inspection.right < inspection.images / 2


def test_a_few_images_prove_nothing() -> None:
    """Seven more right of ten are chance, since several ways were tried."""
    assert inspected(of_red(Picky(), 10), Preprocessing(resize=64)).finding is None
    assert inspected(of_red(Picky(), 40), Preprocessing(resize=64)).finding is not None


class Drawing(Picky):
    """Draws from torch's own generator."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits (B, 4)."""
        return super().forward(inputs) + torch.rand(())


def test_looking_leaves_no_trace() -> None:
    """The next random number is the one that would have come; no hook stays."""
    one = of_red(Drawing(size=1))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        expected = torch.rand(())
        torch.manual_seed(3)
        inspected(one)
        drawn = torch.rand(())

    assert expected == drawn
    assert not has_hooks(one.model.module)


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
    finding = inspected(one, Preprocessing(resize=224)).finding

    assert inspected(one).finding is None
    assert finding is not None
    assert "at its batch norm (deep) they spread 5.9 times wider" in finding
    assert finding.endswith("; at 32 x 32 px (resize=32) in --failaware-preprocess they fit")


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
    """64 from the first to the last, once for a bench."""
    module = Recorder()
    images = np.arange(200, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    one = Trained(name="", model=adopt_model(module, CPU), spec=NONE, images=images, labels=np.zeros(200, np.uint16))
    bench = one.bench()
    assert bench.notes == bench.notes
    seen = torch.cat(module.seen)

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
    """There is nothing to compare with; what the model does not take, measuring says."""
    seen = look(module, [torch.ones(2, 3, 4, 4)])

    assert (None, (), 0, 0) == (seen.answers, seen.misfits, seen.first, seen.typical)
    assert not has_hooks(module)


@pytest.mark.parametrize("parts", [1, 2])
def test_the_numbers_on_paper(parts: int) -> None:
    """Mean 3 instead of 1, variance 4 instead of 1, in the two channels that are alive, in one batch or two."""
    norm = nn.BatchNorm2d(3).eval()
    norm.running_mean[:] = torch.tensor([1.0, 1.0, 7.0])
    norm.running_var[:] = torch.tensor([1.0, 1.0, 1e-9])
    values = torch.tensor([1.0, 5.0, 1.0, 5.0]).view(4, 1, 1, 1).repeat(1, 3, 1, 1)
    whole = nn.Sequential(norm, nn.Flatten())
    with torch.inference_mode():
        seen = look(whole, values.chunk(parts))

    assert (2.0, 2.0) == (seen.misfits[0].shift, seen.misfits[0].spread)
    assert (4 + 1 / 4 - 2 + 4 * (1 + 1 / 4)) / 4 == seen.first
    assert ("0", 4) == (seen.misfits[0].norm, len(seen.answers if seen.answers is not None else ()))

"""Normalised floats become grey levels again if that is certain; else they are refused with a remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as F

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.floats import ROUNDING, grey_levels
from pytest_failaware.measure.images.map_style import adopt_dataset

IMAGENET = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
MNIST = Preprocessing(mean=(0.1307,), std=(0.3081,))
HALF = Preprocessing(mean=(0.5,), std=(0.5,))
PLAIN = Preprocessing()
ALL = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)  # every grey level in every channel


def normalised(image: np.ndarray, numbers: Preprocessing) -> torch.Tensor:
    """As torchvision does it, float32 (C, H, W)."""
    tensor = F.to_tensor(image)
    return F.normalize(tensor, list(numbers.mean), list(numbers.std)) if numbers.mean else tensor


def store_of(items: list[Any], numbers: Preprocessing | None) -> Any:
    return build_store(adopt_dataset(items, "here").undoing(numbers), lambda image: image)


def refusal(items: list[Any], numbers: Preprocessing | None) -> str:
    with pytest.raises(DataError) as caught:
        store_of(items, numbers)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("numbers", [PLAIN, HALF, MNIST, IMAGENET], ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_every_grey_level_comes_back(numbers: Preprocessing, dtype: torch.dtype) -> None:
    """All 256 levels in all channels, from each type of float."""
    store = store_of([(normalised(ALL, numbers).to(dtype), 0)], numbers)

    assert np.array_equal(ALL, store.images[0])
    kind = str(dtype).removeprefix("torch.")
    assert (f"here: {kind} images were converted back to uint8, exactly in every pixel",) == store.notes


@pytest.mark.parametrize("numbers", [HALF, MNIST, IMAGENET], ids=str)
def test_rounding_stays_within_its_bounds(numbers: Preprocessing) -> None:
    """Where every step is computed in the type itself, k moves by less than what is allowed."""
    for name in ("float16", "float32"):
        kind = np.dtype(name).type
        values = (ALL.astype(kind) / kind(255) - np.array(numbers.mean, kind)) / np.array(numbers.std, kind)
        levels = (values.astype(np.float64) * np.array(numbers.std) + np.array(numbers.mean)) * 255

        assert values.dtype == kind
        assert np.abs(levels - ALL).max() < ROUNDING[name] < 0.5


def test_the_same_samples_as_from_grey_levels() -> None:
    """Ids and fingerprint are those of the uint8 images, grey or coloured, tensors or arrays."""
    grey = ALL[..., 0]
    plain = store_of([(ALL, 0)], IMAGENET)
    for value in (normalised(ALL, IMAGENET), normalised(ALL, IMAGENET).permute(1, 2, 0).numpy()):
        assert plain.sample_id.tolist() == store_of([(value, 0)], IMAGENET).sample_id.tolist()
    ids = store_of([(grey, 0)], MNIST).sample_id.tolist()
    for value in (normalised(grey, MNIST), normalised(grey, MNIST)[0], normalised(grey, MNIST)[0].numpy()):
        assert ids == store_of([(value, 0)], MNIST).sample_id.tolist()
    assert () == plain.notes


def test_an_enlarged_data_set_may_mix_types() -> None:
    """Items of several types are all converted back, and the note names each."""
    items = [(normalised(ALL, HALF), 0), (ALL, 0), (normalised(255 - ALL, HALF).half(), 0)]

    assert ("here: float16 and float32 images were converted back to uint8, exactly in every pixel",) == store_of(
        items, HALF
    ).notes


@pytest.mark.parametrize(
    ("made", "given", "words"),
    [
        (IMAGENET, PLAIN, ["beyond [0, 1]", "ImageNet's", "mean=0.485/0.456/0.406,std=0.229/0.224/0.225"]),
        (IMAGENET, HALF, ["beyond [0, 1]", "ImageNet's"]),
        (
            HALF,
            PLAIN,
            ["goes from -1 to 1, beyond", "by mean and std 0.5: give --failaware-preprocess=mean=0.5,std=0.5"],
        ),
        (HALF, IMAGENET, ["by mean and std 0.5"]),
        (PLAIN, IMAGENET, ["/ 255 beside k / 255", "plain x / 255", "leave out ToTensor"]),
        (PLAIN, HALF, ["up to 0.5 / 255 beside", "plain x / 255"]),
        (MNIST, PLAIN, ["beyond [0, 1]", "leave out ToTensor and Normalize"]),
    ],
)
def test_other_numbers_are_found_out(made: Preprocessing, given: Preprocessing, words: list[str]) -> None:
    """The error says how far off it is, and which well-known numbers fit."""
    text = refusal([(normalised(ALL, made), 0)], given)

    assert text.startswith("here: item 0: cannot convert float32 back to uint8 exactly: ")
    assert [] == [word for word in [f"--failaware-preprocess={given}", *words] if word not in text]


def test_one_pixel_of_one_image_is_enough() -> None:
    """The last pixel of the last image lies beside a grey level: nothing is converted."""
    last = normalised(ALL, IMAGENET)
    last[2, 15, 15] -= 0.3 / 255 / IMAGENET.std[2]
    text = refusal([(normalised(ALL, IMAGENET), 0)] * 9 + [(last, 0)], IMAGENET)

    assert "item 9" in text
    assert "x * std + mean is up to 0.3 / 255 beside k / 255; return Pillow" in text


def test_a_few_pixels_on_the_grid_by_chance_prove_nothing() -> None:
    """Levels that both readings allow pass for one image; the next one shows that std is wrong."""
    bright = np.full((4, 4), 255, dtype=np.uint8)
    dark = np.full((4, 4), 7, dtype=np.uint8)

    assert "item 1" in refusal([(normalised(bright, HALF), 0), (normalised(dark, HALF), 0)], PLAIN)


def test_resized_floats_are_no_grey_levels() -> None:
    """A data set that resizes tensors yields values between the levels, and is refused."""
    resized = F.resize(F.to_tensor(ALL.transpose(1, 0, 2).copy()), [12, 12], antialias=True)

    assert "return Pillow images" in refusal([(resized, 0)], PLAIN)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite(wrong: float) -> None:
    """They are no grey level, and give no warning."""
    image = normalised(ALL, HALF)
    image[0, 0, 0] = wrong

    assert "not all values are finite" in refusal([(image, 0)], HALF)


def test_grey_levels_as_floats() -> None:
    """Floats from 0 to 255 are another convention: they are to be given as what they are."""
    assert "grey levels from 0 to 255: give them as uint8" in refusal(
        [(torch.tensor(ALL).permute(2, 0, 1) * 1.0, 0)], PLAIN
    )


def test_three_numbers_for_a_grey_image() -> None:
    """Mean and std have one value, or one per channel."""
    text = refusal([(normalised(ALL[..., 0], MNIST), 0)], IMAGENET)

    assert "mean and std have 3 values and the image 1 channels" in text


@pytest.mark.parametrize("numbers", [None, PLAIN])
def test_bfloat16_cannot_hold_grey_levels(numbers: Preprocessing | None) -> None:
    """Its 8 bits of mantissa do not always distinguish 254 from 255."""
    assert "the image is bfloat16" in refusal([(torch.zeros(3, 4, 4, dtype=torch.bfloat16), 0)], numbers)


def test_own_preprocessing_code_cannot_be_undone() -> None:
    """Without mean and std floats are refused as ever."""
    text = refusal([(normalised(ALL, PLAIN), 0)], None)

    assert "the image is float32 (3, 16, 16); return Pillow images or uint8 arrays" in text


@pytest.mark.parametrize("shape", [(4, 16, 16), (2, 3, 16, 16), (16,), (3, 0, 4)])
def test_floats_of_other_shapes(shape: tuple[int, ...]) -> None:
    """They are refused as they are given."""
    assert f"the image is float32 {shape}" in refusal([(torch.zeros(shape), 0)], PLAIN)


def test_undoing_leaves_the_data_set_as_it_was() -> None:
    """What is undone belongs to one preprocessing; the adopted set still refuses floats."""
    images = adopt_dataset([(normalised(ALL, HALF), 0)], "here")
    images.undoing(HALF).read(0)

    assert () == images.notes
    with pytest.raises(DataError, match="the image is float32"):
        images.read(0)


def test_rounding_just_below_black_and_above_white() -> None:
    """Values that rounding moved out of [0, 1] are still black and white."""
    values = np.array([[-1e-7, 1 + 1e-7]], dtype=np.float32)

    assert [[0, 255]] == grey_levels(values, PLAIN, "here").tolist()

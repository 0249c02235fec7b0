"""Thumbnails are the degraded pixels, small enough for a report."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.pictures import Thumbnail
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.live import Bench, build_bench
from pytest_failaware.measure.models.loading import adopt_model, choose_device
from pytest_failaware.measure.thumbnails import thumbnails


class Photos:
    """Four images with noise in them."""

    classes = ("cat", "dog")

    def __init__(self, *shape: int) -> None:
        self.images = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return self.images[index], index % 2


def opened(photos: Photos) -> Bench:
    import torch

    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(2))
    module(torch.zeros(1, photos.images[0].size))
    return build_bench(
        adopt_model(module, choose_device("cpu")), adopt_dataset(photos, "test"), Preprocessing(), batch_size=2
    )


def decoded(one: Thumbnail) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(one.uri.partition(",")[2])))


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3)])
def test_a_small_image_keeps_every_pixel_of_its_degradation(shape: tuple[int, ...]) -> None:
    """Grey and coloured ones, in the order that was asked for; an id that is not there has no picture."""
    photos = Photos(*shape)
    bench = opened(photos)
    ids = [int(bench.store.sample_id[2]), 3, int(bench.store.sample_id[0])]
    found = list(thumbnails(bench, parse_condition("low_light", "test"), 0, ids))

    assert [ids[0], ids[2]] == [one.sample_id for one in found]
    assert {(10, 12)} == {(one.width, one.height) for one in found}
    for one, index in zip(found, (2, 0), strict=True):
        assert one.uri.startswith("data:image/png;base64,")
        expected = ImageEnhance.Brightness(Image.fromarray(photos.images[index])).enhance(0.4)
        assert np.array_equal(np.asarray(expected), np.asarray(decoded(one)))


def test_noise_is_the_noise_that_the_model_saw() -> None:
    """It depends on the sample alone, so a picture of one image has the pixels that its batch had."""
    bench, condition = opened(Photos(8, 8)), parse_condition("gaussian_noise", "test")
    seen = bench.loader(condition, 5).images(slice(0, 4)).numpy()
    (one,) = thumbnails(bench, condition, 5, [int(bench.store.sample_id[3])])

    assert np.array_equal(seen[3, 0], np.asarray(decoded(one)))


def test_a_large_image_becomes_a_small_file() -> None:
    """96 pixels at most, as JPEG, under 8 kB though all of it is noise."""
    bench = opened(Photos(224, 112, 3))
    (one,) = thumbnails(bench, parse_condition("clean", "test"), 0, [int(bench.store.sample_id[0])])

    assert (48, 96) == (one.width, one.height) == decoded(one).size
    assert one.uri.startswith("data:image/jpeg;base64,")
    assert len(one.uri) < 8000


def test_no_sample_no_picture() -> None:
    """Nothing is degraded for nothing."""
    assert [] == list(thumbnails(opened(Photos(8, 8)), parse_condition("clean", "test"), 0, [3]))

"""Geometry and normalisation agree with torchvision's own transforms, and nothing is guessed."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models, transforms

from pytest_failaware.errors import DataError
from pytest_failaware.measure.preprocess import Pipeline, build_pipeline
from pytest_failaware.schema import Preprocessing, Source, SourceKind


def picture(width: int = 50, height: int = 37) -> Image.Image:
    """A random colour image."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def run(pipeline: Pipeline, image: Image.Image) -> torch.Tensor:
    """The input that an image becomes, (C, H, W) float32."""
    pixels = np.array(pipeline.geometry(image))
    return pipeline.normalise(torch.from_numpy(pixels)[None].permute(0, 3, 1, 2))[0]


def test_resize_and_normalise_by_torchvision() -> None:
    """A square resize with mean and std is Resize, ToTensor, Normalize on a Pillow image."""
    spec = Preprocessing(resize=24, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    reference = transforms.Compose(
        [transforms.Resize((24, 24)), transforms.ToTensor(), transforms.Normalize(spec.mean, spec.std)]
    )

    torch.testing.assert_close(reference(picture()), run(build_pipeline(spec), picture()), rtol=0, atol=1e-6)


def test_weights_mean_their_published_transforms() -> None:
    """torchvision:WEIGHTS gives what the weights' own transforms give, spelled out in numbers."""
    weights = models.ResNet18_Weights.IMAGENET1K_V1
    pipeline = build_pipeline(Source(kind=SourceKind.TORCHVISION, target="ResNet18_Weights.IMAGENET1K_V1"))
    image = picture(300, 280)

    torch.testing.assert_close(weights.transforms()(image), run(pipeline, image), rtol=0, atol=1e-6)
    assert "resize_short=256, crop=224, interpolation=bilinear, mean=0.485/0.456/0.406, std=0.229/0.224/0.225" == (
        pipeline.text
    )


def test_none_is_the_image_over_255() -> None:
    """No geometry, no mean; one mean serves every channel."""
    assert torch.equal(transforms.ToTensor()(picture()), run(build_pipeline(Preprocessing()), picture()))
    shifted = run(build_pipeline(Preprocessing(mean=(0.5,), std=(0.25,))), picture())

    torch.testing.assert_close((transforms.ToTensor()(picture()) - 0.5) / 0.25, shifted)


def test_a_mean_for_other_channels_is_refused() -> None:
    """Both numbers are in the message."""
    with pytest.raises(DataError, match="mean and std have 2 values, the images have 3 channels"):
        run(build_pipeline(Preprocessing(mean=(0, 0), std=(1, 1))), picture())


def test_unknown_weights_suggest_known_ones() -> None:
    """A typo is answered with the closest name."""
    with pytest.raises(DataError, match=r"did you mean ResNet18_Weights\.IMAGENET1K_V1"):
        build_pipeline(Source(kind=SourceKind.TORCHVISION, target="ResNet18_Weights.IMAGENET1KV1"))


class Halves:
    """A preprocessing in code."""

    @staticmethod
    def geometry(image: Image.Image) -> Image.Image:
        """Mirror."""
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    @staticmethod
    def normalise(batch: torch.Tensor) -> torch.Tensor:
        """To [-1, 1]."""
        return batch * 2 - 1


def test_an_object_with_both_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its geometry sees the Pillow image, its normalise floats in [0, 1]; an opaque callable is refused."""
    module = ModuleType("user_module")
    module.halves, module.opaque = Halves(), transforms.ToTensor()
    monkeypatch.setitem(sys.modules, "user_module", module)
    pipeline = build_pipeline(Source(kind=SourceKind.FACTORY, target="user_module:halves"))

    mirrored = transforms.ToTensor()(picture()).flip(2) * 2 - 1
    torch.testing.assert_close(mirrored, run(pipeline, picture()))
    assert "user_module:halves" == pipeline.text
    with pytest.raises(DataError, match="no method geometry or normalise"):
        build_pipeline(Source(kind=SourceKind.FACTORY, target="user_module:opaque"))

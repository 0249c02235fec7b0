"""The kernels by condition name: `(images, strength, random) -> images` of the same shape, dtype and device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch

from pytest_failaware.measure.degrade.blur import blur
from pytest_failaware.measure.degrade.light import low_light
from pytest_failaware.measure.degrade.noise import gaussian_noise
from pytest_failaware.measure.randomness import SampleRandom

Kernel = Callable[[torch.Tensor, Mapping[str, float], SampleRandom], torch.Tensor]
"""Takes uint8 images (N, C, H, W), the condition's parameters and one random stream per image."""


def clean(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """The images as they are."""
    return images


KERNELS: Final[Mapping[str, Kernel]] = {
    "clean": clean,
    "gaussian_noise": gaussian_noise,
    "blur": blur,
    "low_light": low_light,
}

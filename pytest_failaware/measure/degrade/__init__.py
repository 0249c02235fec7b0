"""The kernels by condition name: `(images, strength, random) -> images` of the same shape, dtype and device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch

from pytest_failaware.errors import DataError
from pytest_failaware.measure.degrade.blur import blur
from pytest_failaware.measure.degrade.light import low_light
from pytest_failaware.measure.degrade.noise import gaussian_noise
from pytest_failaware.measure.randomness import SampleRandom
from pytest_failaware.text import describe_error

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


def checked(name: str, kernel: Kernel) -> Kernel:
    """A user's own kernel that says so where it fails, or returns anything but images like those it was given.

    Raises:
        DataError: when called.
    """

    def call(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
        try:
            degraded = kernel(images.clone(), strength, random)
        except Exception as error:  # the user's code runs here
            raise DataError(f"condition {name}: its function raised {describe_error(error)}; repair it") from error
        wanted = (tuple(images.shape), images.dtype, images.device)
        found = (
            (tuple(degraded.shape), degraded.dtype, degraded.device)
            if isinstance(degraded, torch.Tensor)
            else type(degraded).__name__
        )
        if found != wanted:
            raise DataError(
                f"condition {name}: its function must return images of the same shape, dtype and device; got {found} "
                f"for {wanted}"
            )
        return degraded

    return call

"""The kernels by condition name: `(images, strength, random) -> images` of the same shape, dtype and device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch

from pytest_failaware.errors import ConfigError, DataError
from pytest_failaware.imports import load_attribute
from pytest_failaware.measure.degrade.blur import blur
from pytest_failaware.measure.degrade.digital import jpeg_compression, pixelate
from pytest_failaware.measure.degrade.elastic import elastic_transform
from pytest_failaware.measure.degrade.frost import frost
from pytest_failaware.measure.degrade.lens import defocus_blur, gaussian_blur, glass_blur, motion_blur, zoom_blur
from pytest_failaware.measure.degrade.light import brightness, contrast, low_light, saturate
from pytest_failaware.measure.degrade.noise import gaussian_noise, impulse_noise, shot_noise, speckle_noise
from pytest_failaware.measure.degrade.plasma import fog
from pytest_failaware.measure.degrade.snow import snow
from pytest_failaware.measure.degrade.spatter import spatter
from pytest_failaware.measure.randomness import SampleRandom
from pytest_failaware.spelling import is_function
from pytest_failaware.text import describe_error

Kernel = Callable[[torch.Tensor, Mapping[str, float], SampleRandom], torch.Tensor]
"""Takes uint8 images (N, C, H, W), the condition's parameters and one random stream per image."""


def clean(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """The images as they are."""
    return images


KERNELS: Final[Mapping[str, Kernel]] = {
    "darkness": low_light,
    **{
        kernel.__name__: kernel
        for kernel in (
            *(clean, gaussian_noise, shot_noise, impulse_noise, speckle_noise),
            *(blur, gaussian_blur, defocus_blur, motion_blur, zoom_blur, glass_blur),
            *(low_light, brightness, contrast, saturate, pixelate, jpeg_compression, elastic_transform),
            *(snow, frost, fog, spatter),
        )
    },
}


def find_kernel(name: str, own: Mapping[str, Kernel]) -> Kernel:
    """The kernel of a condition: the user's own, a built-in one, or the function that `pkg.mod:function` names.

    Raises:
        ConfigError: there is no such function.
    """
    if name in own:
        return own[name]
    if not is_function(name):
        return KERNELS[name]
    found = load_attribute(name, "conditions")
    if not callable(found):
        raise ConfigError(f"conditions={name}: is a {type(found).__name__}; name a function(images, strength, random)")
    return checked(name, found)


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

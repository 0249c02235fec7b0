"""The kernels by condition name: `(images, strength, random) -> images` of the same shape, dtype and device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import torch

from pytest_failaware.core.condition import Condition, ConditionKind
from pytest_failaware.core.errors import ConfigError, DataError
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.degrade.blur import blur
from pytest_failaware.measure.degrade.digital import jpeg_compression, pixelate
from pytest_failaware.measure.degrade.elastic import elastic_transform
from pytest_failaware.measure.degrade.frost import frost
from pytest_failaware.measure.degrade.lens import defocus_blur, gaussian_blur, glass_blur, motion_blur, zoom_blur
from pytest_failaware.measure.degrade.light import brightness, contrast, low_light, saturate
from pytest_failaware.measure.degrade.noise import gaussian_noise, impulse_noise, shot_noise, speckle_noise
from pytest_failaware.measure.degrade.plasma import fog
from pytest_failaware.measure.degrade.randomness import SampleRandom
from pytest_failaware.measure.degrade.snow import snow
from pytest_failaware.measure.degrade.spatter import spatter
from pytest_failaware.measure.imports import load_attribute

Kernel = Callable[[torch.Tensor, Mapping[str, float], SampleRandom], torch.Tensor]
"""A function of uint8 images (N, C, H, W), the condition's parameters and one random stream per image."""

_CACHED_VALUES: Final = 2**19


def clean(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Return the images unchanged."""
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


def in_parts(kernel: Kernel, images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Apply a kernel to a batch, on a CPU to a few images at a time, so that its many small steps stay in the cache."""
    size = max(1, _CACHED_VALUES // images[0].numel()) if images.device.type == "cpu" else len(images)
    parts = [slice(start, start + size) for start in range(0, len(images), size)]
    return torch.cat([kernel(images[part], strength, random[part]) for part in parts])


def find_kernel(condition: Condition, own: Mapping[str, Kernel]) -> Kernel:
    """The kernel of a condition, for whole batches: the user's own, a built-in one, or what `pkg.mod:function` names.

    Raises:
        ConfigError: there is no such function.
    """
    name = condition.name
    if name in own:
        return own[name]
    if condition.is_precomputed or name == "clean":
        return clean
    if condition.kind is not ConditionKind.FUNCTION:
        return partial(in_parts, KERNELS[name])
    found = load_attribute(name, "conditions")
    if not callable(found):
        raise ConfigError(f"conditions={name}: is a {type(found).__name__}; name a function(images, strength, random)")
    return checked(name, found)


def checked(name: str, kernel: Kernel) -> Kernel:
    """Return a user-defined kernel that reports its own errors, and checks the images that it returns.

    The returned kernel raises a DataError if the function fails, or returns images of another shape, dtype or device.
    """

    def call(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
        try:
            with torch.inference_mode(False):  # the function may compute gradients
                degraded = kernel(images.clone(), strength, random)
        except Exception as error:  # the user's code runs here
            raise DataError(f"condition {name}: its function raised {describe_error(error)}; repair it") from error
        wanted = (tuple(images.shape), images.dtype, images.device)
        got = (
            (tuple(degraded.shape), degraded.dtype, degraded.device)
            if isinstance(degraded, torch.Tensor)
            else type(degraded).__name__
        )
        if got != wanted:
            raise DataError(
                f"condition {name}: its function must return images of the same shape, dtype and device; got {got} "
                f"for {wanted}"
            )
        return degraded

    return call

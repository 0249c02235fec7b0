"""Change the brightness, contrast and colour of images."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pytest_failaware.measure.degrade.filters import to_uint8
from pytest_failaware.measure.degrade.randomness import SampleRandom


def low_light(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Multiply every value by `factor` (at most 1) and truncate, as Pillow's ImageEnhance.Brightness does, bit for bit.

    Pillow blends with black in float32 and truncates; this function does the same.
    """
    return images.to(torch.float32).mul_(strength["factor"]).to(torch.uint8)


def contrast(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Return (x - mean) factor + mean, with the mean of each channel of each image."""
    mean = images.sum(dim=(2, 3), keepdim=True, dtype=torch.int64).double() / images[0, 0].numel()
    kept = (mean * (1 - strength["factor"])).float()
    return to_uint8(images.float().mul_(strength["factor"]).add_(kept))


def brightness(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Add `shift` to V in HSV, clipped to 1: each channel is multiplied by the same V' / V; black becomes grey."""
    value = images.amax(dim=1, keepdim=True).float()
    brighter = (value + 255 * strength["shift"]).clamp_(max=255)
    scaled = images.float().mul_(brighter / value.clamp(min=1))
    return to_uint8(torch.where(value > 0, scaled, brighter))


def saturate(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Return images with S factor + shift in HSV, clipped to [0, 1].

    The distance of each channel from V is multiplied by the same S' / S. Grey has no hue and counts as red, so a shift
    tints it. An image with one channel has no colour and stays unchanged.
    """
    if images.shape[1] != 3:
        return images
    values = images.float()
    value, least = values.amax(dim=1, keepdim=True), values.amin(dim=1, keepdim=True)
    saturation = (value - least) / value.clamp(min=1)
    stronger = (saturation * strength["factor"] + strength["shift"]).clamp_(0, 1)
    below = (value - values) * (stronger / saturation.clamp(min=1e-6))
    grey_below = value * stronger * torch.tensor([0.0, 1.0, 1.0], device=images.device).view(1, 3, 1, 1)
    return to_uint8(value - torch.where(saturation > 0, below, grey_below))

"""Degrade images by Pillow's Gaussian blur."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import torch

from pytest_failaware.measure.degrade.randomness import SampleRandom

_PASSES: Final = 3


def blur(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Blur images as Pillow's ImageFilter.GaussianBlur(radius) does, bit for bit.

    Pillow approximates the Gaussian by three extended box blurs along each axis (Gwosdek et al. 2011, "Theoretical
    foundations of Gaussian convolution by extended box filtering") in 24-bit fixed point, rounding to 8 bits after
    every pass and repeating the edge.
    """
    if strength["radius"] == 0:
        return images
    radius = _box_radius(strength["radius"])
    values = images.permute(0, 2, 3, 1).to(torch.int32)
    for axis in (2, 1):
        for _ in range(_PASSES):
            values = _box_blur(values, axis, radius)
    return values.to(torch.uint8).permute(0, 3, 1, 2)


def _box_radius(radius: float) -> np.float32:
    """Return the fractional box radius for which `_PASSES` passes have the variance radius^2, in Pillow's float32."""
    f = np.float32
    variance = f(f(radius) * f(radius) / f(_PASSES))
    length = f(math.sqrt(12.0 * float(variance) + 1.0))
    whole = f(math.floor((float(length) - 1.0) / 2.0))
    part = f((2 * whole + 1) * (whole * (whole + 1) - 3 * variance))
    part = f(part / (6 * (variance - (whole + 1) * (whole + 1))))
    return f(whole + part)


def _box_blur(values: torch.Tensor, axis: int, radius: np.float32) -> torch.Tensor:
    """Blur int32 values in 0..255 once, by a box of full weights with a fractional weight at either end.

    The sum can pass 2^31; int32 wraps, and the mask after the shift takes the byte that an unsigned sum would give.
    """
    whole, size = int(radius), values.shape[axis]
    weight = int(np.float32(1 << 24) / (radius * np.float32(2) + np.float32(1)))
    edge_weight = ((1 << 24) - (2 * whole + 1) * weight) // 2
    reach = torch.arange(-whole - 1, size + whole + 1, device=values.device).clamp_(0, size - 1)
    padded = values.index_select(axis, reach)
    total = padded.narrow(axis, 1, size).clone()
    for offset in range(2, 2 * whole + 2):
        total += padded.narrow(axis, offset, size)
    ends = padded.narrow(axis, 0, size) + padded.narrow(axis, 2 * whole + 2, size)
    total.mul_(weight).add_(ends, alpha=edge_weight).add_(1 << 23)
    return total.bitwise_right_shift_(24).bitwise_and_(255)

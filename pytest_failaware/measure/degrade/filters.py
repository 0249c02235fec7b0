"""Linear filters in exact arithmetic, so that neither the batch size nor the device can change a rounding.

Weights are multiples of a power of two. If every partial sum of integers times such weights fits the mantissa, the
order of summation, fused multiplication and the choice of a library's kernel make no difference.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

MATRIX_BITS: Final = 18  # two passes over 17-bit integers are exact in float64: 17 + 18 + 18 = 53
KERNEL_BITS: Final = 16  # one pass over 8-bit integers is exact in float32: 8 + 16 = 24


def to_uint8(values: torch.Tensor) -> torch.Tensor:
    """Clip grey levels to 0..255 and truncate them, as the published scripts do."""
    return values.clamp(0, 255).to(torch.uint8)


def quantised(weights: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Round weights to multiples of 2^-bits and keep their sum: round down, then add one to the largest remainders."""
    scaled = weights * 2**bits
    whole = np.floor(scaled)
    largest = np.argsort(whole - scaled, axis=None, kind="stable")[: round(scaled.sum() - whole.sum())]
    whole.flat[largest] += 1
    return np.asarray(whole / 2**bits, dtype=np.float64)


def smooth(values: torch.Tensor, sigma: float, *, truncate: float = 4.0, border: str = "edge") -> torch.Tensor:
    """Apply a Gaussian of `sigma` pixels to the last two axes, as scipy.ndimage.gaussian_filter does.

    Args:
        values: float64 (..., H, W), integers of at most 17 bits, or such integers times one power of two.
        sigma: standard deviation in pixels; 0 leaves the values unchanged.
        truncate: the end of the kernel in standard deviations.
        border: how the image continues, by numpy.pad's name: "edge" is scipy's nearest, "symmetric" its reflect.

    Returns:
        float64 of the same shape.
    """
    height, width = values.shape[-2:]
    rows, columns = (gaussian_matrix(side, sigma, truncate, border, values.device) for side in (height, width))
    return rows @ values @ columns.mT


@lru_cache(maxsize=32)
def gaussian_matrix(size: int, sigma: float, truncate: float, border: str, device: torch.device) -> torch.Tensor:
    """Return the one-dimensional filter as a matrix, float64 (size, size), with the weights of an output in its row."""
    radius = int(truncate * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2) if radius else np.ones(1)
    reached = _outside(size, radius, border)[np.arange(size)[:, None] + offsets + radius]
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size)[:, None], reached), quantised(weights / weights.sum(), MATRIX_BITS))
    return torch.from_numpy(matrix).to(device)


def padded(values: torch.Tensor, reach: int, border: str) -> torch.Tensor:
    """Continue the last two axes by `reach` pixels on every side; `reach` may exceed the size of the image."""
    for axis in (-2, -1):
        index = torch.from_numpy(_outside(values.shape[axis], reach, border)).to(values.device)
        values = values.index_select(axis, index)
    return values


def _outside(size: int, reach: int, border: str) -> NDArray[np.int64]:
    """Return which pixel each place of an axis shows that is continued by `reach` pixels on both sides."""
    if size == 1:
        border = "edge"
    return np.pad(np.arange(size), reach, mode=border)  # type: ignore[call-overload, no-any-return]  # mode is text


def filtered(images: torch.Tensor, kernel: NDArray[np.float64], border: str = "reflect") -> torch.Tensor:
    """Correlate each channel with a small kernel of quantised weights, as cv2.filter2D does.

    Args:
        images: float32 (N, C, H, W), integers of at most 8 bits.
        kernel: (K, K), K odd, no weight negative, multiples of 2^-KERNEL_BITS; results up to 255 are exact.
        border: how the image continues, by numpy.pad's name; "reflect" is cv2's default.

    Returns:
        float32 (N, C, H, W).
    """
    n, c, _, _ = images.shape
    reach = len(kernel) // 2
    planes = padded(images, reach, border).flatten(0, 1).unsqueeze(0)
    weights = torch.from_numpy(kernel).to(images).expand(n * c, 1, *kernel.shape)
    return F.conv2d(planes, weights, groups=n * c).view(images.shape)


def streak_offsets(radius: int, degrees: float) -> NDArray[np.int64]:
    """Return the offsets of the 2 radius + 1 taps of a one-sided motion blur, (taps, 2) as rows, columns."""
    angle = math.radians(degrees)
    steps = np.arange(2 * radius + 1)[:, None]
    return np.asarray(-np.ceil(steps * [math.sin(angle), math.cos(angle)] - 0.5), dtype=np.int64)


def streak(values: torch.Tensor, radius: int, sigma: float, degrees: NDArray[np.float64]) -> torch.Tensor:
    """Blur images along one direction each: weights exp(-i^2 / 2 sigma^2) on whole-pixel shifts, with edges repeated.

    Args:
        values: float32 (N, C, H, W), integers of at most 8 bits.
        radius: in pixels; the streak is 2 radius + 1 pixels long.
        sigma: the standard deviation of the weights in pixels.
        degrees: the direction of the streak of each image, (N,).

    Returns:
        float32 (N, C, H, W), exact.
    """
    height, width = values.shape[-2:]
    taps = np.arange(2 * radius + 1)
    bell = np.exp(-0.5 * (taps / max(sigma, 1e-3)) ** 2)
    weights = quantised(bell / bell.sum(), KERNEL_BITS)
    reach = int(taps[weights > 0][-1])
    around = padded(values, reach, "edge")
    blurred = torch.zeros_like(values)
    for row, angle in enumerate(degrees):
        for weight, (down, right) in zip(weights[: reach + 1], streak_offsets(radius, float(angle)), strict=False):
            if abs(down) >= height or abs(right) >= width:  # the tap lies outside of the image
                break
            top, left = reach - down, reach - right
            blurred[row].add_(around[row, :, top : top + height, left : left + width], alpha=float(weight))
    return blurred

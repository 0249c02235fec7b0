"""Blur images as a lens does: out of focus, moved, zoomed, or behind frosted glass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from pytest_failaware.measure.degrade.filters import (
    KERNEL_BITS,
    filtered,
    quantised,
    smooth,
    streak,
    to_uint8,
)
from pytest_failaware.measure.degrade.randomness import LEVELS, SampleRandom


def gaussian_blur(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Blur as skimage.filters.gaussian of `sigma` pixels does: cut at 4 sigma, edges repeated, then truncated."""
    return to_uint8(smooth(images.double(), strength["sigma"]))


def defocus_blur(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Average over a disk of `radius` pixels, whose rim is softened by a Gaussian of `alias_sigma` pixels."""
    kernel = _disk(strength["radius"], strength["alias_sigma"])
    return to_uint8(filtered(images.float(), kernel))


def motion_blur(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Blur along a streak of 2 radius + 1 pixels in a direction drawn from -45 to 45 degrees for each image.

    The published images come from ImageMagick. This function follows the numpy code of the package imagecorruptions:
    its weights and whole-pixel shifts are the same, except that weights are rounded to 2^-16.
    """
    degrees = random.uniform_on_host(1)[:, 0] * 90 - 45
    return to_uint8(streak(images.float(), int(strength["radius"]), strength["sigma"], degrees))


def zoom_blur(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Average the image and `steps` zooms into its middle, by factors 1, 1 + step, 1 + 2 step, ..."""
    values = images.float()
    total = values.clone()
    steps, step = int(strength["steps"]), (1 + strength["step"]) - 1  # as numpy.arange rounds it
    for number in range(steps):
        total += zoomed(values, 1 + number * step)
    return to_uint8(total.div_(steps + 1))


def zoomed(values: torch.Tensor, factor: float) -> torch.Tensor:
    """Enlarge the middle of (N, C, H, W) by `factor` to the same size, bilinear with aligned corners."""
    sides = values.shape[-2:]
    cut = [math.ceil(side / factor) for side in sides]
    top, left = ((side - kept) // 2 for side, kept in zip(sides, cut, strict=True))
    middle = values[..., top : top + cut[0], left : left + cut[1]]
    return fitted(middle, factor, (sides[0], sides[1]))


def fitted(values: torch.Tensor, factor: float, size: tuple[int, int]) -> torch.Tensor:
    """Enlarge (N, C, h, w) by `factor` as scipy.ndimage.zoom of order 1 does, and return its middle of `size`."""
    grown = [round(side * factor) for side in values.shape[-2:]]
    if grown != list(values.shape[-2:]):
        values = F.interpolate(values, size=grown, mode="bilinear", align_corners=True)
    top, left = ((have - want) // 2 for have, want in zip(grown, size, strict=True))
    return values[..., top : top + size[0], left : left + size[1]]


def glass_blur(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Blur by `sigma`, replace each pixel by a pixel at most `max_delta` away, `rounds` times, and blur again.

    The published script was meant to swap two pixels, but it assigns views of one array, so it copies. Its offsets
    never reach +max_delta. It goes from the lower right corner to the upper left, so a pixel may copy a value that
    another pixel has just received. This function gives the same result in parallel: a pixel that copies from a visited
    pixel points to it, and the pointers are followed to their ends by doubling.
    """
    n, c, h, w = images.shape
    delta, rounds = int(strength["max_delta"]), int(strength["rounds"])
    shuffled = to_uint8(smooth(images.double(), strength["sigma"])).view(n, c, -1)
    if min(h, w) > 2 * delta:
        draws = random.uint16(rounds * 2 * (h - 2 * delta) * (w - 2 * delta))
        offsets = (draws * (2 * delta) // LEVELS - delta).view(n, rounds, 2, h - 2 * delta, w - 2 * delta)
        for number in range(rounds):
            source = _copied_from(offsets[:, number], h, w, delta)
            shuffled = shuffled.gather(2, source[:, None].expand(-1, c, -1))
    return to_uint8(smooth(shuffled.view(n, c, h, w).double(), strength["sigma"]))


def _copied_from(offsets: torch.Tensor, h: int, w: int, delta: int) -> torch.Tensor:
    """Return which pixel each pixel shows after one round, (N, H W) int64; `offsets` are (N, 2, H - 2 d, W - 2 d)."""
    place = torch.arange(h * w, device=offsets.device).view(h, w)
    scanned = (slice(delta + 1, h - delta + 1), slice(delta + 1, w - delta + 1))
    is_scanned = torch.zeros_like(place, dtype=torch.bool)
    is_scanned[scanned] = True
    source = place.repeat(len(offsets), 1, 1)
    source[:, *scanned] += offsets[:, 0] * w + offsets[:, 1]
    source = source.flatten(1)
    visited = is_scanned.view(-1)[source] & (source > place.view(-1))  # the source then has a new value
    # A place of at least h w means the first value of a pixel, the end of a chain.
    link = torch.where(visited, source, source + h * w)
    for _ in range((h * w).bit_length()):
        if link.device.type == "cpu" and not bool((link < h * w).any()):
            break
        link = torch.where(link < h * w, link.gather(1, link.clamp(max=h * w - 1)), link)
    return link - h * w


@lru_cache(maxsize=16)
def _disk(radius: float, alias_sigma: float) -> NDArray[np.float64]:
    """Return a disk of sum 1, blurred by 3 taps (5 above radius 8) with a mirrored border, without zero rows, (K, K).

    From radius 8 on, the disk touches the border, and the mirror adds up to 2 % to the sum, as in the original.
    """
    reach = 8 if radius <= 8 else math.ceil(radius)
    taps = 1 if radius <= 8 else 2
    across = np.arange(-reach, reach + 1)
    disk = np.asarray((across[:, None] ** 2 + across**2 <= radius**2), dtype=np.float64)
    disk /= disk.sum()
    weights = np.exp(-0.5 * (np.arange(-taps, taps + 1) / max(alias_sigma, 1e-6)) ** 2)
    weights /= weights.sum()
    size = len(disk)
    for axis in (0, 1):
        around = np.pad(disk, [(taps, taps) if axis == this else (0, 0) for this in (0, 1)], mode="reflect")
        disk = sum(
            weight * np.take(around, range(start, start + size), axis=axis) for start, weight in enumerate(weights)
        )
    kernel = quantised(disk, KERNEL_BITS)
    used = np.flatnonzero(kernel.any(axis=0))[0]
    return kernel[used : size - used, used : size - used]

"""Clouds by the diamond-square algorithm, many at once: fog, and what the frost is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch

from pytest_failaware.measure.degrade.filters import to_uint8
from pytest_failaware.measure.degrade.randomness import LEVELS, SampleRandom

_WIBBLE: Final = 100.0  # the first displacement; its square counts, as in the published script
_LEAST: Final = 1e-30  # what is divided by where a map is flat or an image black


def fog(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """(x + thickness cloud) max / (max + thickness) in [0, 1], with the image's own cloud and largest value."""
    h, w = images.shape[2:]
    size = 1 << (max(h, w) - 1).bit_length()
    cloud = plasma(random, size, strength["decay"])[:, None, :h, :w] * strength["thickness"]
    values = images.float() / 255
    most = values.amax(dim=(1, 2, 3), keepdim=True)
    return to_uint8((values + cloud) * (most / (most + strength["thickness"]).clamp(min=_LEAST)) * 255)


def plasma(random: SampleRandom, size: int, decay: float) -> torch.Tensor:
    """Height maps (N, size, size), float32 from 0 to 1, that continue across their borders; size is a power of two.

    Each halving of the step fills the middles of squares, then of diamonds, with the mean of their four neighbours plus
    a uniform displacement whose size falls by decay^2.
    """
    draws = random.uint16(size * size).float().mul_(2 / (LEVELS - 1)).sub_(1)
    used, wibble, step = 1, _WIBBLE, size
    height = torch.zeros(len(draws), size, size, device=draws.device)
    while step >= 2:
        half, count = step // 2, (size // step) ** 2
        noise = draws[:, used : used + 3 * count] * wibble**2
        corners = height[:, ::step, ::step]
        squares = corners + corners.roll(-1, 1)
        squares += squares.roll(-1, 2)
        height[:, half::step, half::step] = _displaced(squares, noise[:, :count])
        middles = height[:, half::step, half::step]
        across = middles + middles.roll(1, 1) + corners + corners.roll(-1, 2)
        height[:, ::step, half::step] = _displaced(across, noise[:, count : 2 * count])
        down = middles + middles.roll(1, 2) + corners + corners.roll(-1, 1)
        height[:, half::step, ::step] = _displaced(down, noise[:, 2 * count :])
        used, step, wibble = used + 3 * count, half, wibble / decay
    low = height.amin(dim=(1, 2), keepdim=True)
    height -= low
    return height.div_(height.amax(dim=(1, 2), keepdim=True).clamp(min=_LEAST))


def _displaced(of_four: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """The mean of four neighbours, given their sum, plus the noise."""
    return of_four.mul_(0.25).add_(noise.reshape(of_four.shape))

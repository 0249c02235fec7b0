"""Make clouds with the diamond-square algorithm, many at once, for fog and for the textures of frost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch

from pytest_failaware.measure.degrade.filters import to_uint8
from pytest_failaware.measure.degrade.randomness import LEVELS, SampleRandom

_WIBBLE: Final = 100.0  # the first displacement; its square is used, as in the published script
_LEAST: Final = 1e-30  # the smallest divisor, for a flat map or a black image


def fog(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Return (x + thickness cloud) max / (max + thickness) in [0, 1]; each image has its own cloud and maximum."""
    h, w = images.shape[2:]
    size = 1 << (max(h, w) - 1).bit_length()
    cloud = plasma(random, size, strength["decay"])[:, None, :h, :w] * strength["thickness"]
    values = images.float() / 255
    most = values.amax(dim=(1, 2, 3), keepdim=True)
    return to_uint8((values + cloud) * (most / (most + strength["thickness"]).clamp(min=_LEAST)) * 255)


def plasma(random: SampleRandom, size: int, decay: float) -> torch.Tensor:
    """Return height maps (N, size, size), float32 from 0 to 1, that continue across their borders.

    `size` is a power of two. Each halving of the step fills the centres of squares, then of diamonds, with the mean of
    their four neighbours plus a uniform displacement, whose size is divided by decay^2 each time.
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
    """Return the mean of four neighbours, given their sum, plus the noise."""
    return of_four.mul_(0.25).add_(noise.reshape(of_four.shape))

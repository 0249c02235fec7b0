"""Add noise to images, with one random draw per value.

Each function uses a table over the 65,536 draws, or integer arithmetic on a draw, so every device gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from scipy import stats

from pytest_failaware.measure.degrade.randomness import LEVELS, SampleRandom, normal_quantiles

_FRACTION_BITS: Final = 16  # a grey level is 2^16 units: sigma 2.0 times the largest deviate still fits int32


def gaussian_noise(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Return x / 255 + N(0, sigma^2), clipped to [0, 1], times 255, truncated to uint8.

    The arithmetic is fixed point: a draw selects from a table of noise values in units of 2^-16 grey levels.
    """
    noise = _picked(_noise_table(strength["sigma"], images.device), images, random)
    noisy = (images.to(torch.int32) << _FRACTION_BITS).add_(noise)
    return noisy.clamp_(0, 255 << _FRACTION_BITS).bitwise_right_shift_(_FRACTION_BITS).to(torch.uint8)


def shot_noise(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Return Poisson(photons x / 255) / photons, clipped to [0, 1], times 255, truncated to uint8.

    `photons` is the mean count at full brightness. Counts come by inversion, from a table over grey levels and draws.
    """
    table = _shot_table(strength["photons"], images.device)
    index = (images.to(torch.int32) << 16).add_(_draws(images, random))
    return table.index_select(0, index.reshape(-1)).view(images.shape)


def impulse_noise(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Set a share `amount` of the values, in each channel separately, to 0 or 255 with equal probability."""
    half = round(strength["amount"] * LEVELS / 2)
    draws = _draws(images, random)
    return images.masked_fill(draws < half, 0).masked_fill_(draws >= LEVELS - half, 255)


def speckle_noise(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Return x + x N(0, sigma^2), clipped and truncated, as one exactly rounded product with a factor from a table."""
    factor = _picked(_factor_table(strength["sigma"], images.device), images, random)
    return factor.mul_(images).clamp_(0, 255).to(torch.uint8)


def _draws(images: torch.Tensor, random: SampleRandom) -> torch.Tensor:
    """Return one 16-bit draw per value, int32 of the images' shape, in the order rows, columns, channels."""
    n, c, h, w = images.shape
    return random.uint16(h * w * c).view(n, h, w, c).permute(0, 3, 1, 2).contiguous()


def _picked(table: torch.Tensor, images: torch.Tensor, random: SampleRandom) -> torch.Tensor:
    """Return the entry of the table for one draw per value, in the images' shape."""
    return table.index_select(0, _draws(images, random).reshape(-1)).view(images.shape)


@lru_cache(maxsize=8)
def _noise_table(sigma: float, device: torch.device) -> torch.Tensor:
    """Return the noise of each draw in units of 2^-16 grey levels, (65536,) int32."""
    scale = sigma * 255 * 2**_FRACTION_BITS
    return torch.from_numpy(np.rint(normal_quantiles() * scale).astype(np.int32)).to(device)


@lru_cache(maxsize=8)
def _factor_table(sigma: float, device: torch.device) -> torch.Tensor:
    """Return 1 + sigma z for the deviate z of each draw, (65536,) float32."""
    return torch.from_numpy((1 + sigma * normal_quantiles()).astype(np.float32)).to(device)


@lru_cache(maxsize=2)
def _shot_table(photons: float, device: torch.device) -> torch.Tensor:
    """Return the noisy grey level of level x under draw u at place 65536 x + u, (256 * 65536,) uint8: 16 MiB."""
    counts = np.arange(int(stats.poisson.ppf(1 - 1e-9, photons)) + 1)
    levels = np.floor(np.clip(counts / photons, 0, 1) * 255 + 1e-9).astype(np.uint8)
    rows = []
    for rate in np.arange(256) / 255 * photons:
        ends = np.rint(stats.poisson.cdf(counts, rate) * LEVELS).astype(np.int64)
        ends[-1] = LEVELS
        rows.append(np.repeat(levels, np.diff(ends, prepend=0)))
    return torch.from_numpy(np.concatenate(rows)).to(device)

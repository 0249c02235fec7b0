"""Degradations that draw a random number per value."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import torch

from pytest_failaware.measure.randomness import SampleRandom, normal_quantiles

_FRACTION_BITS: Final = 16  # a grey level is 2^16 units: sigma 2.0 times the largest deviate still fits int32


def gaussian_noise(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """x / 255 + N(0, sigma^2), clipped to [0, 1], times 255, truncated to uint8.

    Computed in fixed point, so that every device yields the same bytes: the draws pick from a table of noise values in
    units of 2^-16 grey levels.
    """
    n, c, h, w = images.shape
    table = _noise_table(strength["sigma"], images.device)
    draws = random.uint16(h * w * c).reshape(-1)
    noise = table.index_select(0, draws).view(n, h, w, c).permute(0, 3, 1, 2)
    noisy = (images.to(torch.int32) << _FRACTION_BITS).add_(noise)
    return noisy.clamp_(0, 255 << _FRACTION_BITS).bitwise_right_shift_(_FRACTION_BITS).to(torch.uint8)


@lru_cache(maxsize=8)
def _noise_table(sigma: float, device: torch.device) -> torch.Tensor:
    """The noise of each 16-bit draw in units of 2^-16 grey levels, (65536,) int32."""
    scale = sigma * 255 * 2**_FRACTION_BITS
    return torch.from_numpy(np.rint(normal_quantiles() * scale).astype(np.int32)).to(device)

"""Random numbers that are a function of (seed, condition, sample id) alone.

SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators") used as a counter-based hash, in
wrapping int64 arithmetic: the same bits for any batch size, order, subset, worker, device and library version, which
neither torch's nor numpy's generators promise. Normal deviates come from a table of quantiles, so no float function is
evaluated where devices could differ.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

LEVELS: Final = 65536
"""How many equally likely values one 16-bit draw has."""

_GAMMA: Final = -0x61C8864680B583EB  # 0x9E3779B97F4A7C15 as a signed number
_MIX_1: Final = -0x40A7B892E31B1A47  # 0xBF58476D1CE4E5B9
_MIX_2: Final = -0x6B2FB644ECCEEE15  # 0x94D049BB133111EB


@dataclass(frozen=True, slots=True)
class SampleRandom:
    """One independent stream per sample; `state` is int64 of shape (N,) on the device of the images."""

    state: torch.Tensor

    @classmethod
    def keyed(cls, seed: int, name: str, sample_id: torch.Tensor) -> SampleRandom:
        """The streams of a degradation `name` for int64 sample ids (N,); its severity is no part of the key."""
        text = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        base = int.from_bytes(text[:8], "little", signed=True)
        return cls(_mix(sample_id ^ base))

    def words(self, count: int) -> torch.Tensor:
        """The first `count` 64-bit words of each stream, (N, count) int64."""
        counter = torch.arange(1, count + 1, dtype=torch.int64, device=self.state.device)
        return _mix(self.state[:, None] + counter * _GAMMA)

    def uint16(self, count: int) -> torch.Tensor:
        """The first `count` draws from 0..65535 of each stream, (N, count) int32, four from each word."""
        words = self.words(-(-count // 4))
        return (words.view(torch.int16)[:, :count].to(torch.int32)) + LEVELS // 2


def _mix(z: torch.Tensor) -> torch.Tensor:
    """SplitMix64's output function; the masks make the arithmetic right shifts logical."""
    z = (z ^ ((z >> 30) & 0x3FFFFFFFF)) * _MIX_1
    z = (z ^ ((z >> 27) & 0x1FFFFFFFFF)) * _MIX_2
    return z ^ ((z >> 31) & 0x1FFFFFFFF)


@lru_cache(maxsize=1)
def normal_quantiles() -> NDArray[np.float64]:
    """Standard normal quantiles at (i + 1/2) / 65536, (65536,), on the grid of 2^-20 so that libm cannot move one.

    Mean 0 by symmetry, variance 0.99998, largest deviate 4.32.
    """
    normal = NormalDist()
    upper = np.array([normal.inv_cdf((i + 0.5) / LEVELS) for i in range(LEVELS // 2, LEVELS)])
    upper = np.round(upper * 2**20) / 2**20
    return np.concatenate([-upper[::-1], upper])

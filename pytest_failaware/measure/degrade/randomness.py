"""Draw random numbers that depend only on (seed, condition, sample id).

SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators") is used as a counter-based hash,
in wrapping int64 arithmetic. It gives the same bits for any batch size, order, subset, worker, device and library
version; the generators of torch and numpy do not promise that. Normal deviates come from a table of quantiles, so no
float function is evaluated whose result could differ between devices.
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
"""The number of equally likely values of one 16-bit draw."""

_HOST: Final = torch.device("cpu")
_GAMMA: Final = -0x61C8864680B583EB  # 0x9E3779B97F4A7C15 as a signed number
_MIX_1: Final = -0x40A7B892E31B1A47  # 0xBF58476D1CE4E5B9
_MIX_2: Final = -0x6B2FB644ECCEEE15  # 0x94D049BB133111EB


@dataclass(frozen=True, slots=True)
class SampleRandom:
    """One independent stream per sample; `state` is int64 of shape (N,) on the host, `device` that of the images.

    A few numbers per sample, such as an angle or a place, are drawn on the host, and many numbers on the device, so
    that nothing is copied back from the device.
    """

    state: torch.Tensor
    device: torch.device = _HOST

    @classmethod
    def keyed(cls, seed: int, name: str, sample_id: torch.Tensor, device: torch.device | str = "cpu") -> SampleRandom:
        """Return the streams of the degradation `name` for int64 sample ids (N,); the severity is not in the key."""
        text = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        base = int.from_bytes(text[:8], "little", signed=True)
        return cls(_mix(sample_id.cpu() ^ base), torch.device(device))

    def __getitem__(self, rows: slice) -> SampleRandom:
        return SampleRandom(self.state[rows], self.device)

    def branch(self, number: int) -> SampleRandom:
        """Return streams that are independent of these streams and of the branches with other numbers."""
        return SampleRandom(_mix(self.state ^ number), self.device)

    def words(self, count: int) -> torch.Tensor:
        """Return the first `count` 64-bit words of each stream, (N, count) int64."""
        counter = torch.arange(1, count + 1, dtype=torch.int64, device=self.device)
        return _mix(self.state.to(self.device)[:, None] + counter * _GAMMA)

    def uint16(self, count: int) -> torch.Tensor:
        """Return the first `count` draws from 0..65535 of each stream, (N, count) int32, four from each word."""
        words = self.words(-(-count // 4))
        return (words.view(torch.int16)[:, :count].to(torch.int32)) + LEVELS // 2

    def normal(self, count: int) -> torch.Tensor:
        """Return the first `count` standard normal deviates of each stream, (N, count) float64, multiples of 2^-20."""
        table = _quantiles_on(self.device)
        return table.index_select(0, self.uint16(count).reshape(-1)).view(-1, count)

    def uniform_on_host(self, count: int) -> NDArray[np.float64]:
        """Return the first `count` draws of each stream as numbers above 0 and below 1, (N, count), on the host."""
        return (SampleRandom(self.state).uint16(count).numpy() + 0.5) / LEVELS


def _mix(z: torch.Tensor) -> torch.Tensor:
    """Apply the output function of SplitMix64; the masks turn arithmetic right shifts into logical ones."""
    z = (z ^ ((z >> 30) & 0x3FFFFFFFF)) * _MIX_1
    z = (z ^ ((z >> 27) & 0x1FFFFFFFFF)) * _MIX_2
    return z ^ ((z >> 31) & 0x1FFFFFFFF)


@lru_cache(maxsize=1)
def normal_quantiles() -> NDArray[np.float64]:
    """Return standard normal quantiles at (i + 1/2) / 65536, (65536,), rounded to 2^-20 to be independent of libm.

    Mean 0 by symmetry, variance 0.99998, largest deviate 4.32.
    """
    normal = NormalDist()
    upper = np.array([normal.inv_cdf((i + 0.5) / LEVELS) for i in range(LEVELS // 2, LEVELS)])
    upper = np.round(upper * 2**20) / 2**20
    return np.concatenate([-upper[::-1], upper])


@lru_cache(maxsize=4)
def _quantiles_on(device: torch.device) -> torch.Tensor:
    return torch.from_numpy(normal_quantiles()).to(device)

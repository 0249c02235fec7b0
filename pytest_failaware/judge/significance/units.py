"""The independent units of samples, which are the samples themselves or their groups, and the hash that orders them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.samples import Samples

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Units:
    """The independent units of N samples: the samples themselves, or their groups if they have some.

    A test sums the scores of each unit first, because the samples of a unit depend on each other.
    """

    of_sample: Rows  # the unit of each sample, (N,) in 0..units-1
    first: Rows  # the first sample of each unit, (units,)
    are_groups: bool  # whether a group has more than one sample

    @staticmethod
    def of(samples: Samples) -> Units:
        """Return the groups of these samples, by ascending number; the samples if no two of them share a group."""
        each = np.arange(len(samples))
        alone = Units(of_sample=each, first=each, are_groups=False)
        if samples.groups is None:
            return alone
        _, first, of_sample = np.unique(samples.groups, return_index=True, return_inverse=True)
        return alone if len(first) == len(each) else Units(of_sample=of_sample, first=first, are_groups=True)

    def __len__(self) -> int:
        return len(self.first)

    def sums(self, parts: Floats) -> Floats:
        """Return the sum of the samples' parts, (N,), over each unit, (units,)."""
        return np.bincount(self.of_sample, weights=parts, minlength=len(self)).astype(np.float64)

    @property
    def effective_count(self) -> float:
        """Kish's effective sample size n² / sum n_u², n_u the size of unit u: the count of units if all are equal.

        Kish 1965, "Survey Sampling".

        >>> Units(of_sample=np.array([0, 0, 1, 1, 2, 2]), first=np.array([0, 2, 4]), are_groups=True).effective_count
        3.0
        """
        sizes = np.bincount(self.of_sample)
        return len(self.of_sample) ** 2 / float(np.square(sizes.astype(np.float64)).sum())


def mixed(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the hash of each number by the finaliser of SplitMix64: ascending ids become numbers without order.

    Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".
    """
    mixed = key.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

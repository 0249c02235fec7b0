"""What one condition adds to the pooled verdict, the one verdict over all conditions of a marked test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_failaware.core.result import CoverageWay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reached:
    """The samples that a candidate trusts at the coverage of the baseline, (N,), reached in one way.

    `right_at_threshold` is the share of right answers among the samples at the threshold.
    """

    way: CoverageWay
    right: NDArray[np.bool_]  # right and trusted
    trusted: NDArray[np.bool_]
    right_at_threshold: float


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SeedShare:
    """The outcomes of one condition on one seed of a recipe, (N,) columns; `ways` are those of the candidate."""

    right: NDArray[np.bool_]
    trusted: NDArray[np.bool_]
    ways: tuple[Reached, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Share:
    """The outcomes of one condition on the samples of both sides, (N,) columns in the order of the samples.

    `samples` is a hash of the ids, the labels and the groups: conditions are pooled only on the same samples. Without
    `ways` the condition has no ranking, because its baseline trusts hardly anything. `seeds` are those of the recipe if
    the candidate is judged against one.
    """

    condition: str
    samples: str
    groups: NDArray[np.uint32] | None
    right_before: NDArray[np.bool_]
    trusted_before: NDArray[np.bool_]
    right_now: NDArray[np.bool_]
    ways: tuple[Reached, ...]
    seeds: tuple[SeedShare, ...] = ()

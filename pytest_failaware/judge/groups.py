"""Samples that belong together: which these are, one of each group, and what is said where they are not independent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.measurement import DataFacts
from pytest_failaware.judge import sentences
from pytest_failaware.judge.pairing import Pair
from pytest_failaware.judge.significance.grouped import independent_count
from pytest_failaware.judge.significance.jackknife import Rows, mixed

Groups = NDArray[np.uint32] | None
"""The group of each sample, (N,); None where all are independent, as far as anybody told."""


def same_groups(one: Groups, other: Groups) -> bool:
    """Whether the same samples belong together, by whatever numbers; without groups each is alone."""
    sides = [_together(side) for side in (one, other)]
    return sides[0] == sides[1]


def _together(groups: Groups) -> list[int] | None:
    """The first sample of each one's group; None where each is its own."""
    if groups is None:
        return None
    _, first, unit = np.unique(groups, return_index=True, return_inverse=True)
    return None if len(first) == len(groups) else first[unit].tolist()


def one_of_each(sample_id: NDArray[np.uint64], groups: NDArray[np.uint32]) -> Rows:
    """A row of each group, ascending: that of the id with the smallest hash, so that it is the same one each time."""
    order = np.lexsort((mixed(sample_id), groups))
    _, first = np.unique(groups[order], return_index=True)
    rows: Rows = np.sort(order[first])
    return rows


# ---- what is said of them ------------------------------------------------------------------------------------------


def how_grouped(stored: DataFacts, both: Pair) -> Iterator[str]:
    """How groups were reckoned with: those of this run decide."""
    now, before = both.groups, both.groups_before
    if now is not None:
        yield sentences.grouped(len(np.unique(now)))
    if same_groups(now, before):
        return
    if before is None:
        yield sentences.NO_STORED_GROUPS
    elif now is None:
        yield sentences.groups_missing(stored.groups)
    else:
        yield sentences.OTHER_GROUPS


def finds_less(data: DataFacts, groups: Groups) -> Iterator[str]:
    """That gates find less than is said of independent samples if the samples come in groups.

    How much depends on how changes go together within a group, which no stored model tells; the worst is that all
    samples of a group change as one, and `independent_count` is then how many there are.
    """
    if 0 < data.groups < data.samples:
        worst = None if groups is None else int(independent_count(len(groups), groups))
        yield sentences.finds_less(data.samples, data.groups, worst)

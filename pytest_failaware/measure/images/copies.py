"""Copies: images with the content and the label of another. They get the same answer, so they are not independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.identity import group_numbers


def contents_of(keys: Sequence[bytes], labels: Sequence[int]) -> NDArray[np.uint32]:
    """Return the number of each sample's content, (N,): the rank of its key and label among all of them.

    Args:
        keys: identifies the content of each sample.
        labels: the class of each sample.
    """
    pairs = list(zip(keys, labels, strict=True))
    rank = {pair: number for number, pair in enumerate(sorted(set(pairs)))}
    return np.array([rank[pair] for pair in pairs], dtype=np.uint32)


def copy_count(contents: NDArray[np.uint32]) -> int:
    """Return how many samples have the content of another sample that is already counted."""
    return len(contents) - len(np.unique(contents))


def joined(groups: NDArray[np.uint32] | None, contents: NDArray[np.uint32]) -> NDArray[np.uint32] | None:
    """Return the groups, (N,), in which the copies are together, too; groups that share a content become one group.

    Without copies the groups stay as they are.

    >>> joined(np.array([0, 0, 1, 2], dtype=np.uint32), np.array([7, 8, 8, 9], dtype=np.uint32)).tolist()
    [0, 0, 0, 1]
    """
    if not copy_count(contents):
        return groups
    if groups is None:
        return group_numbers(contents)
    before, part = groups, _least(groups, contents)
    while not np.array_equal(before, part):
        before, part = part, _least(_least(part, groups), contents)
    return group_numbers(part)


def _least(numbers: NDArray[np.uint32], group: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the least number in the group of each sample, (N,)."""
    least = np.full(int(group.max()) + 1, np.iinfo(np.uint32).max, dtype=np.uint32)
    np.minimum.at(least, group, numbers)
    return least[group]

"""Samples that belong together: which these are, one of each group, and what is said where they are not independent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pytest_failaware.core.measurement import DataFacts
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge import sentences
from pytest_failaware.judge.pairing import Pair
from pytest_failaware.judge.significance.grouped import independent_count
from pytest_failaware.judge.significance.jackknife import Rows, mixed


def same_groups(samples: Samples, others: Samples) -> bool:
    """Return whether the same samples belong together, whatever the numbers; without groups each is alone."""
    return _together(samples) == _together(others)


def _together(samples: Samples) -> list[int] | None:
    """The first sample of each sample's group; None if each sample is alone in its group."""
    if samples.groups is None:
        return None
    _, first, unit = np.unique(samples.groups, return_index=True, return_inverse=True)
    return None if len(first) == len(samples) else first[unit].tolist()


def one_of_each(samples: Samples) -> Rows:
    """Return a row of each group, ascending: that of the id with the smallest hash, so that it is always the same."""
    if samples.groups is None:
        return np.arange(len(samples))
    order = np.lexsort((mixed(samples.ids), samples.groups))
    _, first = np.unique(samples.groups[order], return_index=True)
    rows: Rows = np.sort(order[first])
    return rows


# ---- what is said of them ------------------------------------------------------------------------------------------


def how_grouped(stored: DataFacts, both: Pair) -> Iterator[str]:
    """How groups were reckoned with: those of this run decide."""
    now, before = both.now.samples.groups, both.before.samples.groups
    if now is not None:
        yield sentences.grouped(len(np.unique(now)))
    if same_groups(both.now.samples, both.before.samples):
        return
    if before is None:
        yield sentences.NO_STORED_GROUPS
    elif now is None:
        yield sentences.groups_missing(stored.groups)
    else:
        yield sentences.OTHER_GROUPS


def finds_less(data: DataFacts, samples: Samples | None) -> Iterator[str]:
    """That gates find less than is said of independent samples if the samples come in groups.

    How much depends on how changes go together within a group, which no stored model tells; the worst is that all
    samples of a group change as one, and `independent_count` is then how many there are.
    """
    if 0 < data.groups < data.samples:
        worst = None if samples is None else int(independent_count(len(samples), samples.groups))
        yield sentences.finds_less(data.samples, data.groups, worst)

"""Groups of samples that are not independent: whether they are the same, one sample of each, and sentences on them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pytest_failaware.core.measurement import DataFacts
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.pairing import Pair
from pytest_failaware.judge.sentences import judgement
from pytest_failaware.judge.significance.grouped import independent_count
from pytest_failaware.judge.significance.jackknife import Rows, mixed


def same_groups(samples: Samples, others: Samples) -> bool:
    """Return whether both sides group their samples alike; group numbers may differ, no groups means groups of one."""
    return _together(samples) == _together(others)


def _together(samples: Samples) -> list[int] | None:
    """Return the first sample of each sample's group; None if each sample is alone in its group."""
    if samples.groups is None:
        return None
    _, first, unit = np.unique(samples.groups, return_index=True, return_inverse=True)
    return None if len(first) == len(samples) else first[unit].tolist()


def one_of_each(samples: Samples) -> Rows:
    """Return one row of each group, ascending: the id with the smallest hash, so that the choice never changes."""
    if samples.groups is None:
        return np.arange(len(samples))
    order = np.lexsort((mixed(samples.ids), samples.groups))
    _, first = np.unique(samples.groups[order], return_index=True)
    rows: Rows = np.sort(order[first])
    return rows


# ---- sentences -----------------------------------------------------------------------------------------------------


def how_grouped(stored: DataFacts, both: Pair) -> Iterator[str]:
    """Yield sentences on how groups were used: the groups of this run decide."""
    now, before = both.now.samples.groups, both.before.samples.groups
    if now is not None:
        yield judgement.grouped(len(np.unique(now)))
    if same_groups(both.now.samples, both.before.samples):
        return
    if before is None:
        yield judgement.NO_STORED_GROUPS
    elif now is None:
        yield judgement.groups_missing(stored.groups)
    else:
        yield judgement.OTHER_GROUPS


def finds_less(data: DataFacts, samples: Samples | None) -> Iterator[str]:
    """Yield a sentence if the samples come in groups, so that gates detect less than with independent samples.

    How much less depends on how strongly the samples of a group change together, which the stored records cannot show.
    In the worst case all samples of a group change as one; they then count as `independent_count` samples.
    """
    if 0 < data.groups < data.samples:
        worst = None if samples is None else int(independent_count(len(samples), samples.groups))
        yield judgement.finds_less(data.samples, data.groups, worst)

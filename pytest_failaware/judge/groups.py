"""Groups of samples that are not independent: whether they are the same, one sample of each, and sentences on them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pytest_failaware.core.measurement import DataFacts
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.pairing import Pair
from pytest_failaware.judge.sentences import judgement
from pytest_failaware.judge.significance.units import Rows, Units, mixed


def same_groups(samples: Samples, others: Samples) -> bool:
    """Return whether both sides group their samples alike; group numbers may differ, no groups means groups of one."""
    return _together(samples) == _together(others)


def _together(samples: Samples) -> list[int] | None:
    """Return the first sample of each sample's group; None if each sample is alone in its group."""
    units = Units.of(samples)
    return units.first[units.of_sample].tolist() if units.are_groups else None


def has_other_groups(data: DataFacts, both: Pair) -> bool:
    """Return whether somebody grouped the samples otherwise than the reference's.

    A reference without groups may be older than the grouping of copies, which nobody has to name.

    Args:
        data: the facts about the data of this run.
        both: the records of the shared samples.
    """
    is_older = data.groups_copies_alone and both.before.samples.groups is None
    return not is_older and not same_groups(both.now.samples, both.before.samples)


def one_of_each(samples: Samples) -> Rows:
    """Return one row of each group, ascending: the id with the smallest hash, so that the choice never changes."""
    unit = Units.of(samples).of_sample
    order = np.lexsort((mixed(samples.ids), unit))
    _, first = np.unique(unit[order], return_index=True)
    rows: Rows = np.sort(order[first])
    return rows


# ---- sentences -----------------------------------------------------------------------------------------------------


def how_grouped(stored: DataFacts, both: Pair) -> Iterator[str]:
    """Yield sentences on how groups were used: the groups of this run decide."""
    now, before = Units.of(both.now.samples), Units.of(both.before.samples)
    if now.are_groups:
        yield judgement.grouped(len(now))
    if same_groups(both.now.samples, both.before.samples):
        return
    if not before.are_groups:
        yield judgement.NO_STORED_GROUPS
    elif not now.are_groups:
        yield judgement.groups_missing(stored.groups)
    else:
        yield judgement.OTHER_GROUPS


def finds_less(data: DataFacts, samples: Samples | None) -> Iterator[str]:
    """Yield a sentence if the samples come in groups, so that gates detect less than with independent samples.

    How much less depends on how strongly the samples of a group change together, which the stored records cannot show.
    In the worst case all samples of a group change as one; they then count as `Units.effective_count` samples.
    """
    if 0 < data.groups < data.samples:
        worst = None if samples is None else int(Units.of(samples).effective_count)
        yield judgement.finds_less(data.samples, data.groups, worst)

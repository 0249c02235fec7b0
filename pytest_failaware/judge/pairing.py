"""Two sides of a comparison on the samples that both have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import Records
from pytest_failaware.judge import sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Records of the same samples in the same order, and how many of each side's samples they are."""

    before: Records
    now: Records
    groups: NDArray[np.uint32] | None = None  # of these samples, None where all are independent
    groups_before: NDArray[np.uint32] | None = None  # likewise, as the other side told
    stored: int  # samples of the baseline
    measured: int  # samples of this run

    def __len__(self) -> int:
        return len(self.before)

    @property
    def is_whole(self) -> bool:
        """Whether both sides have the same samples."""
        return len(self) == self.stored == self.measured

    def __str__(self) -> str:
        return sentences.paired_on(len(self), self.stored, self.measured - len(self))


def pair(
    before: Records,
    now: Records,
    groups: NDArray[np.uint32] | None = None,
    groups_before: NDArray[np.uint32] | None = None,
) -> Pair:
    """The samples that both sides have, found by id and label; ids are ascending on both sides.

    Most ids hold the label's name, but those of predictions that are whole numbers do not: a sample whose label was
    corrected is another one. `groups` are those of the samples of `now`, `groups_before` those of `before`.
    """
    _, rows, others = np.intersect1d(before.sample_id, now.sample_id, assume_unique=True, return_indices=True)
    alike = before.label[rows] == now.label[others]
    rows, others = rows[alike], others[alike]
    whole = len(rows) == len(before) == len(now)
    return Pair(
        before=before if whole else before.take(rows),
        now=now if whole else now.take(others),
        groups=groups if groups is None or whole else groups[others],
        groups_before=groups_before if groups_before is None or whole else groups_before[rows],
        stored=len(before),
        measured=len(now),
    )

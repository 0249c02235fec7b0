"""Pairing of two sides of a comparison on the samples that both have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_failaware.core.records import Records
from pytest_failaware.judge.sentences import judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The records of the shared samples in the same order, and the number of samples of each side."""

    before: Records
    now: Records
    stored: int  # samples of the baseline
    measured: int  # samples of this run

    def __len__(self) -> int:
        return len(self.before)

    @property
    def is_whole(self) -> bool:
        """Whether both sides have the same samples."""
        return len(self) == self.stored == self.measured

    def __str__(self) -> str:
        return judgement.paired_on(len(self), self.stored, self.measured - len(self))


def pair(before: Records, now: Records) -> Pair:
    """Return the samples that both sides have, matched by id and label; ids ascend on both sides.

    Most ids contain the label's name, but whole-number ids of predictions do not. Matching by label, too, makes a
    sample with a corrected label another sample.
    """
    _, rows, others = np.intersect1d(before.sample_id, now.sample_id, assume_unique=True, return_indices=True)
    alike = before.label[rows] == now.label[others]
    rows, others = rows[alike], others[alike]
    whole = len(rows) == len(before) == len(now)
    return Pair(
        before=before if whole else before.take(rows),
        now=now if whole else now.take(others),
        stored=len(before),
        measured=len(now),
    )

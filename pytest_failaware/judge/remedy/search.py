"""The search for remedies: fitted on one half of the samples, proven on the other, shipped from all.

A remedy is fitted with a margin. At the bound of the tolerance it could hardly ever be proven, and with the largest
statistic it would change more than it needs to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.remedy import Remedy, RemedyKind
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.remedy.case import Case, first_half
from pytest_failaware.judge.remedy.family import Family, Index, families, rounded, trusted_under
from pytest_failaware.judge.remedy.proof import least_z

IsGreen = Callable[[RemedyKind, FailureRule], bool]
"""Returns whether all samples judged with a rule leave no gate of any condition red."""

Z_NEED: Final = 1.96
"""The z that proves a remedy: one-sided 0.05, shared by two remedies."""
_MARGIN: Final = 1.5
_POWER: Final = 0.84  # the z of 80 %


def remedies(cases: Sequence[Case], is_green: IsGreen) -> list[Remedy]:
    """Return the remedies that leave no gate red, the proven ones first, then those that keep more trusted answers.

    A remedy whose held-out statistic is not positive is left out: no number of images would prove it.

    Args:
        cases: the measured conditions of one marked test, all under the same configured rule.
        is_green: judges all samples with a rule.
    """
    found = [remedy for family in families(cases) if (remedy := _remedy(cases, family, is_green)) is not None]
    return sorted(found, key=lambda remedy: (not remedy.is_proven, -sum(remedy.price.values())))


def _remedy(cases: Sequence[Case], family: Family, is_green: IsGreen) -> Remedy | None:
    indexes = [family.trusted_before(case) for case in cases]
    z = held_out_z(cases, family, indexes)
    if z <= 0:
        return None
    everything = [np.ones(len(case.now), dtype=np.bool_) for case in cases]
    shipped = fitted(least_z(cases, indexes, len(family.rules), everything), family, 1.0)
    rule = rounded(family.rules[shipped], family.kind)
    if not is_green(family.kind, rule):
        return None
    images = max(len(case.now) for case in cases)
    return Remedy(
        kind=family.kind,
        rule=rule,
        is_proven=z >= Z_NEED,
        z=z,
        price={case.key: price(case, family.kind, rule) for case in cases},
        images=images,
        images_needed=math.ceil(images * ((Z_NEED + _POWER) / z) ** 2),
    )


def held_out_z(cases: Sequence[Case], family: Family, indexes: Sequence[Index]) -> float:
    """Return the least z if each half is judged with the rule that the other half chose, all outcomes pooled."""
    halves = [first_half(case.now.samples) for case in cases]
    others = [~half for half in halves]
    count = len(family.rules)
    by_first, by_other = (
        fitted(least_z(cases, indexes, count, rows), family, math.sqrt(2)) for rows in (halves, others)
    )
    pooled: list[Index] = [
        (index > np.where(half, by_other, by_first)).astype(np.intp)
        for index, half in zip(indexes, halves, strict=True)
    ]
    return float(least_z(cases, pooled, 1, [np.ones_like(half) for half in halves])[0])


def fitted(z: NDArray[np.float64], family: Family, scale: float) -> int:
    """Return the number of the rule nearest to the configured one with scale * z >= Z_NEED + 1.5, else of the best z.

    Args:
        z: the least z of each rule, (rules,).
        family: the rules.
        scale: sqrt(2) for one half, because the pooled samples are twice as many.
    """
    enough = np.flatnonzero(scale * z >= Z_NEED + _MARGIN)
    if not len(enough):
        return int(np.argmax(z))
    return int(enough[np.argmin(np.abs(np.log(family.factors[enough])))])


def price(case: Case, kind: RemedyKind, rule: FailureRule) -> float:
    """Return the change of the share of samples that are trusted and right, in points."""
    now = int((trusted_under(case, kind, rule) & case.now.correct).sum())
    before = int((case.before.trusted & case.before.right).sum())
    return 100 * (now - before) / len(case.now)

"""The chance of a false alarm that each comparison of a marked test may have: the only place where alpha is shared.

The levels depend on the declaration and on the baseline alone, never on the selection of tests, so that a verdict does
not depend on it. By Bonferroni, the chance that any gate of a marked test is red without a loss is at most alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_FIFTH: Final = Decimal("0.2")
FEWEST_POOLED: Final = 3
"""Conditions from which on a fifth of alpha is kept for one verdict over all conditions."""
_POOLED: Final = 2
"""Metrics of the verdict over all conditions: accuracy and the ranking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The levels that p must be below: of each gate, of each comparison with golden, and of each pooled metric."""

    gate: float
    drift: float
    pooled: float


def levels_of(alpha: Decimal, *, conditions: int, metrics: int, has_guard: bool, has_golden: bool) -> Levels:
    """Return the levels of a policy that proves a drop.

    A fifth of alpha is for the pooled verdict if there are three or more conditions, a fifth for drift if the baseline
    has a golden reference. The rest is shared by the gates: conditions x (metrics + 1 for the class guard).

    >>> levels = levels_of(Decimal("0.01"), conditions=4, metrics=4, has_guard=True, has_golden=False)
    >>> f"{levels.gate:.1e}, {levels.pooled:.1e}"
    '4.0e-04, 1.0e-03'
    >>> levels = levels_of(Decimal("0.01"), conditions=4, metrics=4, has_guard=True, has_golden=True)
    >>> f"{levels.gate:.1e}, {levels.drift:.2e}"
    '3.0e-04, 1.25e-04'
    """
    fifth = alpha * _FIFTH
    rest = alpha - fifth * (conditions >= FEWEST_POOLED) - fifth * has_golden
    gates, drifts = conditions * (metrics + has_guard), conditions * metrics
    return Levels(gate=float(rest / max(1, gates)), drift=float(fifth / max(1, drifts)), pooled=float(fifth / _POOLED))

"""The evidence of the change of any number: the delete-a-group jackknife, one method for every score metric.

The samples are dealt into parts, the change is computed again with each part left out, and the spread of these changes
gives the standard error of the whole change. Shao and Tu 1995, "The jackknife and bootstrap"; Kott 2001, "The
delete-a-group jackknife".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from scipy import special

from pytest_failaware.core.result import Evidence
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.significance.units import Rows, Units, mixed

PARTS: Final = 50
_CONFIDENCE: Final = 0.95


def deal(samples: Samples, parts: int = PARTS) -> Rows:
    """Return the part of each sample, (N,) in 0..parts-1: parts of equal size, chosen by a hash of the ids.

    Samples of one group stay together, and each part has equally many groups. With fewer samples (or groups) than
    parts, each sample (or group) is a separate part.
    """
    units = Units.of(samples)
    key = samples.ids[units.first]
    dealt = np.empty(len(key), dtype=np.intp)
    dealt[np.lexsort((key, mixed(key)))] = np.arange(len(key)) % parts
    part: Rows = dealt[units.of_sample]
    return part


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChange:
    """The change of a number for the worse: on all samples, on any rows, and by its most harmful single answer.

    `on_rows` returns None for rows on which a side is undefined. `harm` is how much worse the number gets if the surest
    right answer becomes wrong.
    """

    drop: float
    on_rows: Callable[[Rows], float | None]
    harm: float = 0.0


def jackknife_evidence(change: ScoreChange, part: Rows, tolerance: Decimal, level: float) -> Evidence:
    """Return the evidence of a change from the changes with each part left out.

    Var(drop) = (G - 1) / G sum_g (drop_g - mean)², and (drop - margin) / sqrt(Var) is judged by Student's t with G - 1
    degrees of freedom. If one of the drops is undefined, or if all are equal, nothing is proven.

    If few samples changed, the parts show too little spread to exclude a drop: samples that did not change yet may
    change in other images. A drop of margin by rare answers that each cost `harm` has the variance margin times harm
    (a Poisson number of them), so p_within takes at least this variance.

    Args:
        change: the drop on all samples and on their parts.
        part: the part of each sample, as `deal` returns it.
        tolerance: the allowed drop.
        level: the level that p must fall below.
    """
    drops = [change.on_rows(np.flatnonzero(part != number)) for number in range(int(part.max(initial=-1)) + 1)]
    variance = _variance([drop for drop in drops if drop is not None])
    if len(drops) < 2 or None in drops or not variance:
        return Evidence(
            paired=True, p_beyond=1.0, p_within=1.0, p_worse=1.0, p_better=1.0, low=None, high=None, level=level
        )
    drop, margin, freedom = change.drop, float(tolerance), len(drops) - 1
    half = float(special.stdtrit(freedom, 0.5 + _CONFIDENCE / 2)) * math.sqrt(variance)

    def p_more(limit: float, at_least: float = 0.0) -> float:
        return float(special.stdtr(freedom, -(drop - limit) / math.sqrt(max(variance, at_least))))

    return Evidence(
        paired=True,
        p_beyond=p_more(margin),
        p_within=1 - p_more(margin, margin * max(0.0, change.harm)),
        p_worse=p_more(0.0),
        p_better=1 - p_more(0.0),
        low=drop - half,
        high=drop + half,
        level=level,
    )


def _variance(drops: list[float]) -> float:
    """Return the variance of the whole drop."""
    if not drops:
        return 0.0
    values = np.array(drops)
    return (len(values) - 1) / len(values) * float(np.square(values - values.mean()).sum())

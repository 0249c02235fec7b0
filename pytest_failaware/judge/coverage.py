"""The ways in which a candidate reaches the coverage of the baseline: as many trusted samples as the baseline has.

The question "is the ranking worse?" must not depend on the scale of the logits or on the rule. No order made of
confidence and entropy is free of the scale, so the coverage is reached in several ways, and the ranking is worse only
if it is worse in all of them. Labels play no part in a way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pytest_failaware.core.pooled import Reached
from pytest_failaware.core.result import CoverageWay
from pytest_failaware.judge.outcomes import Mask, Outcomes
from pytest_failaware.judge.sides import Sides


def reached(sides: Sides) -> Iterator[Reached]:
    """Yield what each way reaches, the way by the thresholds of the stored rule first.

    1. Both thresholds of the stored rule are scaled by one factor.
    2. One temperature is found under the stored rule. If it rises, no confidence rises and no entropy falls, so the
       order is that of the temperatures up to which the samples are trusted. Records without them have no such way.
    3. If the rule changed, both thresholds of the configured rule are scaled.
    """
    count, as_before = int(sides.before.trusted.sum()), sides.now_as_before
    yield reached_by(CoverageWay.THRESHOLDS, as_before, count)
    if as_before.trusted_up_to is not None:
        yield reached_by(CoverageWay.TEMPERATURE, as_before, count)
    if sides.now is not as_before:
        yield reached_by(CoverageWay.NEW_RULE, sides.now, count)


def reached_by(way: CoverageWay, side: Outcomes, count: int) -> Reached:
    """Return the most trusted samples of a side, as many as `count`, by one way to order them."""
    up_to = side.trusted_up_to if way is CoverageWay.TEMPERATURE else None
    order = side.by_trust() if up_to is None else side.ordered(up_to)
    trusted = np.zeros(len(order), dtype=np.bool_)
    trusted[order[:count]] = True
    return Reached(
        way=way,
        right=side.right & trusted,
        trusted=trusted,
        right_at_threshold=_right_around(side.right[order], count),
    )


def _right_around(right: Mask, count: int) -> float:
    """Return the share of right answers among the at most n^0.8 / 2 samples around a rank, NaN without samples."""
    reach = math.ceil(len(right) ** 0.8 / 4)
    around = right[max(0, count - reach) : count + reach]
    return float(around.mean()) if len(around) else math.nan

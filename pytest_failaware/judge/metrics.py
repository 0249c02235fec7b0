"""Records -> numbers; one table declares each metric's ratio, direction, tolerance and undefined case.

An image is *trusted* unless the rule flags it, and *right* when the prediction is the label; every founding rate is a
ratio of the four cells' counts. In the words of selective classification, failure_rate is the rejection rate,
confident_accuracy the selective accuracy, and silent_failure_rate the generalised risk at the rule's threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Final

from pytest_failaware.schema import Cells, ConditionStats, Estimate, Records

if TYPE_CHECKING:
    from pytest_failaware.judge.rule import FailureRule


class Direction(Enum):
    """Which change of a metric is for the worse."""

    HIGHER_IS_BETTER = 1
    LOWER_IS_BETTER = -1
    EITHER_IS_WORSE = 0


_ALL: Final = ("trusted_right", "trusted_wrong", "flagged_right", "flagged_wrong")
_GATE_TOLERANCE: Final = Decimal("0.005")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A rate in [0, 1]: the counts of the cells in `numerator` over those in `denominator`."""

    name: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = _ALL
    direction: Direction
    tolerance: Decimal = Decimal("0.01")
    gates_by_default: bool = False
    undefined: str = "there is no image"  # the reason for a denominator of 0


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric(
            name="accuracy",
            numerator=("trusted_right", "flagged_right"),
            direction=Direction.HIGHER_IS_BETTER,
            tolerance=_GATE_TOLERANCE,
            gates_by_default=True,
        ),
        Metric(
            name="confident_accuracy",
            numerator=("trusted_right",),
            denominator=("trusted_right", "trusted_wrong"),
            direction=Direction.HIGHER_IS_BETTER,
            tolerance=_GATE_TOLERANCE,
            gates_by_default=True,
            undefined="every prediction is flagged",
        ),
        Metric(
            name="silent_failure_rate",
            numerator=("trusted_wrong",),
            direction=Direction.LOWER_IS_BETTER,
            tolerance=_GATE_TOLERANCE,
            gates_by_default=True,
        ),
        Metric(
            name="confident_correct_rate",
            numerator=("trusted_right",),
            direction=Direction.HIGHER_IS_BETTER,
            tolerance=_GATE_TOLERANCE,
            gates_by_default=True,
        ),
        Metric(
            name="failure_rate",
            numerator=("flagged_right", "flagged_wrong"),
            direction=Direction.EITHER_IS_WORSE,
        ),
        Metric(
            name="failure_region_accuracy",
            numerator=("flagged_right",),
            denominator=("flagged_right", "flagged_wrong"),
            direction=Direction.EITHER_IS_WORSE,
            undefined="no prediction is flagged",
        ),
    )
}

DEFAULT_GATES: Final = tuple(name for name, metric in METRICS.items() if metric.gates_by_default)


def count_cells(records: Records, rule: FailureRule) -> Cells:
    """The exact counts of the four outcomes under a rule."""
    right = records.correct
    flagged = rule.flags(confidence=records.confidence, entropy=records.entropy)
    return Cells(
        trusted_right=int((~flagged & right).sum()),
        trusted_wrong=int((~flagged & ~right).sum()),
        flagged_right=int((flagged & right).sum()),
        flagged_wrong=int((flagged & ~right).sum()),
    )


def stats_of(condition: str, cells: Cells) -> ConditionStats:
    """Every rate of a condition's cells.

    >>> cells = Cells(trusted_right=2, trusted_wrong=1, flagged_right=0, flagged_wrong=2)
    >>> {name: rate.value for name, rate in stats_of("clean", cells).rates.items()}["failure_rate"]
    0.4
    """
    return ConditionStats(
        condition=condition, cells=cells, rates={name: rate_of(metric, cells) for name, metric in METRICS.items()}
    )


def rate_of(metric: Metric, cells: Cells) -> Estimate:
    """One rate, with the reason where its denominator is 0."""
    denominator = sum(getattr(cells, name) for name in metric.denominator)
    numerator = sum(getattr(cells, name) for name in metric.numerator)
    return Estimate(numerator=numerator, denominator=denominator, reason="" if denominator else metric.undefined)

"""The rates of records: one table declares each rate's ratio, direction, tolerance and undefined case.

An image is *trusted* unless the rule flags it, and *right* when the prediction is the label; every founding rate is a
ratio of the counts of the four cells. In the words of selective classification, failure_rate is the rejection rate,
confident_accuracy the selective accuracy, and silent_failure_rate the generalised risk at the rule's threshold. The
metrics that are not a ratio of these counts are in scores.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.estimates import NO_IMAGE, Cells, ConditionStats, Estimate
from pytest_failaware.core.metric import (
    AnyMetric,
    CoverageMetric,
    Direction,
    Metric,
    RateMetric,
    score_metrics,
    user_rates,
)
from pytest_failaware.core.records import Records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_failaware.core.metric import Masks
    from pytest_failaware.core.rule import FailureRule

GATE_TOLERANCE: Final = Decimal("0.005")

CHANGE_RATES: Final = (
    "changed_prediction_rate", "changed_flag_rate", "negative_flip_rate", "confident_negative_flip_rate"
)  # fmt: skip
"""Rates over all samples that need both sides; a maximum can bound them."""

AT_COVERAGE: Final = CoverageMetric(
    name="confident_accuracy_at_coverage",
    direction=Direction.HIGHER_IS_BETTER,
    tolerance=GATE_TOLERANCE,
    undefined="the baseline trusts nothing",
)
"""The share of right answers among the most trusted samples of this side, as many as the baseline trusts."""


def recipe_tolerance(metric: AnyMetric) -> Decimal:
    """Return the default tolerance of a metric against a recipe: 0.005 for each built-in rate.

    The spread of the seeds is an allowance already. A score and a user-defined rate keep their tolerance.
    """
    return GATE_TOLERANCE if isinstance(metric, (Metric, CoverageMetric)) else Decimal(str(metric.tolerance))


def _non_finite(records: Records, flagged: NDArray[np.bool_]) -> Masks:
    return records.confidence == 0, flagged | True


NON_FINITE: Final = RateMetric(
    name="non_finite_rate",
    masks=_non_finite,
    higher_is_better=False,
    tolerance=GATE_TOLERANCE,
    undefined=NO_IMAGE,
)
"""The share of images whose logits are NaN or infinite; they count as wrong, and their confidence 0 is flagged."""


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric(
            name="accuracy",
            numerator=("trusted_right", "flagged_right"),
            direction=Direction.HIGHER_IS_BETTER,
            tolerance=GATE_TOLERANCE,
        ),
        Metric(
            name="confident_accuracy",
            numerator=("trusted_right",),
            denominator=("trusted_right", "trusted_wrong"),
            direction=Direction.HIGHER_IS_BETTER,
            tolerance=GATE_TOLERANCE,
            undefined="every prediction is flagged",
        ),
        Metric(
            name="silent_failure_rate",
            numerator=("trusted_wrong",),
            direction=Direction.LOWER_IS_BETTER,
            tolerance=GATE_TOLERANCE,
        ),
        Metric(
            name="confident_correct_rate",
            numerator=("trusted_right",),
            direction=Direction.HIGHER_IS_BETTER,
            tolerance=Decimal("0.05"),
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
        Metric(
            name="failure_recall",
            numerator=("flagged_wrong",),
            denominator=("trusted_wrong", "flagged_wrong"),
            direction=Direction.HIGHER_IS_BETTER,
            undefined="no answer is wrong",
        ),
        Metric(
            name="flag_precision",
            numerator=("flagged_wrong",),
            denominator=("flagged_right", "flagged_wrong"),
            direction=Direction.HIGHER_IS_BETTER,
            undefined="no prediction is flagged",
        ),
        Metric(
            name="false_alarm_rate",
            numerator=("flagged_right",),
            denominator=("trusted_right", "flagged_right"),
            direction=Direction.LOWER_IS_BETTER,
            undefined="no answer is right",
        ),
    )
}

FOUNDING_RATES: Final = (
    "accuracy",
    "confident_accuracy",
    "silent_failure_rate",
    "confident_correct_rate",
    "failure_rate",
    "failure_region_accuracy",
)
"""The rates in a baseline's file and in the tables of the commands."""

DEFAULT_GATES: Final = ("accuracy", AT_COVERAGE.name, "confident_accuracy", "confident_correct_rate")
"""The metrics that gate unless others are named: two on the model, and two on the promise of model and rule."""


def count_cells(records: Records, rule: FailureRule) -> Cells:
    """Return the exact counts of the four outcomes under a rule."""
    return _cells(records.correct, rule.flags_of(records))


def _cells(right: NDArray[np.bool_], flagged: NDArray[np.bool_]) -> Cells:
    return Cells(
        trusted_right=int((~flagged & right).sum()),
        trusted_wrong=int((~flagged & ~right).sum()),
        flagged_right=int((flagged & right).sum()),
        flagged_wrong=int((flagged & ~right).sum()),
    )


def stats_of(
    condition: str,
    records: Records,
    rule: FailureRule,
    table: Mapping[str, AnyMetric] = METRICS,
    named: Collection[str] = (),
) -> ConditionStats:
    """Return every rate of a condition's records under a rule, and the named scores of the table."""
    flagged = rule.flags_of(records)
    cells = _cells(records.correct, flagged)
    return ConditionStats(
        condition=condition,
        cells=cells,
        rates={**cell_rates(cells), **{metric.name: metric.measure(records, flagged) for metric in user_rates(table)}},
        scores={metric.name: metric.measure(records, flagged) for metric in score_metrics(table, named)},
    )


def cell_rates(cells: Cells) -> dict[str, Estimate]:
    """Return every rate that is a ratio of the four counts.

    >>> cell_rates(Cells(trusted_right=2, trusted_wrong=1, flagged_right=0, flagged_wrong=2))["failure_rate"].value
    0.4
    """
    return {name: metric.of_cells(cells) for name, metric in METRICS.items()}

"""Counts of outcomes, and the rates and scores computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

NO_IMAGE: Final = "there is no image"
"""The reason why a rate over all samples has no value."""

POOR: Final = 1 / 3
"""Below this share of right answers, inputs that differ from the training inputs raise an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The exact counts of the four outcomes, from which every built-in rate is computed."""

    trusted_right: int
    trusted_wrong: int
    flagged_right: int
    flagged_wrong: int

    @property
    def samples(self) -> int:
        """The number of all samples."""
        return self.trusted_right + self.trusted_wrong + self.flagged_right + self.flagged_wrong

    @property
    def right(self) -> int:
        """The number of samples whose prediction is the label."""
        return self.trusted_right + self.flagged_right

    @property
    def error(self) -> Estimate:
        """The share of wrong predictions, 1 - accuracy."""
        return Estimate(
            numerator=self.trusted_wrong + self.flagged_wrong,
            denominator=self.samples,
            reason="" if self.samples else NO_IMAGE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate as a ratio of counts; if the denominator is 0, `reason` says why there is no value."""

    numerator: int
    denominator: int
    reason: str = ""

    @property
    def fraction(self) -> Fraction | None:
        """The exact rate, None if it is undefined."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None

    @property
    def value(self) -> float | None:
        """The rate as a float, None if it is undefined."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def is_rate(self) -> bool:
        """Whether the value is shown in percent."""
        return True

    @property
    def lacks_logits(self) -> bool:
        """Whether the value is missing because the records hold no logits."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A number that is not a ratio of counts, such as the area under a curve; `reason` says why it has no value."""

    value: float | None
    is_rate: bool = False
    reason: str = ""
    lacks_logits: bool = False  # the value is missing because the records hold no logits

    @property
    def fraction(self) -> Fraction | None:
        """The shortest decimal of the float, so that 5 of 100 is at most a bound of 0.05; None if undefined."""
        return None if self.value is None else Fraction(repr(self.value))


Value = Estimate | Score
"""The value of a metric."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ConditionStats:
    """The statistics of one condition under one rule: counts, rates by metric name, and scores that a gate names."""

    condition: str
    cells: Cells
    rates: Mapping[str, Estimate]
    scores: Mapping[str, Score] = field(default_factory=dict)

    @property
    def counts(self) -> str:
        """The numbers of samples, of right samples and of flagged samples, as text."""
        cells = self.cells
        flagged = cells.flagged_right + cells.flagged_wrong
        return f"{cells.samples:,} samples, {cells.right:,} right, {flagged:,} flagged"

    def __repr__(self) -> str:
        return f"<ConditionStats of {self.condition}: {self.counts}>"


def percent(estimate: Estimate) -> str:
    """Return a rate in percent, or `undefined`."""
    return "undefined" if estimate.value is None else f"{estimate.value:.2%}"

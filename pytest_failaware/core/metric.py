"""The kinds of metrics: a ratio of the four counts, a user-defined ratio, a score, or a rate at a fixed coverage.

Every kind states its direction, its range, how a change is tested, and what it needs. A kind that needs only one side
of a comparison has the method `measure(records, flagged)`. No code outside this file asks which kind a metric is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Final, ParamSpec, Protocol, SupportsFloat, TypeVar

from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.estimates import NO_IMAGE, Cells, Estimate, Score
from pytest_failaware.core.records import Records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]
    Rows = NDArray[np.intp] | slice
    OnRows = Callable[[Rows], float | None]


class Wrap(Protocol):
    """Wraps a user-defined function: the wrapped function does the same, with a better message if it fails."""

    def __call__(self, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """Return the wrapped function."""


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_ALL: Final = ("trusted_right", "trusted_wrong", "flagged_right", "flagged_wrong")
NO_LOGITS: Final = "no logits are stored"
"""The reason why a metric that needs all logits has no value."""


class Direction(Enum):
    """Which change of a metric counts as worse."""

    HIGHER_IS_BETTER = 1
    LOWER_IS_BETTER = -1
    EITHER_IS_WORSE = 0


class PairedTest(Enum):
    """How the change of a metric is tested on the samples that both sides have."""

    RATE = "rate"  # a paired test of two ratios
    COVERAGE = "coverage"  # the same, with equally many trusted samples on both sides
    SCORE = "score"  # a jackknife over parts of the samples


class _Ratio:
    """The properties that all ratios of counts share."""

    __slots__ = ()
    test: ClassVar[PairedTest] = PairedTest.RATE
    is_ratio: ClassVar[bool] = True
    is_rate: ClassVar[bool] = True  # read in percent
    has_one_side: ClassVar[bool] = True
    needs_logits: ClassVar[bool] = False
    lowest: ClassVar[float] = 0.0
    highest: ClassVar[float] = 1.0

    def can_measure(self, records: Records) -> bool:
        """Return whether the records hold the columns that the metric needs."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(_Ratio):
    """A rate in [0, 1]: the sum of the counts in `numerator` over the sum of the counts in `denominator`."""

    name: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = _ALL
    direction: Direction
    tolerance: Decimal = Decimal("0.01")
    undefined: str = NO_IMAGE  # the reason for a denominator of 0

    def measure(self, records: Records, flagged: NDArray[np.bool_]) -> Estimate:
        """Return the rate on these records."""
        counted, among = self.counted(records, flagged)
        return _estimate(int(counted.sum()), int(among.sum()), self.undefined)

    def counted(self, records: Records, flagged: NDArray[np.bool_]) -> Masks:
        """Return the samples in the numerator and the samples in the denominator, (N,) bool each."""
        return _in_cells(self.numerator, records, flagged), _in_cells(self.denominator, records, flagged)

    def of_cells(self, cells: Cells) -> Estimate:
        """Return the rate of these counts, with the reason if the denominator is 0."""
        numerator = sum(getattr(cells, name) for name in self.numerator)
        denominator = sum(getattr(cells, name) for name in self.denominator)
        return _estimate(numerator, denominator, self.undefined)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateMetric(_Ratio):
    """A user-defined rate, for the hook `pytest_failaware_metrics`.

    `masks(records, flagged)` returns two boolean arrays of shape (N,): the samples in the numerator, and the samples in
    the denominator. It is called for stored and for new records, so both sides of a comparison are counted alike.
    """

    name: str
    masks: Callable[[Records, NDArray[np.bool_]], Masks]
    higher_is_better: bool
    tolerance: Decimal = Decimal("0.01")
    undefined: str = "no sample is considered"

    @property
    def direction(self) -> Direction:
        """Which change is for the worse."""
        return Direction.HIGHER_IS_BETTER if self.higher_is_better else Direction.LOWER_IS_BETTER

    def measure(self, records: Records, flagged: NDArray[np.bool_]) -> Estimate:
        """Return the rate on these records."""
        counted, among = self.counted(records, flagged)
        return _estimate(int(counted.sum()), int(among.sum()), self.undefined)

    def counted(self, records: Records, flagged: NDArray[np.bool_]) -> Masks:
        """Return the samples in the numerator and the samples in the denominator, (N,) bool each.

        Raises:
            ConfigError: the masks are not two boolean arrays of shape (N,).
        """
        import numpy as np

        result = self.masks(records, flagged)
        masks = result if isinstance(result, (tuple, list)) else (result,)
        shape = (len(records),)
        if len(masks) != 2 or any(getattr(mask, "dtype", None) != np.bool_ or mask.shape != shape for mask in masks):
            types = (f"{getattr(mask, 'dtype', type(mask).__name__)} {getattr(mask, 'shape', '')}" for mask in masks)
            got = ", ".join(types)
            raise ConfigError(f"metric {self.name}: masks must return two boolean arrays of shape {shape}, got {got}")
        counted, among = masks
        return counted & among, among

    def calling(self, wrap: Wrap) -> RateMetric:
        """Return the metric with its function wrapped."""
        return replace(self, masks=wrap(self.masks))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreMetric:
    """A number that is not a ratio of counts: built in, or user-defined for the hook `pytest_failaware_metrics`.

    `compute(records, flagged)` returns a finite number, or None if the number is undefined. It is also called on many
    parts of the records, to estimate how much the number varies by chance, so it must not depend on the order of the
    samples. The records have `logits` only if `needs_logits` is true; a gate on such a metric requires
    failaware_store_logits.
    """

    test: ClassVar[PairedTest] = PairedTest.SCORE
    is_ratio: ClassVar[bool] = False
    has_one_side: ClassVar[bool] = True

    name: str
    compute: Callable[[Records, NDArray[np.bool_]], float | None]
    higher_is_better: bool
    tolerance: Decimal = Decimal("0.01")
    lowest: float = 0.0
    highest: float = math.inf
    is_rate: bool = False  # read in percent
    undefined: str = "it is not defined on these samples"
    needs_logits: bool = False
    prepare: Callable[[Records], OnRows] | None = None  # as `compute`, with the work on each sample done once

    @property
    def direction(self) -> Direction:
        """Which change is for the worse."""
        return Direction.HIGHER_IS_BETTER if self.higher_is_better else Direction.LOWER_IS_BETTER

    def measure(self, records: Records, flagged: NDArray[np.bool_]) -> Score:
        """Return the number on these records.

        Raises:
            ConfigError: the result is neither None nor a finite number in the range of the metric.
        """
        return self.on_parts(records, flagged)(slice(None))

    def can_measure(self, records: Records) -> bool:
        """Return whether the records hold the columns that the metric needs."""
        return not self.needs_logits or records.logits is not None

    def on_parts(self, records: Records, flagged: NDArray[np.bool_]) -> Callable[[Rows], Score]:
        """Return a function that computes the number on any rows of these records."""
        if not self.can_measure(records):
            return lambda rows: Score(value=None, is_rate=self.is_rate, reason=NO_LOGITS, lacks_logits=True)
        if self.prepare is not None:
            on_rows = self.prepare(records)
            return lambda rows: self._checked(on_rows(rows))
        # without logits unless they are needed, since `take` would copy them for each part
        needed = records if self.needs_logits else replace(records, logits=None)
        return lambda rows: self._checked(self.compute(needed.take(rows), flagged[rows]))

    def calling(self, wrap: Wrap) -> ScoreMetric:
        """Return the metric with its functions wrapped."""
        prepare = None if self.prepare is None else wrap(self.prepare)
        on_rows = None if prepare is None else (lambda records: wrap(prepare(records)))
        return replace(self, compute=wrap(self.compute), prepare=on_rows)

    def _checked(self, result: float | None) -> Score:
        if result is None:
            return Score(value=None, is_rate=self.is_rate, reason=self.undefined)
        value = float(result) if isinstance(result, SupportsFloat) and getattr(result, "shape", ()) == () else math.nan
        if not self.lowest <= value <= self.highest or math.isinf(value):
            raise ConfigError(
                f"metric {self.name}: must return a number from {self.lowest:g} to {self.highest:g}, or None if it "
                f"is undefined, got {result}"
            )
        return Score(value=value, is_rate=self.is_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageMetric(_Ratio):
    """A rate that needs both sides: the new threshold is moved until the new side trusts as many samples as the old."""

    test: ClassVar[PairedTest] = PairedTest.COVERAGE
    has_one_side: ClassVar[bool] = False

    name: str
    direction: Direction
    tolerance: Decimal
    undefined: str


UserMetric = RateMetric | ScoreMetric
"""A metric that the hook `pytest_failaware_metrics` may add."""
OneSided = Metric | RateMetric | ScoreMetric
AnyMetric = OneSided | CoverageMetric


def user_rates(table: Mapping[str, AnyMetric]) -> list[RateMetric]:
    """Return the user-defined rates of a table."""
    return [metric for metric in table.values() if isinstance(metric, RateMetric)]


def score_metrics(table: Mapping[str, AnyMetric], names: Collection[str]) -> list[ScoreMetric]:
    """Return the scores of a table whose names are in `names`."""
    return [metric for name, metric in table.items() if isinstance(metric, ScoreMetric) and name in names]


def _in_cells(names: tuple[str, ...], records: Records, flagged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which samples are in any of these cells, (N,) bool."""
    import numpy as np

    right = records.correct
    cells = {
        "trusted_right": ~flagged & right,
        "trusted_wrong": ~flagged & ~right,
        "flagged_right": flagged & right,
        "flagged_wrong": flagged & ~right,
    }
    inside: NDArray[np.bool_] = np.logical_or.reduce([cells[name] for name in names])
    return inside


def _estimate(numerator: int, denominator: int, undefined: str) -> Estimate:
    return Estimate(numerator=numerator, denominator=denominator, reason="" if denominator else undefined)

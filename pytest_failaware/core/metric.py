"""What a metric is: a ratio of the four counts or of a user's own, a score, or a rate at another side's coverage.

Every kind says its direction, its range, how its change is tested, and what it needs; a kind that one side has alone
measures itself with `measure(records, flagged)`. Nothing outside this file asks which kind a metric is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Final, ParamSpec, Protocol, SupportsFloat, TypeVar

from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.estimates import Cells, Estimate, Score
from pytest_failaware.core.records import Records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]
    Rows = NDArray[np.intp] | slice
    OnRows = Callable[[Rows], float | None]


class Wrap(Protocol):
    """Takes a function of the user's own and returns one that does the same, and says more if that fails."""

    def __call__(self, function: Callable[Given, Found]) -> Callable[Given, Found]:
        """Return the wrapped function."""


Given = ParamSpec("Given")
Found = TypeVar("Found")

_ALL: Final = ("trusted_right", "trusted_wrong", "flagged_right", "flagged_wrong")
NO_LOGITS: Final = "no logits are stored"
"""Why a metric of all logits has no value."""


class Direction(Enum):
    """Which change of a metric is for the worse."""

    HIGHER_IS_BETTER = 1
    LOWER_IS_BETTER = -1
    EITHER_IS_WORSE = 0


class PairedTest(Enum):
    """How the change of a metric is tested on samples that both sides have."""

    RATE = "rate"  # the samples counted, and those they are counted among, of each side
    COVERAGE = "coverage"  # the same, with as many samples counted among on both sides
    SCORE = "score"  # a jackknife over parts of the samples


class _Ratio:
    """What all ratios of counts have in common."""

    __slots__ = ()
    test: ClassVar[PairedTest] = PairedTest.RATE
    is_ratio: ClassVar[bool] = True
    is_rate: ClassVar[bool] = True  # read in percent
    has_one_side: ClassVar[bool] = True
    needs_logits: ClassVar[bool] = False
    lowest: ClassVar[float] = 0.0
    highest: ClassVar[float] = 1.0

    def can_measure(self, records: Records) -> bool:
        """Return whether the records hold the columns that it needs."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(_Ratio):
    """A rate in [0, 1]: the counts of the cells in `numerator` over those in `denominator`."""

    name: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = _ALL
    direction: Direction
    tolerance: Decimal = Decimal("0.01")
    gates_by_default: bool = False
    undefined: str = "there is no image"  # the reason for a denominator of 0

    def measure(self, records: Records, flagged: NDArray[np.bool_]) -> Estimate:
        """Return the rate on these records."""
        counted, among = self.counted(records, flagged)
        return _estimate(int(counted.sum()), int(among.sum()), self.undefined)

    def counted(self, records: Records, flagged: NDArray[np.bool_]) -> Masks:
        """Return the samples that count, and those they are counted among."""
        return _in_cells(self.numerator, records, flagged), _in_cells(self.denominator, records, flagged)

    def of_cells(self, cells: Cells) -> Estimate:
        """Return the rate of these counts, with the reason if its denominator is 0."""
        numerator = sum(getattr(cells, name) for name in self.numerator)
        denominator = sum(getattr(cells, name) for name in self.denominator)
        return _estimate(numerator, denominator, self.undefined)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateMetric(_Ratio):
    """A rate of the user's own, for the hook `pytest_failaware_metrics`.

    `masks(records, flagged)` returns two boolean arrays of shape (N,): the samples that count, and the samples they are
    counted among. It works on stored records as well as on new ones, so both sides of a comparison are counted alike.
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
        """The samples that count, and those they are counted among.

        Raises:
            ConfigError: the masks are not boolean columns of the records' length.
        """
        import numpy as np

        found = self.masks(records, flagged)
        masks = found if isinstance(found, (tuple, list)) else (found,)
        shape = (len(records),)
        if len(masks) != 2 or any(getattr(one, "dtype", None) != np.bool_ or one.shape != shape for one in masks):
            got = ", ".join(f"{getattr(one, 'dtype', type(one).__name__)} {getattr(one, 'shape', '')}" for one in masks)
            raise ConfigError(f"metric {self.name}: masks must return two boolean arrays of shape {shape}, got {got}")
        counted, among = masks
        return counted & among, among

    def calling(self, wrap: Wrap) -> RateMetric:
        """Return the metric with its function wrapped."""
        return replace(self, masks=wrap(self.masks))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreMetric:
    """A number that is no ratio of counts, of ours or, by the hook `pytest_failaware_metrics`, of the user's own.

    `compute(records, flagged)` returns a finite number, or None where it is undefined. It is called on many parts of
    the records too, which tell how far chance moves it, and so must not depend on the order of the samples. One that
    `needs_logits` alone gets records with `logits`, and always does; a gate on it asks for failaware_store_logits.
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
            ConfigError: it is neither None nor a finite number in the range of the metric.
        """
        return self.on_parts(records, flagged)(slice(None))

    def can_measure(self, records: Records) -> bool:
        """Return whether the records hold the columns that it needs."""
        return not self.needs_logits or records.logits is not None

    def on_parts(self, records: Records, flagged: NDArray[np.bool_]) -> Callable[[Rows], Score]:
        """Return a function that computes the number on any rows of these records, as `measure` does on those alone."""
        if not self.can_measure(records):
            return lambda rows: Score(value=None, is_rate=self.is_rate, reason=NO_LOGITS, lacks_logits=True)
        if self.prepare is not None:
            on_rows = self.prepare(records)
            return lambda rows: self._checked(on_rows(rows))
        given = records if self.needs_logits else replace(records, logits=None)  # which would be copied for each part
        return lambda rows: self._checked(self.compute(given.take(rows), flagged[rows]))

    def calling(self, wrap: Wrap) -> ScoreMetric:
        """Return the metric with its functions wrapped."""
        prepare = None if self.prepare is None else wrap(self.prepare)
        on_rows = None if prepare is None else (lambda records: wrap(prepare(records)))
        return replace(self, compute=wrap(self.compute), prepare=on_rows)

    def _checked(self, found: float | None) -> Score:
        if found is None:
            return Score(value=None, is_rate=self.is_rate, reason=self.undefined)
        value = float(found) if isinstance(found, SupportsFloat) and getattr(found, "shape", ()) == () else math.nan
        if not self.lowest <= value <= self.highest or math.isinf(value):
            raise ConfigError(
                f"metric {self.name}: must return a number from {self.lowest:g} to {self.highest:g}, or None where it "
                f"is undefined, got {found}"
            )
        return Score(value=value, is_rate=self.is_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageMetric(_Ratio):
    """A rate that needs both sides: the threshold of this side is moved until as many samples are trusted as before."""

    test: ClassVar[PairedTest] = PairedTest.COVERAGE
    has_one_side: ClassVar[bool] = False

    name: str
    direction: Direction
    tolerance: Decimal
    undefined: str


OwnMetric = RateMetric | ScoreMetric
"""What the hook `pytest_failaware_metrics` may add."""
OneSided = Metric | RateMetric | ScoreMetric
AnyMetric = OneSided | CoverageMetric


def own_rates(table: Mapping[str, AnyMetric]) -> list[RateMetric]:
    """Return the rates of a table that are no ratio of the four counts."""
    return [metric for metric in table.values() if isinstance(metric, RateMetric)]


def score_metrics(table: Mapping[str, AnyMetric], names: Collection[str]) -> list[ScoreMetric]:
    """Return the scores of a table that are named."""
    return [metric for name, metric in table.items() if isinstance(metric, ScoreMetric) and name in names]


def _in_cells(names: tuple[str, ...], records: Records, flagged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the samples in any of these cells."""
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

"""The data of the charts and images in the HTML report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_failaware.core.estimates import ConditionStats


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """The numbers of right and of wrong predictions in each of several equal bins of a score from 0 to `high`."""

    high: float
    right: tuple[int, ...]
    wrong: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Curves that show how well the scores of one side rank its predictions; at most 100 points a curve.

    `risk_coverage` has pairs (share of the images, share of wrong answers among them), from the most trusted images to
    all; `reliability` has (mean confidence, share of right answers, samples) for each confidence bin that is not empty;
    `ece` is the expected calibration error over these bins.
    """

    risk_coverage: tuple[tuple[float, float], ...]
    operating_point: tuple[float, float] | None  # the point of the rule on that curve; None if it trusts nothing
    reliability: tuple[tuple[float, float, int], ...]
    ece: float | None
    confidence: Histogram
    entropy: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison; `curves` is None if its samples are not known."""

    stats: ConditionStats
    curves: Curves | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """The numbers of right images, flagged images and silent failures (wrong and trusted) of one class."""

    right: int
    flagged: int
    silent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChange:
    """The counts of one class on both sides of a comparison, on the same images."""

    name: str
    samples: int
    before: ClassCounts | None
    now: ClassCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """The degraded image of a sample as a data URI, and its size in pixels."""

    sample_id: int
    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The data of the charts and images of one condition, on the images that both sides have.

    `before` is None if no comparable values are stored; `classes` are the worst of `class_count` classes; `thumbnails`
    show the worst flips; `provenance` says which model, data and software were measured.
    """

    before: Side | None
    now: Side
    confidence_threshold: float | None
    entropy_threshold: float | None
    classes: tuple[ClassChange, ...]
    class_count: int
    thumbnails: tuple[Thumbnail, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

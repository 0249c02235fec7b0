"""What the HTML report draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_failaware.core.estimates import ConditionStats


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many right and how many wrong predictions have a score in each of as many equal bins from 0 to `high`."""

    high: float
    right: tuple[int, ...]
    wrong: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What the scores of one side are worth, in at most a hundred points a curve.

    `risk_coverage` has (share of the images, share of wrong answers among them), those trusted most first;
    `reliability` has (mean confidence, share of right answers, samples) of each bin of confidence that is not empty;
    `ece` is the expected calibration error over these bins.
    """

    risk_coverage: tuple[tuple[float, float], ...]
    operating_point: tuple[float, float] | None  # where the rule stands on that curve; None where it trusts nothing
    reliability: tuple[tuple[float, float, int], ...]
    ece: float | None
    confidence: Histogram
    entropy: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison; `curves` is None where its samples are not known."""

    stats: ConditionStats
    curves: Curves | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """The images of one class: how many are right, flagged, and silent failures (wrong and trusted)."""

    right: int
    flagged: int
    silent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChange:
    """One class on both sides of a comparison, on the same images."""

    name: str
    samples: int
    before: ClassCounts | None
    now: ClassCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A sample's degraded image as a data URI, and its size in pixels."""

    sample_id: int
    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What the HTML report draws of one condition, on the images that both sides have.

    `before` is None where nothing comparable is stored; `classes` are the worst of `class_count`; `thumbnails` are of
    the worst flips; `provenance` says by name what was measured with what.
    """

    before: Side | None
    now: Side
    confidence_threshold: float | None
    entropy_threshold: float | None
    classes: tuple[ClassChange, ...]
    class_count: int
    thumbnails: tuple[Thumbnail, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

"""A clean accuracy that is far below what is published for the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pytest_failaware.judge import sentences

if TYPE_CHECKING:
    from pytest_failaware.core.measurement import Measurement

_FAR: Final = 0.02  # of accuracy: decoders and interpolations move it by half a point
_LEVEL: Final = 0.98  # of the interval; both sides


def below_published(measurement: Measurement, published: tuple[str, float] | None) -> Iterator[str]:
    """Yield a sentence if the accuracy of a measurement is far below the published one.

    Args:
        measurement: of clean.
        published: the name of the weights and their accuracy, a share; None if nothing is published.
    """
    if published is None:
        return
    from pytest_failaware.judge.significance.rates import wilson

    (weights, accuracy), count = published, len(measurement.records)
    right = int(measurement.records.correct.sum())
    if wilson(right, count, _LEVEL).high < accuracy - _FAR:
        yield sentences.below_published(right / count, accuracy, weights)

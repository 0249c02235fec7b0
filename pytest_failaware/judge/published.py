"""A note on a clean accuracy that is far below the published accuracy of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pytest_failaware.judge.sentences import doubt

if TYPE_CHECKING:
    from pytest_failaware.core.measurement import Measurement

_FAR: Final = 0.02  # of accuracy: other decoders and interpolations change it by half a point
_LEVEL: Final = 0.98  # of the two-sided interval


def below_published(measurement: Measurement, published: tuple[str, float] | None) -> Iterator[str]:
    """Yield a sentence if the accuracy of a measurement is far below the published one.

    Args:
        measurement: the measurement of clean.
        published: the name of the weights and their accuracy, a share; None if nothing is published.
    """
    if published is None:
        return
    from pytest_failaware.judge.significance.rates import wilson

    (weights, accuracy), count = published, len(measurement.records)
    right = int(measurement.records.correct.sum())
    if wilson(right, count, _LEVEL).high < accuracy - _FAR:
        yield doubt.below_published(right / count, accuracy, weights)

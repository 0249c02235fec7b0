"""Class names that differ from the baseline: how they differ, and whether the model changed, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pytest_failaware.core.baseline import BaselineEntry
from pytest_failaware.core.cells import look_alikes
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import Records
from pytest_failaware.judge.sentences import difference


def class_difference(stored: Sequence[str], now: Sequence[str]) -> str:
    """Return the sentence on two lists of class names: gone names, new names and outputs that moved."""
    gone = [name for name in stored if name not in now]
    added = [name for name in now if name not in stored]
    pairs = list(enumerate(zip(stored, now, strict=False)))  # one side may have more
    return difference.other_classes(
        gone=gone,
        added=added,
        moved=[(output, old, new) for output, (old, new) in pairs if old != new],
        alike=list(look_alikes(gone, added).items()),
        renamed=_only_renamed(stored, now),
    )


def _only_renamed(stored: Sequence[str], now: Sequence[str]) -> list[tuple[str, str]]:
    """Return the old and new names if every output that differs has a new name; otherwise return nothing."""
    pairs = [(old, new) for old, new in zip(stored, now, strict=False) if old != new]
    is_renamed = len(stored) == len(now) and all(old not in now and new not in stored for old, new in pairs)
    return pairs if is_renamed else []


def unchanged_predictions(entry: BaselineEntry, stored: Records | None, measurement: Measurement) -> Iterator[str]:
    """Yield a sentence if the model and its answers did not change, so that only the class names changed.

    A sample is the same on both sides if its id is the same. The id holds the name of the class, so samples of renamed
    classes are left out.
    """
    model, now = measurement.provenance.model, measurement.records
    if stored is None or not model.sha256 or model.sha256 != entry.model.sha256:
        return
    _, rows, others = np.intersect1d(stored.sample_id, now.sample_id, assume_unique=True, return_indices=True)
    if len(rows) and np.array_equal(stored.prediction[rows], now.prediction[others]):
        yield difference.unchanged_model(len(rows))

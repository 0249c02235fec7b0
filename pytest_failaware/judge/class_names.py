"""Classes that are not those of the baseline: which output means what now, and whether the model changed at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pytest_failaware.core.baseline import BaselineEntry
from pytest_failaware.core.cells import look_alikes
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import Records
from pytest_failaware.judge import sentences


def class_difference(stored: Sequence[str], now: Sequence[str]) -> str:
    """Return the sentence on two lists of class names: which are gone, which are new, which outputs moved."""
    gone = [name for name in stored if name not in now]
    added = [name for name in now if name not in stored]
    pairs = list(enumerate(zip(stored, now, strict=False)))  # one side may have more
    return sentences.other_classes(
        gone=gone,
        added=added,
        moved=[(output, old, new) for output, (old, new) in pairs if old != new],
        alike=list(look_alikes(gone, added).items()),
        renamed=_only_renamed(stored, now),
    )


def _only_renamed(stored: Sequence[str], now: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names before and now if each output that differs has a name that was not there, else nothing."""
    pairs = [(old, new) for old, new in zip(stored, now, strict=False) if old != new]
    is_renamed = len(stored) == len(now) and all(old not in now and new not in stored for old, new in pairs)
    return pairs if is_renamed else []


def unchanged_predictions(entry: BaselineEntry, stored: Records | None, measurement: Measurement) -> Iterator[str]:
    """Return a sentence if the model is the baseline's and answers as before, so that the classes alone changed.

    A sample is the same on both sides if its id is, which holds the name of its class: those of renamed classes are
    left out.
    """
    model, now = measurement.provenance.model, measurement.records
    if stored is None or not model.sha256 or model.sha256 != entry.model.sha256:
        return
    _, rows, others = np.intersect1d(stored.sample_id, now.sample_id, assume_unique=True, return_indices=True)
    if len(rows) and np.array_equal(stored.prediction[rows], now.prediction[others]):
        yield sentences.unchanged_model(len(rows))

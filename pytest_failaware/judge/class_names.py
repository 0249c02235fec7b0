"""Classes that are not those of the baseline: which output means what now, and whether the model changed at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from pytest_failaware.core.baseline import BaselineEntry
from pytest_failaware.core.cells import look_alikes
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import Records

_NAMED: Final = 3  # classes in one sentence


def class_difference(stored: Sequence[str], now: Sequence[str]) -> str:
    """Return what differs between two lists of class names: which are gone, which are new, which outputs moved."""
    gone = [name for name in stored if name not in now]
    added = [name for name in now if name not in stored]
    alike = look_alikes(gone, added)

    def shown(name: str) -> str:
        return ascii(name) if name in alike or name in alike.values() else repr(name)

    parts = [f"{word} {_listed(list(map(shown, names)))}" for word, names in (("gone", gone), ("new", added)) if names]
    if not parts:
        parts.append("the same names in another order")
    pairs = enumerate(zip(stored, now, strict=False))  # one side may have more
    moved = [f"output {k} was {shown(old)} and is {shown(new)} now" for k, (old, new) in pairs if old != new]
    parts += [_listed(moved)] if moved else []
    return "; ".join([*parts, *_spelled_otherwise(alike), *_only_renamed(stored, now)])


def _spelled_otherwise(alike: Mapping[str, str]) -> Iterator[str]:
    """Return a sentence if names look the same and are not, in which the reader sees the difference."""
    pairs = [f"{old!a} and {new!a}" for old, new in alike.items()]
    if pairs:
        yield (
            f"{_listed(pairs)} look the same: they differ in the Unicode form (NFC or NFD), which macOS and some "
            "archives change, or in marks that are not seen"
        )


def _only_renamed(stored: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    """Return the lines of the ini that keep the baseline, if each output that differs has a name that was not there."""
    pairs = [(old, new) for old, new in zip(stored, now, strict=False) if old != new]
    is_renamed = len(stored) == len(now) and all(old not in now and new not in stored for old, new in pairs)
    if pairs and is_renamed:
        lines = _listed([f"{old} => {new}" for old, new in pairs])
        yield f"if these are new names of the same classes, add a line to failaware_rename in the ini for each: {lines}"


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
        yield (
            f"the model is that of the baseline, and its predictions did not change on the {len(rows):,} samples that "
            "both sides have under the same name; what its outputs are called did"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")

"""Classes that are not those of the baseline: which output means what now, and whether the model changed at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from pytest_failaware.schema import BaselineEntry, Measurement, Records

_NAMED: Final = 3  # classes in one sentence


def class_difference(stored: Sequence[str], now: Sequence[str]) -> str:
    """Return what differs between two lists of class names: which are gone, which are new, which outputs moved."""
    gone = [name for name in stored if name not in now]
    added = [name for name in now if name not in stored]
    parts = [f"{word} {_listed(list(map(repr, names)))}" for word, names in (("gone", gone), ("new", added)) if names]
    if not parts:
        parts.append("the same names in another order")
    pairs = enumerate(zip(stored, now, strict=False))  # one side may have more
    moved = [f"output {k} was {old!r} and is {new!r} now" for k, (old, new) in pairs if old != new]
    parts += [_listed(moved)] if moved else []
    return "; ".join([*parts, *_spelled_otherwise(gone, added), *_only_renamed(stored, now)])


def _spelled_otherwise(gone: Sequence[str], added: Sequence[str]) -> Iterator[str]:
    """Return a sentence if names look the same and are not: macOS and some archives change the Unicode form."""
    forms = {unicodedata.normalize("NFC", name): name for name in gone}
    alike = [name for name in added if unicodedata.normalize("NFC", name) in forms]
    if alike:
        yield (
            f"{_listed(list(map(repr, alike)))} differs in its Unicode form alone (NFC or NFD), which macOS and some "
            "archives change"
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

"""The order of the classes: whether a renaming of the model's outputs makes many more answers right.

The renaming is fitted on one half of the samples and tested on the other half, so that chance fits do not count. No two
outputs get the same class. A renaming can also help a model that only confuses some classes, but then a class or an
output that the model knew gets worse; if the set-up has a wrong order, there is no such loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.core.records import NO_CLASS, Records
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.power import agrees_by_chance
from pytest_failaware.judge.significance.units import Units, mixed

GAIN: Final = 0.2
"""The share of the test half that must become right."""

LEVEL: Final = 1e-4
"""The level of a sign test on the test half: the chance of a false alarm if no renaming really helps."""

LOSS_LEVEL: Final = 0.02
"""The level of a sign test for each class and output: six lost samples and no gained sample contradict a renaming."""

LOSING: Final = 0.05
"""The share of moved classes that may contradict a renaming: a model knows some classes of a thousand too badly."""

_LARGEST: Final = 1 << 16  # one more than any class


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """A renaming of the model's outputs that makes more answers right."""

    moves: tuple[tuple[int, int], ...]  # each output whose renaming makes more answers right, and its class
    after: float  # the share of right answers in the test half under the new names


def find_renaming(records: Records, *, gain: float = GAIN) -> Renaming | None:
    """Return the renaming of the outputs that makes at least 20 points more right; None if there is none.

    Args:
        records: the records of one condition. The samples of a group are not independent, so they stay in one half.
        gain: the share of the test half that must become right.
    """
    if records.correct.mean() > 1 - gain / 2:
        return None  # neither half can gain so much, except by a very unlucky split
    units = _units(records.samples)
    is_fitted = mixed(units) & np.uint64(1) == 0
    if is_fitted.all() or not is_fitted.any():
        return None
    meaning = _fitted(records.label[is_fitted], records.prediction[is_fitted])
    renamed = meaning[records.prediction]
    gains = (records.label == renamed).astype(int) - records.correct
    against = max(
        _losing(records.label, gains), _losing(records.prediction, gains), _unfound(records, meaning, renamed)
    )
    if against > LOSING * len(np.unique(records.label[gains > 0])):
        return None
    label, renamed, gains, units = records.label[~is_fitted], renamed[~is_fitted], gains[~is_fitted], units[~is_fitted]
    if gains.mean() < gain or not _is_proven(gains, units) or agrees_by_chance(label, renamed):
        return None
    of_outputs = np.bincount(records.prediction[~is_fitted], weights=gains, minlength=_LARGEST)
    moved = np.flatnonzero(of_outputs > 0).tolist()
    return Renaming(
        moves=tuple((output, int(meaning[output])) for output in moved),
        after=float((label == renamed).mean()),
    )


def is_renamed_alike(stored: Records, now: Records) -> bool:
    """Return whether the renaming that fits the stored records also fits the new records."""
    meaning = _fitted(stored.label, stored.prediction)
    renamed = replace(now, prediction=meaning[now.prediction].astype(np.uint16))
    return find_renaming(renamed, gain=GAIN / 2) is None


def _losing(kind: NDArray[np.uint16], gains: NDArray[np.int64]) -> int:
    """Return for how many kinds (classes or outputs) more samples are lost than gained."""
    gained, lost = (np.bincount(kind[is_such], minlength=_LARGEST) for is_such in (gains > 0, gains < 0))
    return _count_fewer(gained, lost)


def _unfound(records: Records, meaning: NDArray[np.int64], renamed: NDArray[np.int64]) -> int:
    """Return how many moved classes are more often answered with another class's output than with their new output."""
    right = np.bincount(records.label[renamed == records.label], minlength=_LARGEST)
    is_answer = records.prediction != NO_CLASS
    is_wrong = is_answer & (renamed != records.label) & (meaning[records.label] != records.label)
    pairs, counts = np.unique(
        np.stack([records.label[is_wrong], records.prediction[is_wrong]]), axis=1, return_counts=True
    )
    most = np.zeros(_LARGEST, dtype=np.int64)
    np.maximum.at(most, pairs[0], counts)
    return _count_fewer(right, most)


def _count_fewer(some: NDArray[np.int64], others: NDArray[np.int64]) -> int:
    """Return for how many kinds `some` is smaller than `others`, by a one-sided sign test for each kind."""
    kinds = np.flatnonzero(others)
    p = special.bdtr(some[kinds], some[kinds] + others[kinds], 0.5)
    return int((p < LOSS_LEVEL).sum())


def _units(samples: Samples) -> NDArray[np.uint64]:
    """Return the unit of each sample, (N,), which stays in one half: its id, or the smallest id of its group."""
    units = Units.of(samples)
    return samples.ids[units.first][units.of_sample]  # ids ascend, so the first is the smallest


def _fitted(label: NDArray[np.uint16], prediction: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return the class of each output so that most samples are right; no two outputs get the same class.

    This is the best assignment in a sparse graph of classes and outputs, which can be 65,000 by 65,000. Each class also
    has an edge to a dummy output that never answers, so that every class can be matched. If several assignments are
    equally good, the assignment that moves fewer outputs wins.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    meaning, is_answer = np.arange(_LARGEST), prediction != NO_CLASS
    if not is_answer.any():
        return meaning
    pairs, counts = np.unique(np.stack([label[is_answer], prediction[is_answer]]), axis=1, return_counts=True)
    classes, rows = np.unique(pairs[0], return_inverse=True)
    outputs, columns = np.unique(pairs[1], return_inverse=True)
    dummies = np.arange(len(classes))
    weights = np.concatenate([2 * counts + (pairs[0] == pairs[1]) + 1, np.ones(len(classes))])
    places = np.stack([np.concatenate([rows, dummies]), np.concatenate([columns, len(outputs) + dummies])])
    graph = csr_array(  # the matching of scipy before 1.15 reads 32-bit indices only
        (weights, tuple(places.astype(np.int32))), shape=(len(classes), len(outputs) + len(classes))
    )
    matched, chosen = min_weight_full_bipartite_matching(graph, maximize=True)
    is_real = chosen < len(outputs)
    _assign(meaning, outputs[chosen[is_real]], classes[matched[is_real]])
    return meaning


def _assign(meaning: NDArray[np.int64], outputs: NDArray[np.uint16], classes: NDArray[np.uint16]) -> None:
    """Assign these classes to these outputs; each other output keeps its class, or gets a free one if it is taken."""
    meaning[outputs] = classes
    taken_by = dict(zip(classes.tolist(), outputs.tolist(), strict=True))
    for output in set(taken_by) - set(outputs.tolist()):
        free = output
        while free in taken_by:  # follow the chain of moves, whose end is free
            free = taken_by[free]
        meaning[output] = free


def _is_proven(gains: NDArray[np.int64], units: NDArray[np.uint64]) -> bool:
    """Return whether more units gain than lose, by a one-sided sign test."""
    _, inverse = np.unique(units, return_inverse=True)
    balance = np.bincount(inverse, weights=gains)
    more, fewer = int((balance > 0).sum()), int((balance < 0).sum())
    return more > 0 and float(special.bdtrc(more - 1, more + fewer, 0.5)) < LEVEL

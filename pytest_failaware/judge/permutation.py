"""The order of the classes: whether other names of the model's outputs make many more answers right.

The names are fitted on one half of the samples and tested on the other, so that what fits by chance does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.schema import NO_CLASS, Records

GAIN: Final = 0.2
"""The share of the other half of the samples that has to become right."""

LEVEL: Final = 1e-4
"""Of a sign test on the other half: the chance of a false alarm if no renaming makes more right in truth."""

_LARGEST: Final = 1 << 16  # one more than any class


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """The classes that the model's outputs mean, if not their own."""

    moves: tuple[tuple[int, int], ...]  # output and the class that it means, those that make more right
    after: float  # the share of the other half that is right under the new names


def find_renaming(records: Records, groups: NDArray[np.uint32] | None = None) -> Renaming | None:
    """Return the renaming of the outputs that makes at least 20 points more right; None if there is none.

    Args:
        records: of one condition.
        groups: samples of one number are not independent, so that they stay in one half; None if all are.
    """
    if records.correct.mean() > 1 - GAIN / 2:
        return None  # neither half can gain so much, but for a freak of the split
    units = _units(records.sample_id, groups)
    is_fitted = _mixed(units) & np.uint64(1) == 0
    if is_fitted.all() or not is_fitted.any():
        return None
    meaning = _fitted(records.label[is_fitted], records.prediction[is_fitted])
    label, prediction, units = records.label[~is_fitted], records.prediction[~is_fitted], units[~is_fitted]
    before, after = label == prediction, label == meaning[prediction]
    if after.mean() - before.mean() < GAIN or not _is_proven(after.astype(int) - before, units):
        return None
    gains = np.bincount(prediction, weights=after.astype(int) - before, minlength=_LARGEST)
    moved = np.flatnonzero(gains > 0).tolist()
    return Renaming(
        moves=tuple((output, int(meaning[output])) for output in moved),
        after=float(after.mean()),
    )


def _units(sample_id: NDArray[np.uint64], groups: NDArray[np.uint32] | None) -> NDArray[np.uint64]:
    """What stays in one half, (N,): each sample by its id, or each group by the smallest id in it."""
    if groups is None:
        return sample_id
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)  # ids ascend
    return sample_id[first][inverse]


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return each number's hash, the end of splitmix64 (Steele, Lea, Flood 2014): ids may be anything, as 0, 2, 4."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _fitted(label: NDArray[np.uint16], prediction: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return the class that each output means so that most samples are right; outputs without evidence keep theirs.

    The best assignment in a sparse graph of classes and outputs, which may be 65,000 by 65,000. Each class also has an
    edge to an output of its own that never answers, so that each can be matched. If several assignments are equally
    good, the one that moves fewer outputs is taken.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    meaning, is_answer = np.arange(_LARGEST), prediction != NO_CLASS
    if not is_answer.any():
        return meaning
    pairs, counts = np.unique(np.stack([label[is_answer], prediction[is_answer]]), axis=1, return_counts=True)
    classes, rows = np.unique(pairs[0], return_inverse=True)
    outputs, columns = np.unique(pairs[1], return_inverse=True)
    own = np.arange(len(classes))
    weights = np.concatenate([2 * counts + (pairs[0] == pairs[1]) + 1, np.ones(len(classes))])
    places = (np.concatenate([rows, own]), np.concatenate([columns, len(outputs) + own]))
    graph = csr_array((weights, places), shape=(len(classes), len(outputs) + len(classes)))
    matched, chosen = min_weight_full_bipartite_matching(graph, maximize=True)
    is_real = chosen < len(outputs)
    meaning[outputs[chosen[is_real]]] = classes[matched[is_real]]
    return meaning


def _is_proven(gains: NDArray[np.int64], units: NDArray[np.uint64]) -> bool:
    """Whether more units gain than lose, by a one-sided sign test."""
    _, inverse = np.unique(units, return_inverse=True)
    balance = np.bincount(inverse, weights=gains)
    more, fewer = int((balance > 0).sum()), int((balance < 0).sum())
    return more > 0 and float(special.bdtrc(more - 1, more + fewer, 0.5)) < LEVEL

"""Two sides sample by sample: flips, rates of change, and confident_accuracy at the baseline's coverage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.judge.significance import ratio_scores
from pytest_failaware.schema import Decomposition, Estimate, Flip, SampleChange

Mask = NDArray[np.bool_]

_LISTED: Final = 20  # flips that travel with a result; the terminal shows fewer


def _negative(before: Outcomes, now: Outcomes) -> Mask:
    return before.right & ~now.right


CHANGES: Final[Mapping[str, Callable[[Outcomes, Outcomes], Mask]]] = {
    "changed_prediction_rate": lambda before, now: before.records.prediction != now.records.prediction,
    "changed_flag_rate": lambda before, now: before.trusted != now.trusted,
    "negative_flip_rate": _negative,
    "confident_negative_flip_rate": lambda before, now: _negative(before, now) & before.trusted & now.trusted,
}
"""The samples that each of the rates in metrics.CHANGE_RATES counts."""


def change_rate(name: str, before: Outcomes, now: Outcomes) -> Estimate:
    """The share of samples that changed in one way."""
    return Estimate(numerator=int(CHANGES[name](before, now).sum()), denominator=len(before.records))


def at_coverage(before: Outcomes, now: Outcomes) -> tuple[tuple[Mask, Mask], tuple[Mask, Mask]]:
    """Both sides' (right, trusted) samples once the threshold now trusts as many as before."""
    trusted = now.most_trusted(int(before.trusted.sum()))
    return (before.right & before.trusted, before.trusted), (now.right & trusted, trusted)


def sample_change(
    before: Outcomes,
    now: Outcomes,
    classes: Sequence[str],
    *,
    known_label_errors: Collection[int] = (),
    diagnosis: Iterable[str] = (),
) -> SampleChange:
    """What changed; the worst flips are those of the highest confidence now, reviewed label errors left out."""
    confident = CHANGES["confident_negative_flip_rate"](before, now)
    known = confident & np.isin(now.records.sample_id, np.array(sorted(known_label_errors), dtype=np.uint64))
    return SampleChange(
        samples=len(before.records),
        changed_predictions=int(CHANGES["changed_prediction_rate"](before, now).sum()),
        changed_flags=int(CHANGES["changed_flag_rate"](before, now).sum()),
        negative_flips=int(_negative(before, now).sum()),
        positive_flips=int(_negative(now, before).sum()),
        confident_negative_flips=int(confident.sum()),
        known_label_errors=int(known.sum()),
        worst=tuple(_flip(before, now, classes, row) for row in _worst(now, confident & ~known)),
        decomposition=decomposition(before, now),
        diagnosis=tuple(diagnosis),
    )


def decomposition(before: Outcomes, now: Outcomes) -> Decomposition | None:
    """The change of confident_accuracy in three parts, None where a side trusts nothing.

    Each sample's part d_i in the paired score of the ratio (margin 0), summed over those trusted on both sides, now
    alone, and before alone; the parts add up to the change.
    """
    if not before.trusted.any() or not now.trusted.any():
        return None
    old, new = ((_float(side.right & side.trusted), _float(side.trusted)) for side in (before, now))
    scores = ratio_scores(old, new)
    (right, _), (then_right, _) = at_coverage(before, now)
    return Decomposition(
        answers=float(scores[before.trusted & now.trusted].sum()),
        entered=float(scores[~before.trusted & now.trusted].sum()),
        left=float(scores[before.trusted & ~now.trusted].sum()),
        at_coverage=(int(then_right.sum()) - int(right.sum())) / int(before.trusted.sum()),
    )


def _float(mask: Mask) -> NDArray[np.float64]:
    return mask.astype(np.float64)


def _worst(now: Outcomes, chosen: Mask) -> NDArray[np.intp]:
    rows = np.flatnonzero(chosen)
    order = np.lexsort((now.records.sample_id[rows], -now.records.confidence[rows]))
    worst: NDArray[np.intp] = rows[order][:_LISTED]
    return worst


def _flip(before: Outcomes, now: Outcomes, classes: Sequence[str], row: np.intp) -> Flip:
    return Flip(
        sample_id=int(now.records.sample_id[row]),
        label=classes[now.records.label[row]],
        before=classes[before.records.prediction[row]],
        now=classes[now.records.prediction[row]],
        confidence_before=float(before.records.confidence[row]),
        confidence_now=float(now.records.confidence[row]),
    )

"""Changes sample by sample: flips, rates of change, and confident_accuracy at the baseline's coverage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.core.estimates import NO_IMAGE, Estimate
from pytest_failaware.core.records import NO_CLASS
from pytest_failaware.core.result import ClassLoss, Decomposition, Flip, SampleChange
from pytest_failaware.judge.coverage import reached
from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.judge.sides import Sides

Mask = NDArray[np.bool_]

_LISTED: Final = 20  # flips that travel with a result; the terminal shows fewer
_CLASSES: Final = 3
_SUSPECTS: Final = 5
_STANDS_OUT: Final = 0.01  # a class is named if its p, corrected for all classes, is below this


def _negative(before: Outcomes, now: Outcomes) -> Mask:
    return before.right & ~now.right


CHANGES: Final[Mapping[str, Callable[[Outcomes, Outcomes], Mask]]] = {
    "changed_prediction_rate": lambda before, now: before.records.prediction != now.records.prediction,
    "changed_flag_rate": lambda before, now: before.trusted != now.trusted,
    "negative_flip_rate": _negative,
    "confident_negative_flip_rate": lambda before, now: _negative(before, now) & before.trusted & now.trusted,
}
"""The samples that each rate in `rates.CHANGE_RATES` counts among all samples: 0 is best, 1 is worst.

The negative flip rate: Yan et al. 2021, "Positive-congruent training: towards regression-free model updates".
"""


def change_rate(name: str, sides: Sides) -> Estimate:
    """Return the share of samples that changed in one way; undefined without samples.

    Each side has the flags of its own rule, so a new rule alone changes flags.
    """
    count = len(sides.before.records)
    changed = int(CHANGES[name](sides.before, sides.now).sum())
    return Estimate(numerator=changed, denominator=count, reason="" if count else NO_IMAGE)


def at_coverage(sides: Sides) -> tuple[tuple[Mask, Mask], tuple[Mask, Mask]]:
    """Return the (right, trusted) samples of both sides if scaled thresholds trust as many samples as before.

    Both sides are ranked by the stored rule, so that a new rule alone changes nothing.
    """
    before, now = sides.before, next(reached(sides))
    return (before.right & before.trusted, before.trusted), (now.right, now.trusted)


def sample_change(
    sides: Sides,
    classes: Sequence[str],
    *,
    known_label_errors: Collection[int] = (),
) -> SampleChange:
    """Return what changed; the worst flips have the highest confidence now and are not known label errors."""
    before, now = sides.before, sides.now
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
        worst_class=worst_class(sides, classes),
        lost_classes=tuple(lost_classes(sides, classes)),
        suspects=tuple(_flip(before, now, classes, row) for row in _suspects(sides, known_label_errors)),
        decomposition=decomposition(sides),
    )


def worst_class(sides: Sides, classes: Sequence[str]) -> ClassLoss | None:
    """Return the class with the largest net loss of right answers; None if it does not stand out.

    The class stands out if its accuracy falls at least twice as far as the accuracy of all samples, and if so many
    negative flips in it are unlikely by chance: p < 0.01 / classes. p is the binomial tail if negative flips were
    spread over the classes like the right answers before. The class only shows a reader where to look; no verdict
    depends on it.
    """
    before, now = sides.before, sides.now
    labels = now.records.label
    samples, then, still, flipped = (
        np.bincount(labels[chosen], minlength=len(classes))
        for chosen in (slice(None), before.right, now.right, _negative(before, now))
    )
    lost = then - still
    worst = int(np.argmax(lost))
    if lost[worst] <= 0 or lost[worst] * len(labels) < 2 * lost.sum() * samples[worst]:
        return None
    chance = special.bdtrc(flipped[worst] - 1, flipped.sum(), then[worst] / then.sum())
    if chance * np.count_nonzero(then) >= _STANDS_OUT:
        return None
    return ClassLoss(name=classes[worst], samples=int(samples[worst]), before=int(then[worst]), now=int(still[worst]))


def lost_classes(sides: Sides, classes: Sequence[str]) -> Iterator[ClassLoss]:
    """Yield the classes with the largest net losses of right answers, at most three, the largest loss first."""
    before, now = sides.before, sides.now
    samples, then, still = (
        np.bincount(now.records.label[chosen], minlength=len(classes))
        for chosen in (slice(None), before.right, now.right)
    )
    for number in np.argsort(still - then, kind="stable")[:_CLASSES]:
        if still[number] < then[number]:
            counts = (int(column[number]) for column in (samples, then, still))
            yield ClassLoss(name=classes[number], **dict(zip(("samples", "before", "now"), counts, strict=True)))


def _suspects(sides: Sides, known_label_errors: Collection[int]) -> NDArray[np.intp]:
    """Return the surest samples that both sides answer alike and not as labelled: their labels may be wrong."""
    before, now = sides.before.records, sides.now.records
    agree = (before.prediction == now.prediction) & ~now.correct & (now.prediction != NO_CLASS)
    agree &= ~np.isin(now.sample_id, np.array(sorted(known_label_errors), dtype=np.uint64))
    rows = np.flatnonzero(agree)
    surely = np.minimum(before.confidence[rows], now.confidence[rows])
    suspects: NDArray[np.intp] = rows[np.lexsort((now.sample_id[rows], -surely))][:_SUSPECTS]
    return suspects


def decomposition(sides: Sides) -> Decomposition | None:
    """Return the change of confident_accuracy in three parts; None if a side trusts nothing.

    R is the ratio before, D' the number of trusted samples now; y and y' are 1 for a right answer before and now.
    `answers` is the sum of y' - y over the samples trusted on both sides, `entered` the sum of y' - R over the samples
    trusted only now, `left` the sum of R - y over the samples trusted only before, each divided by D'. The parts add
    up to the change: a part whose accuracy equals the overall accuracy contributes zero.
    """
    before, now = sides.before, sides.now
    if not before.trusted.any() or not now.trusted.any():
        return None
    kept, entered, left = before.trusted & now.trusted, ~before.trusted & now.trusted, before.trusted & ~now.trusted
    (right, trusted), (then_right, _) = at_coverage(sides)
    ratio, new_total = right.sum() / trusted.sum(), now.trusted.sum()
    return Decomposition(
        answers=float((now.right[kept].sum() - before.right[kept].sum()) / new_total),
        entered=float((now.right[entered].sum() - ratio * entered.sum()) / new_total),
        left=float((ratio * left.sum() - before.right[left].sum()) / new_total),
        at_coverage=(int(then_right.sum()) - int(right.sum())) / int(trusted.sum()),
    )


def _worst(now: Outcomes, chosen: Mask) -> NDArray[np.intp]:
    rows = np.flatnonzero(chosen)
    order = np.lexsort((now.records.sample_id[rows], -now.records.confidence[rows]))
    worst: NDArray[np.intp] = rows[order][:_LISTED]
    return worst


def _flip(before: Outcomes, now: Outcomes, classes: Sequence[str], row: np.intp) -> Flip:
    return Flip(
        sample_id=int(now.records.sample_id[row]),
        label=classes[now.records.label[row]],
        before=_predicted(before, classes, row),
        now=_predicted(now, classes, row),
        confidence_before=float(before.records.confidence[row]),
        confidence_now=float(now.records.confidence[row]),
    )


def _predicted(side: Outcomes, classes: Sequence[str], row: np.intp) -> str:
    """Return the name of the predicted class, or its number if the data has no name for it."""
    number = int(side.records.prediction[row])
    if number == NO_CLASS:
        return "no class (logits not finite)"
    return classes[number] if number < len(classes) else str(number)

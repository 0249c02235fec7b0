"""Lines on what changed sample by sample: the class that lost most, the flips, the parts of a change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_failaware.core.estimates import Estimate, percent
from pytest_failaware.core.result import Flip, SampleChange

_FLIPS: Final = 5  # shown at -v


def change_lines(change: SampleChange, *, has_counts: bool) -> Iterator[str]:
    """Yield the class that lost most, and the flips."""
    if (worst := change.worst_class) is not None:
        before, now = (
            percent(Estimate(numerator=right, denominator=worst.samples)) for right in (worst.before, worst.now)
        )
        yield f"hardest hit class: {worst.name!r}, {before} -> {now} of {worst.samples:,} samples"
    silent, lost = f"{change.confident_negative_flips:,}", f"{change.negative_flips:,}"
    if has_counts:
        yield f"flips: {silent} of the {lost} lost answers were trusted both times"
        return
    trusted = f"({silent} trusted both times)"
    yield f"flips: {lost} right before, wrong now {trusted}; {change.positive_flips:,} the reverse"


def detail_lines(change: SampleChange) -> Iterator[str]:
    """Yield confident_accuracy at both thresholds if different, the parts of its change, and the worst flips."""
    if (parts := change.decomposition) is not None:
        fixed, moved = (f"{100 * part:+.2f} pt" for part in (parts.whole, parts.at_coverage))
        if fixed != moved:  # otherwise the threshold does not matter, and the change is already shown above
            yield f"confident_accuracy: {fixed} at the threshold, {moved} with as many trusted as before"
        answers, entered, left = (f"{100 * part:+.2f} pt" for part in (parts.answers, parts.entered, parts.left))
        yield f"confident_accuracy by part: answers {answers}, newly trusted {entered}, no longer {left}"
    yield from (f"  {_flip(flip)}" for flip in change.worst[:_FLIPS])
    if change.known_label_errors:
        yield f"  and {change.known_label_errors:,} known label errors"


def _flip(flip: Flip) -> str:
    """Return a flip with its sample's name, if there is one, and the id that `known_label_errors` lists."""
    answers = (
        f"{flip.label!r}, before {flip.before!r} ({flip.confidence_before:.0%}), now {flip.now!r} "
        f"({flip.confidence_now:.0%})"
    )
    sample = f"sample {flip.sample_id}"
    return f"{flip.name}: {answers}, {sample}" if flip.name else f"{sample}: {answers}"

"""One condition of a run -> what its part of the HTML report is filled with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_failaware.core.estimates import Estimate, percent
from pytest_failaware.core.pictures import ClassChange, ClassCounts, Pictures, Thumbnail
from pytest_failaware.core.result import Decomposition, Flip, ItemResult, Judged
from pytest_failaware.core.text import shown
from pytest_failaware.report.alarms import alarm_in_brief
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.html.panels import condition_panels, reference_word
from pytest_failaware.report.power import SEEN, SIGHT_HEADINGS, sight_cells
from pytest_failaware.report.proof import interval
from pytest_failaware.report.words import comparison_cells, orientation, short_name

Context = dict[str, Any]
"""What a template is filled with. Any: text, numbers, drawings, and lists and dicts of them."""

_WORST: Final = "those first that lost most right answers, then those that gained most silent failures"
_FLIPS: Final = 8  # listed where there are no images of them


def section(
    result: ItemResult, pictures: Pictures | None, common: Mapping[str, str], *, images: bool, names: bool
) -> Context:
    """All that is known of one condition.

    Args:
        result: what was judged.
        pictures: what there is to draw, None where nothing was sent along.
        common: the provenance that all conditions share, which is not repeated.
        images: whether there is room for its images.
        names: whether the worst flips have the names of their samples.
    """
    thumbnails = pictures.thumbnails if pictures is not None and images else ()
    return {
        "name": short_name(result),
        "verdict": result.verdict,
        "samples": f"{result.stats.cells.samples:,}",
        "why": [_indented(line) for line in _said(result)],
        "word": reference_word(result),
        "comparisons": [compared(one) for one in sorted(result.comparisons, key=lambda one: one.verdict.severity)],
        "sights": [sight_cells(sight) for sight in result.sights],
        "sight_headings": SIGHT_HEADINGS,
        "seen": SEEN,
        **_of_change(result, thumbnails, names=names),
        **_of_pictures(result, pictures, common),
    }


def _said(result: ItemResult) -> list[str]:
    """The text of a failure, or the notes of what passes, with both sides of what could not be compared."""
    if result.verdict.fails:
        return list(failure_lines(result))
    return [*filter(None, [alarm_in_brief(result)]), *result.notes, *filter(None, [orientation(result)])]


def _indented(line: str) -> tuple[int, str]:
    """How deep a line stands below the first one, and what it says, with arrows that no end of a line parts."""
    said = line.lstrip()
    return (len(line) - len(said)) // 2, said.replace(" -> ", " → ")


def compared(comparison: Judged) -> Context:
    """One metric beside its reference or bound, in words."""
    metric, before, now, change, allowed, _ = comparison_cells(comparison)
    return {
        "metric": metric,
        "before": before,
        "now": now,
        "change": change,
        "interval": interval(comparison.evidence, comparison.current) if comparison.evidence else "",
        "allowed": allowed,
        "verdict": comparison.verdict,
        "note": comparison.note,
    }


def _of_change(result: ItemResult, images: Sequence[Thumbnail], *, names: bool) -> Context:
    """The parts of the change of confident_accuracy, and the worst flips."""
    change = result.change
    pictured = {image.sample_id: image for image in images}
    flips = () if change is None else change.worst
    listed = [flip for flip in flips if flip.sample_id in pictured] or flips[:_FLIPS]
    return {
        "parts": list(_parts(change.decomposition)) if change is not None and change.decomposition else [],
        "flips": [_flip(flip, pictured.get(flip.sample_id), flip.name if names else "") for flip in listed],
        "flip_count": 0 if change is None else change.confident_negative_flips - change.known_label_errors,
    }


def _parts(parts: Decomposition) -> Iterator[tuple[str, str, str]]:
    yield "other answers", _points(parts.answers), "samples trusted on both sides whose answer changed"
    yield "newly trusted", _points(parts.entered), "samples that only this run trusted"
    yield "no longer trusted", _points(parts.left), "samples that only the reference trusted"
    yield "all together", _points(parts.whole), "the change at the rule's own threshold"
    yield "at equal coverage", _points(parts.at_coverage), "the change with as many trusted as in the reference"


def _points(part: float) -> str:
    return f"{100 * part:+.2f} pt"


def _flip(flip: Flip, image: Thumbnail | None, name: str) -> Context:
    return {
        "name": name,
        "sample": flip.sample_id,
        "label": shown(flip.label, 60),
        "before": f"{shown(flip.before, 60)} ({flip.confidence_before:.0%})",
        "now": f"{shown(flip.now, 60)} ({flip.confidence_now:.0%})",
        "image": image,
    }


def _of_pictures(result: ItemResult, pictures: Pictures | None, common: Mapping[str, str]) -> Context:
    if pictures is None:
        return {"cells": [], "panels": [], "classes": [], "class_count": 0, "class_order": "", "provenance": {}}
    return {
        "cells": list(_cells(pictures)),
        "panels": list(condition_panels(result, pictures)),
        "classes": [_class_row(one) for one in pictures.classes],
        "class_count": pictures.class_count,
        "class_order": _WORST if pictures.before is not None else "those with most wrong answers first",
        "provenance": {name: text for name, text in pictures.provenance.items() if name not in common},
    }


def _cells(pictures: Pictures) -> Iterator[tuple[str, list[Context]]]:
    """Two rows of two: trusted and flagged, right and wrong."""
    before, now = pictures.before and pictures.before.stats.cells, pictures.now.stats.cells
    for trust in ("trusted", "flagged"):
        row: list[Context] = []
        for answer in ("right", "wrong"):
            name = f"{trust}_{answer}"
            count, then = getattr(now, name), None if before is None else getattr(before, name)
            change = "" if then is None else f"{count - then:+,}"
            row.append({"now": f"{count:,}", "before": "" if then is None else f"{then:,}", "change": change})
        yield trust, row


def _class_row(one: ClassChange) -> Context:
    return {
        "name": shown(one.name, 60),
        "samples": f"{one.samples:,}",
        "accuracy": _both(one, lambda side: percent(Estimate(numerator=side.right, denominator=one.samples))),
        "flagged": _both(one, lambda side: f"{side.flagged:,}"),
        "silent": _both(one, lambda side: f"{side.silent:,}"),
    }


def _both(one: ClassChange, said: Callable[[ClassCounts], str]) -> str:
    return said(one.now) if one.before is None else f"{said(one.before)} → {said(one.now)}"

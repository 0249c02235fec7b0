"""The context of one condition's part of the HTML report."""

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
from pytest_failaware.report.proof import interval, ways
from pytest_failaware.report.questions import answer, by_question
from pytest_failaware.report.words import comparison_cells, orientation, short_name, unguarded

Context = dict[str, Any]
"""The values for a template. Any: text, numbers, drawings, and lists and dicts of them."""

_WORST: Final = "those first that lost most right answers, then those that gained most silent failures"
_FLIPS: Final = 8  # listed if there are no images of the flips


def section(
    result: ItemResult, pictures: Pictures | None, common: Mapping[str, str], *, images: bool, names: bool
) -> Context:
    """Return the context of one condition.

    Args:
        result: the result of the condition.
        pictures: the pictures to draw; None if there are none.
        common: the provenance that all conditions share, which is not repeated.
        images: whether there is room for the images.
        names: whether the worst flips show the names of their samples.
    """
    thumbnails = pictures.thumbnails if pictures is not None and images else ()
    return {
        "name": short_name(result),
        "verdict": result.verdict,
        "samples": f"{result.stats.cells.samples:,}",
        "why": [_indented(line) for line in _lines(result)],
        "word": reference_word(result),
        "questions": _by_question(result),
        "ways": [way for gate in result.comparisons if gate.evidence is not None for way in ways(gate.evidence)],
        "sights": [sight_cells(sight) for sight in result.sights],
        "sight_headings": SIGHT_HEADINGS,
        "seen": SEEN,
        **_of_change(result, thumbnails, names=names),
        **_of_pictures(result, pictures, common),
    }


def _lines(result: ItemResult) -> list[str]:
    """Return the text of a failure, or the notes of a pass with the rates of both sides if they are incomparable."""
    guard = filter(None, [unguarded(result)])
    if result.verdict.fails:
        return [*failure_lines(result), *guard]
    return [*filter(None, [alarm_in_brief(result)]), *result.notes, *guard, *filter(None, [orientation(result)])]


def _indented(line: str) -> tuple[int, str]:
    """Return the depth of a line and its text, in which `->` is an arrow that a line break cannot split."""
    text = line.lstrip()
    return (len(line) - len(text)) // 2, text.replace(" -> ", " → ")


def _by_question(result: ItemResult) -> list[tuple[str, list[Context]]]:
    """Return each question with its answer and its gates, the worst first."""
    ranked = sorted(result.comparisons, key=lambda comparison: comparison.verdict.severity)
    groups = by_question(ranked, lambda judged: judged).items()
    return [
        (answer(question, gates) if question.value else "", [compared(gate) for gate in gates])
        for question, gates in groups
    ]


def compared(comparison: Judged) -> Context:
    """Return the context of one metric with its reference or bound."""
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
    """Return the parts of the change of confident_accuracy, and the worst flips."""
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
        "classes": [_class_row(change) for change in pictures.classes],
        "class_count": pictures.class_count,
        "class_order": _WORST if pictures.before is not None else "those with most wrong answers first",
        "provenance": {name: text for name, text in pictures.provenance.items() if name not in common},
    }


def _cells(pictures: Pictures) -> Iterator[tuple[str, list[Context]]]:
    """Yield two rows of two cells: trusted and flagged, right and wrong."""
    before, now = pictures.before and pictures.before.stats.cells, pictures.now.stats.cells
    for trust in ("trusted", "flagged"):
        row: list[Context] = []
        for kind in ("right", "wrong"):
            name = f"{trust}_{kind}"
            count, then = getattr(now, name), None if before is None else getattr(before, name)
            change = "" if then is None else f"{count - then:+,}"
            row.append({"now": f"{count:,}", "before": "" if then is None else f"{then:,}", "change": change})
        yield trust, row


def _class_row(change: ClassChange) -> Context:
    return {
        "name": shown(change.name, 60),
        "samples": f"{change.samples:,}",
        "accuracy": _both(change, lambda side: percent(Estimate(numerator=side.right, denominator=change.samples))),
        "flagged": _both(change, lambda side: f"{side.flagged:,}"),
        "silent": _both(change, lambda side: f"{side.silent:,}"),
    }


def _both(change: ClassChange, text: Callable[[ClassCounts], str]) -> str:
    return text(change.now) if change.before is None else f"{text(change.before)} → {text(change.now)}"

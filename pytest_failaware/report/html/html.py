"""A run as one HTML file that loads nothing else and needs no script.

A page has a largest size; what comes last in it, the details of conditions that did not fail, is left out where it
would not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from markupsafe import Markup

from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.html.page import common_provenance, page
from pytest_failaware.report.html.section import section
from pytest_failaware.report.html.templates import render
from pytest_failaware.report.proof import badness

LARGEST: Final = 2_900_000  # bytes of a page
_IMAGES: Final = 600_000  # bytes of them, as base64
_OPEN: Final = 1  # sections that are unfolded, the worst ones that failed; each is some screens of a phone long


def html_text(report: RunReport, drawn: Mapping[str, Pictures], *, names: bool = True) -> str:
    """The run, what failed first.

    Args:
        report: the run.
        drawn: what there is to draw of its results, by test id.
        names: whether the worst flips have the names of their samples beside the ids.
    """
    results = sorted(report.results, key=badness)
    context = page(report, results, drawn)
    bare = render("report.html.j2", **context, sections=[], left_out=0)
    sections = _fitting(_sections(results, drawn, names=names), LARGEST - len(bare.encode()))
    return render("report.html.j2", **context, sections=sections, left_out=len(results) - len(sections))


def _fitting(sections: Iterator[Markup], room: int) -> list[Markup]:
    """The first sections, as many as there is room for."""
    kept: list[Markup] = []
    for one in sections:
        room -= len(one.encode())
        if room < 0:
            break
        kept.append(one)
    return kept


def _sections(results: Sequence[ItemResult], drawn: Mapping[str, Pictures], *, names: bool) -> Iterator[Markup]:
    """The details of each condition; images, the worst conditions' first, as long as there is room for them."""
    common, room = common_provenance(drawn), _IMAGES
    for number, result in enumerate(results, start=1):
        pictures = drawn.get(result.nodeid)
        room -= 0 if pictures is None else sum(len(image.uri) for image in pictures.thumbnails)
        context = section(result, pictures, common, images=room >= 0, names=names)
        yield render("condition.html.j2", number=number, is_open=result.verdict.fails and number <= _OPEN, **context)

"""A run as one HTML file that loads nothing else and needs no script.

A page has a largest size. If it would be larger, the details of conditions that did not fail are left out.
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
_IMAGES: Final = 600_000  # bytes of all images, as base64
_OPEN: Final = 1  # unfolded sections, the worst failed ones; each fills several screens of a phone


def html_text(report: RunReport, drawn: Mapping[str, Pictures], *, names: bool = True) -> str:
    """Return the page of a run, failures first.

    Args:
        report: the run.
        drawn: the pictures of its results, by test id.
        names: whether the worst flips show the names of their samples beside the ids.
    """
    results = sorted(report.results, key=badness)
    context = page(report, results, drawn)
    bare = render("report.html.j2", **context, sections=[], left_out=0)
    sections = _fitting(_sections(results, drawn, names=names), LARGEST - len(bare.encode()))
    return render("report.html.j2", **context, sections=sections, left_out=len(results) - len(sections))


def _fitting(sections: Iterator[Markup], room: int) -> list[Markup]:
    """Return the first sections, as many as fit into the room."""
    kept: list[Markup] = []
    for details in sections:
        room -= len(details.encode())
        if room < 0:
            break
        kept.append(details)
    return kept


def _sections(results: Sequence[ItemResult], drawn: Mapping[str, Pictures], *, names: bool) -> Iterator[Markup]:
    """Yield the details of each condition, the worst first; images only while there is room for them."""
    common, room = common_provenance(drawn), _IMAGES
    for number, result in enumerate(results, start=1):
        pictures = drawn.get(result.nodeid)
        room -= 0 if pictures is None else sum(len(image.uri) for image in pictures.thumbnails)
        context = section(result, pictures, common, images=room >= 0, names=names)
        yield render("condition.html.j2", number=number, is_open=result.verdict.fails and number <= _OPEN, **context)

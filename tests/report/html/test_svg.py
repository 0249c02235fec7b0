"""Drawings: places that a ruler would confirm, names for those who do not see them, and text that stays text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pytest_failaware.report.html.svg import (
    Axis,
    Bars,
    ChartLine,
    Dot,
    line_chart,
    mirrored_bars,
)

SHARE = Axis(label="share", low=0, high=1, ticks=((0, "0%"), (1, "100%")))


def paths(drawing: str, look: str) -> list[str]:
    """The paths of a class, in order."""
    tree = ElementTree.fromstring(drawing)
    return [one.get("d", "") for one in tree.iter("path") if look == one.get("class")]


def test_a_curve_by_hand() -> None:
    """The plot is 276 wide from 46, and 159 high down to 184: the middle of both axes is at (184, 104.5)."""
    line = ChartLine(label="now", points=[(0, 0), (0.5, 0.5), (1, 1)], look="first")
    drawing = line_chart("title", "text", SHARE, SHARE, [line])

    assert "M46 184L184 104.5L322 25" == paths(drawing, "line")[-1]


def test_a_point_outside_of_its_axis_is_drawn_at_the_edge() -> None:
    """Nothing is drawn over the texts."""
    line = ChartLine(label="now", points=[(-1, 2), (0.5, 0.5)], look="first")

    assert "M46 25L184 104.5" == paths(line_chart("title", "text", SHARE, SHARE, [line]), "line")[-1]


def test_bars_by_hand() -> None:
    """The middle is at 112 and each half 72 high: three of at most four stand up to 58, one of two hangs to 148."""
    drawing = mirrored_bars("title", "text", SHARE, Bars(label="now", up=[4, 3], down=[1, 2]), None, threshold=None)

    assert "M46.5 112V40H183.5V112ZM184.5 112V58H321.5V112Z" == paths(drawing, "bar right")[0]
    assert "M46.5 112V148H183.5V112ZM184.5 112V184H321.5V112Z" == paths(drawing, "bar wrong")[0]


def test_both_sides_of_bars_have_one_scale() -> None:
    """A baseline of eight halves the bar of four, and its outline reaches the top."""
    now, before = Bars(label="now", up=[4], down=[0]), Bars(label="baseline", up=[8], down=[0])
    drawing = mirrored_bars("title", "text", SHARE, now, before, threshold=None)

    assert "M46.5 112V76H321.5V112Z" == paths(drawing, "bar right")[0]
    assert "M46 112V40H322V112" == paths(drawing, "line before dashed")[0]


def test_the_threshold_stands_at_its_value() -> None:
    """At 0.6 of 276 from 46, through both halves, with its text above."""
    drawing = mirrored_bars(
        "title", "text", SHARE, Bars(label="now", up=[1], down=[1]), None, threshold=(0.6, "flagged below 0.6")
    )

    assert ["M211.6 36V184"] == paths(drawing, "guide")
    assert '<text x="211.6" y="32" text-anchor="middle">flagged below 0.6</text>' in drawing


def test_what_a_line_is_shows_without_colour() -> None:
    """The reference is dashed, and its marks have another shape where that is asked for."""
    lines = [
        ChartLine(label="now", points=[(0, 0)], look="first", dot=Dot.CIRCLE),
        ChartLine(label="baseline", points=[(0, 0)], look="first", dashed=True, dot=Dot.SQUARE),
    ]
    drawing = line_chart("title", "text", SHARE, SHARE, lines)

    assert ('<g class="first">', '<g class="first dashed">') == tuple(dict.fromkeys(re.findall("<g[^>]*>", drawing)))
    assert (2, 2) == (drawing.count("<circle"), drawing.count("<rect"))  # in the legend and in the plot


@pytest.mark.parametrize(
    "hostile", ["</title><script>x</script>", '"><img src=x onerror=y>', "\x1b[31m\u202eturned", "&amp;"]
)
def test_text_stays_text(hostile: str) -> None:
    """A title, a legend and an axis with the worst names make a drawing that says them and does nothing."""
    line = ChartLine(label=hostile, points=[(0, 0)], look="first")
    axis = Axis(label=hostile, low=0, high=1, ticks=((0, hostile),))
    tree = ElementTree.fromstring(line_chart(hostile, hostile, axis, SHARE, [line]))

    assert {"svg", "title", "desc", "path", "text", "g"} == {one.tag for one in tree.iter()}
    assert "img" == tree.get("role")
    assert all((one.text or "").isprintable() for one in tree.iter())
    said = hostile.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd")
    assert said == tree.findtext("title") == tree.findtext("desc")


def test_the_diagonal_is_named_in_the_legend() -> None:
    """Below the lines' names, where no point lies, and the plot begins a line lower for it."""
    lines = [ChartLine(label=name, points=[(0, 0), (1, 1)], look="first") for name in ("baseline", "now")]
    drawing = line_chart("title", "text", SHARE, SHARE, lines, diagonal="as right as confident")

    assert ["M46 184L322 40", "M46 23h24"] == paths(drawing, "guide")
    assert '<text x="76" y="27" text-anchor="start">as right as confident</text>' in drawing

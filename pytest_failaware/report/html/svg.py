"""Lines and bars as SVG inside a page: no script and no style; the page's classes give the colours.

Colour is never the only difference between lines: the reference is dashed with hollow marks, and marks differ in shape.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from markupsafe import Markup

from pytest_failaware.core.text import shown

WIDTH: Final = 340  # units, about a pixel each on a phone
HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 18, 10, 36  # around the plot
_LINE: Final = 15  # between lines of text
_STRETCH: Final = 6  # from an axis to its text

Point = tuple[float, float]


class Dot(Enum):
    """The shape of a point's mark."""

    NONE = "none"
    CIRCLE = "circle"
    SQUARE = "square"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis: its ends, its name and the texts at its ticks."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def part(self, value: float) -> float:
        """Return the position of a value from 0 at the low end to 1 at the high end, clipped to this range."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLine:
    """Points joined by a line; `look` is a class of the page that gives its colour."""

    label: str
    points: Sequence[Point]
    look: str
    dashed: bool = False
    dot: Dot = Dot.NONE
    single: Point | None = None  # one more point, with the mark of this line


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Counts of equal bins; those in `up` stand on the middle line, those in `down` hang from it."""

    label: str
    up: Sequence[int]
    down: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The plot's rectangle in the drawing, below the lines of text."""

    x: Axis
    y: Axis
    top: float

    def place(self, x: float, y: float) -> Point:
        """Return the place in the drawing of a pair of values."""
        return self.across(x), HEIGHT - _BOTTOM - self.y.part(y) * (HEIGHT - _BOTTOM - self.top)

    def across(self, x: float) -> float:
        """Return the horizontal place in the drawing of a value of x."""
        return _LEFT + self.x.part(x) * (WIDTH - _LEFT - _RIGHT)


def line_chart(title: str, text: str, x: Axis, y: Axis, lines: Sequence[ChartLine], *, diagonal: str = "") -> Markup:
    """Return curves over common axes, with a legend above them.

    Args:
        title: what is drawn, for readers who cannot see it.
        text: what the drawing shows, for the same readers.
        x: the axis from left to right.
        y: the axis from bottom to top.
        lines: at least one.
        diagonal: the label of a line from corner to corner; "" for no line.
    """
    rows = -(-(len(lines) + bool(diagonal)) // 2)
    frame = _Frame(x=x, y=y, top=_TOP + rows * _LINE)
    parts = [*_axes(frame), *(_legend(number, line) for number, line in enumerate(lines))]
    if diagonal:
        (left, bottom), (right, top) = frame.place(x.low, y.low), frame.place(x.high, y.high)
        parts.append(shape("guide", f"M{_n(left)} {_n(bottom)}L{_n(right)} {_n(top)}"))
        begin, height = _legend_place(len(lines))
        parts.append(shape("guide", f"M{_n(begin)} {_n(height)}h24"))
        parts.append(text_at(begin + 30, height + 4, diagonal, "start"))
    return _drawing(title, text, [*parts, *(_line(frame, line) for line in lines)])


def mirrored_bars(
    title: str, text: str, x: Axis, now: Bars, before: Bars | None, *, threshold: tuple[float, str] | None
) -> Markup:
    """Return two histograms back to back, each half on its own scale; the reference's outline is dashed.

    Args:
        title: what is drawn, for readers who cannot see it.
        text: what the drawing shows, for the same readers.
        x: the axis of the bins.
        now: filled bars.
        before: equally many bins; None if there is no reference.
        threshold: a value of x with its label; None for no threshold.
    """
    sides = [now] if before is None else [now, before]
    tallest = [
        max(1, *(max(counts) for counts in halves)) for halves in zip(*((s.up, s.down) for s in sides), strict=True)
    ]
    ticks = ((-1.0, f"{tallest[1]:,}"), (0.0, "0"), (1.0, f"{tallest[0]:,}"))
    frame = _Frame(x=x, y=Axis(label="", low=-1.0, high=1.0, ticks=ticks), top=_TOP + 2 * _LINE)
    parts = list(_axes(frame))
    for counts, sign, look in ((now.up, 1, "right"), (now.down, -1, "wrong")):
        parts.append(shape(f"bar {look}", "".join(_bar(frame, counts, sign, tallest[sign < 0]))))
    if before is not None:
        for counts, sign in ((before.up, 1), (before.down, -1)):
            parts.append(shape("line before dashed", _outline(frame, counts, sign, tallest[sign < 0])))
    if threshold is not None:
        at = _n(frame.across(threshold[0]))
        parts.append(shape("guide", f"M{at} {_n(frame.top - 4)}V{_n(HEIGHT - _BOTTOM)}"))
        parts.append(text_at(frame.across(threshold[0]), frame.top - 8, threshold[1], _anchor(frame, threshold[0])))
    parts.append(_half_name(now.up, frame.top + 11, "right ↑"))
    parts.append(_half_name(now.down, HEIGHT - _BOTTOM - 5, "wrong ↓"))
    parts += [_swatch(0, now.label, "bar right"), *([_swatch(1, before.label, "line before dashed")] if before else [])]
    return _drawing(title, text, parts)


def _drawing(title: str, text: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg role="img" viewBox="0 0 {} {}"><title>{}</title><desc>{}</desc>{}</svg>').format(
        WIDTH, HEIGHT, shown(title), shown(text), Markup("").join(parts)
    )


def _axes(frame: _Frame) -> Iterator[Markup]:
    """Yield the grid lines, the texts at the ticks, and the names of the axes."""
    left, right, bottom = _LEFT, WIDTH - _RIGHT, HEIGHT - _BOTTOM
    heights = [(frame.place(frame.x.low, value)[1], text) for value, text in frame.y.ticks]
    yield shape("grid", "".join(f"M{left} {_n(height)}H{right}" for height, _ in heights))
    yield from (text_at(left - _STRETCH, height + 4, text, "end") for height, text in heights)
    for value, text in frame.x.ticks:
        yield text_at(frame.across(value), bottom + _LINE, text, "middle")
    yield text_at((left + right) / 2, bottom + 2 * _LINE + 1, frame.x.label, "middle")


def _legend_place(number: int) -> Point:
    """Return where an entry of the legend begins, two entries in a row."""
    return _LEFT + number % 2 * 145, _TOP + number // 2 * _LINE - 2


def _legend(number: int, line: ChartLine) -> Markup:
    """Return the legend's entry of a line: a piece of the line with its name."""
    x, y = _legend_place(number)
    parts = [shape("line", f"M{x} {_n(y)}h24"), *_dots(line, [(x + 12, y)])]
    return _group(line, [*parts, text_at(x + 30, y + 4, line.label, "start")])


def _line(frame: _Frame, line: ChartLine) -> Markup:
    places = [frame.place(*point) for point in line.points]
    single = [] if line.single is None else [frame.place(*line.single)]
    path = "".join(f"{'L' if number else 'M'}{_n(x)} {_n(y)}" for number, (x, y) in enumerate(places))
    dots = list(_dots(line, [*(places if line.single is None else ()), *single]))
    return _group(line, [shape("line", path), *dots])


def _dots(line: ChartLine, places: Sequence[Point]) -> Iterator[Markup]:
    for x, y in places:
        if line.dot is Dot.CIRCLE:
            yield Markup('<circle class="dot" cx="{}" cy="{}" r="3.5"/>').format(_n(x), _n(y))
        if line.dot is Dot.SQUARE:
            yield Markup('<rect class="dot" x="{}" y="{}" width="6" height="6"/>').format(_n(x - 3), _n(y - 3))


def _group(line: ChartLine, parts: Sequence[Markup]) -> Markup:
    return Markup('<g class="{}">{}</g>').format(f"{line.look}{' dashed' * line.dashed}", Markup("").join(parts))


def _bar(frame: _Frame, counts: Sequence[int], sign: int, tallest: int) -> Iterator[str]:
    for number, count in enumerate(counts):
        if count:
            (left, end), right = (
                _end(frame, counts, number, sign * count / tallest),
                _end(frame, counts, number + 1, 0)[0],
            )
            middle = frame.place(0, 0)[1]
            yield f"M{_n(left + 0.5)} {_n(middle)}V{_n(end)}H{_n(right - 0.5)}V{_n(middle)}Z"


def _outline(frame: _Frame, counts: Sequence[int], sign: int, tallest: int) -> str:
    """Return the path of the steps along the bins, with a step only if the height changes."""
    middle, bins, steps = _n(frame.place(0, 0)[1]), 0, ""
    for count, group in itertools.groupby(counts):
        bins += len(list(group))
        height = _end(frame, counts, 0, sign * count / tallest)[1]
        steps += f"V{_n(height)}H{_n(_end(frame, counts, bins, 0)[0])}"
    return f"M{_LEFT} {middle}{steps}V{middle}"


def _end(frame: _Frame, counts: Sequence[int], number: int, part: float) -> Point:
    """Return the left corner of a bin at a part of its half's height."""
    x = frame.x
    return frame.place(x.low + (x.high - x.low) * number / len(counts), part)


def _half_name(counts: Sequence[int], y: float, name: str) -> Markup:
    """Return the name of a half, on the side with fewer images."""
    middle = len(counts) // 2
    is_left = sum(counts[:middle]) <= sum(counts[middle:])
    return text_at(_LEFT + 4, y, name, "start") if is_left else text_at(WIDTH - _RIGHT - 4, y, name, "end")


def _swatch(number: int, label: str, look: str) -> Markup:
    x = _LEFT + number * 145
    path = shape(look, f"M{x} {_TOP - 6}h24v8h-24Z")
    return Markup("{}{}").format(path, text_at(x + 30, _TOP + 2, label, "start"))


def _anchor(frame: _Frame, value: float) -> str:
    part = frame.x.part(value)
    return "start" if part < 1 / 3 else "middle" if part < 2 / 3 else "end"


def shape(look: str, path: str) -> Markup:
    """Return a path with the class `look`."""
    return Markup('<path class="{}" d="{}"/>').format(look, path)


def text_at(x: float, y: float, text: str, anchor: str) -> Markup:
    """Return a line of text that starts at, ends at or is centred at a place; at most 60 letters."""
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(_n(x), _n(y), anchor, shown(text, 60))


def _n(number: float) -> str:
    """Return a coordinate with at most one decimal."""
    rounded = math.floor(number * 10 + 0.5) / 10
    return f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:.1f}"

"""Diagrams of accuracy over severity for corruptions that were measured at several severities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pytest_failaware.core.estimates import ConditionStats
from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.result import ItemResult
from pytest_failaware.report.html.axes import shares
from pytest_failaware.report.html.panels import Panel, reference_word
from pytest_failaware.report.html.svg import Axis, ChartLine, Dot, line_chart
from pytest_failaware.report.terminal.severities import by_corruption
from pytest_failaware.report.words import short_name

_FLOORS: Final = (0.8, 0.6, 0.2, 0.0)  # whose quarters of the way to 1 are round
_GRADED: Final = {
    "accuracy": ("accuracy", "first", Dot.CIRCLE),
    "confident_accuracy": ("confident", "second", Dot.SQUARE),
}
"""The rates over severities: the legend and the look of each."""


def severity_panels(results: Iterable[ItemResult], drawn: Mapping[str, Pictures]) -> Iterator[Panel]:
    """Yield a diagram for each test and corruption measured at two or more severities, all on the same scale."""
    groups = by_corruption(results)
    tests, graded = {test for test, _ in groups}, []
    for (_, name), ordered in groups.items():
        if len(ordered) > 1:
            whose = short_name(next(iter(ordered.values()))).partition("[")[0]
            title = name if len(tests) == 1 else f"{name}, {whose}"
            graded.append((title, _graded_lines(ordered, drawn), max(ordered)))
    low = min((rate for _, lines, _ in graded for line in lines for _, rate in line.points), default=0.0)
    floor = next(value for value in _FLOORS if value <= low)
    for title, lines, last in graded:
        yield _severities(title, lines, last=max(5, last), floor=floor)


def _graded_lines(results: Mapping[int, ItemResult], drawn: Mapping[str, Pictures]) -> list[ChartLine]:
    """Return the lines of both rates of both sides, as far as they have a value."""
    before = {
        severity: pictures.before.stats
        for severity, result in results.items()
        if (pictures := drawn.get(result.nodeid)) is not None and pictures.before is not None
    }
    word = reference_word(next(iter(results.values())))
    now = {severity: result.stats for severity, result in results.items()}
    return [
        line
        for metric in _GRADED
        for side, label in ((before, word), (now, "now"))
        if (line := _graded(metric, side, label)).points
    ]


def _severities(title: str, lines: Sequence[ChartLine], *, last: int, floor: float) -> Panel:
    texts = [
        f"{line.label}: {', '.join(f'{rate:.1%} at {severity:g}' for severity, rate in line.points)}" for line in lines
    ]
    return Panel(
        title=title,
        drawing=line_chart(
            f"Accuracy and confident accuracy under {title}, by severity",
            "; ".join(texts),
            Axis(label="severity", low=0.7, high=last + 0.3, ticks=tuple((n, str(n)) for n in range(1, last + 1))),
            Axis(label="", low=floor, high=1, ticks=shares(floor, 1)),
            lines,
        ),
        caption="",
    )


def _graded(metric: str, side: Mapping[int, ConditionStats], label: str) -> ChartLine:
    name, look, dot = _GRADED[metric]
    rates = ((severity, stats.rates[metric].value) for severity, stats in side.items())
    return ChartLine(
        label=f"{name}, {label}",
        points=[(float(severity), rate) for severity, rate in rates if rate is not None],
        look=look,
        dashed=label != "now",
        dot=dot,
    )

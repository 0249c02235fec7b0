"""What was drawn of conditions -> their diagrams, each with a title and a sentence on how to read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pytest_failaware.core.estimates import ConditionStats
from pytest_failaware.core.pictures import Curves, Histogram, Pictures
from pytest_failaware.core.result import ItemResult
from pytest_failaware.report.html.svg import (
    Axis,
    Bars,
    ChartLine,
    Dot,
    line_chart,
    mirrored_bars,
)
from pytest_failaware.report.terminal.severities import by_corruption
from pytest_failaware.report.words import short_name

_CEILINGS: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
_FLOORS: Final = (0.8, 0.6, 0.2, 0.0)  # whose quarters of the way to 1 are round
_GRADED: Final = {
    "accuracy": ("accuracy", "first", Dot.CIRCLE),
    "confident_accuracy": ("confident", "second", Dot.SQUARE),
}
"""The rates over severities: what the legend calls each, and how it looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A diagram with its title and how to read it."""

    title: str
    drawing: Markup
    caption: str


def reference_word(result: ItemResult) -> str:
    """What the other side is called in a legend."""
    return "reference" if result.is_against else "baseline"


# ---- of one condition ----------------------------------------------------------------------------------------------


def condition_panels(result: ItemResult, pictures: Pictures) -> Iterator[Panel]:
    """Risk and coverage, reliability, and the two scores with their thresholds."""
    now, before = pictures.now.curves, pictures.before.curves if pictures.before else None
    if now is None:
        return
    sides = [(curves, word) for curves, word in ((before, reference_word(result)), (now, "now")) if curves is not None]
    yield _risk_coverage(sides)
    yield _reliability(sides)
    thresholds = {
        "confidence": (pictures.confidence_threshold, "flagged below"),
        "entropy": (pictures.entropy_threshold, "flagged above"),
    }
    for score, (threshold, words) in thresholds.items():
        mark = None if threshold is None else (threshold, f"{words} {threshold:g}")
        yield _histogram(score, [(getattr(curves, score), word) for curves, word in sides], mark)


def _risk_coverage(sides: Sequence[tuple[Curves, str]]) -> Panel:
    high = _ceiling(max(risk for curves, _ in sides for _, risk in curves.risk_coverage))
    lines = [
        ChartLine(
            label=word,
            points=curves.risk_coverage,
            look=_look(word),
            dashed=word != "now",
            dot=Dot.CIRCLE,
            single=curves.operating_point or curves.risk_coverage[-1],
        )
        for curves, word in sides
    ]
    said = [f"{word}: {_operating(curves)}, {curves.risk_coverage[-1][1]:.1%} wrong of all" for curves, word in sides]
    return Panel(
        title="Risk and coverage",
        drawing=line_chart(
            "Share of wrong answers among the samples trusted most",
            "; ".join(said),
            Axis(label="share of the samples, most trusted first", low=0, high=1, ticks=_shares(0, 1)),
            Axis(label="", low=0, high=high, ticks=_shares(0, high)),
            lines,
        ),
        caption="Wrong answers among the samples trusted most; lower is better. The mark is where the rule stands.",
    )


def _operating(curves: Curves) -> str:
    if curves.operating_point is None:
        return "the rule trusts nothing"
    coverage, risk = curves.operating_point
    return f"the rule trusts {coverage:.1%}, of which {risk:.1%} are wrong"


def _reliability(sides: Sequence[tuple[Curves, str]]) -> Panel:
    lines = [
        ChartLine(
            label=word,
            points=[(confidence, right) for confidence, right, _ in curves.reliability],
            look=_look(word),
            dashed=word != "now",
            dot=Dot.CIRCLE,
        )
        for curves, word in sides
    ]
    said = [
        f"{word}: "
        + ", ".join(f"at {confidence:.0%} {right:.0%} right ({n:,})" for confidence, right, n in curves.reliability)
        for curves, word in sides
    ]
    errors = ", ".join(f"{word} {curves.ece:.4f}" for curves, word in reversed(sides) if curves.ece is not None)
    return Panel(
        title="Reliability diagram",
        drawing=line_chart(
            "Share of right answers by confidence",
            "; ".join([*said, f"expected calibration error: {errors}"]),
            Axis(label="confidence, in 15 bins", low=0, high=1, ticks=_shares(0, 1)),
            Axis(label="", low=0, high=1, ticks=_shares(0, 1)),
            lines,
            diagonal="as right as confident",
        ),
        caption=f"Right answers in each bin of confidence; below the diagonal the model claims more than it knows. "
        f"Expected calibration error (ECE): {errors}.",
    )


def _histogram(score: str, sides: Sequence[tuple[Histogram, str]], threshold: tuple[float, str] | None) -> Panel:
    unit = " in nats" if score == "entropy" else ""
    high = sides[-1][0].high
    bars = [Bars(label=word, up=one.right, down=one.wrong) for one, word in sides]
    shown = threshold if threshold is not None and threshold[0] <= high else None
    axis = Axis(label=f"{score}{unit}", low=0, high=high, ticks=_steps(high))
    said = [f"{bar.label}: {sum(bar.up):,} right, {sum(bar.down):,} wrong" for bar in bars]
    return Panel(
        title=score.capitalize(),
        drawing=mirrored_bars(
            f"Samples by {score}, right ones above and wrong ones below the middle",
            "; ".join([*said, *([shown[1]] if shown else [])]),
            axis,
            bars[-1],
            bars[0] if len(bars) > 1 else None,
            threshold=shown,
        ),
        caption="Samples with right answers above, with wrong ones below; each half has a scale of its own.",
    )


def _look(word: str) -> str:
    return "first" if word == "now" else "before"


# ---- over severities -----------------------------------------------------------------------------------------------


def severity_panels(results: Iterable[ItemResult], drawn: Mapping[str, Pictures]) -> Iterator[Panel]:
    """One diagram for each test and corruption that was measured at two severities or more, all in one scale."""
    groups = by_corruption(results)
    tests, graded = {test for test, _ in groups}, []
    for (_, name), ordered in groups.items():
        if len(ordered) > 1:
            whose = short_name(next(iter(ordered.values()))).partition("[")[0]
            title = name if len(tests) == 1 else f"{name}, {whose}"
            graded.append((title, _graded_lines(ordered, drawn), max(ordered)))
    low = min((rate for _, lines, _ in graded for line in lines for _, rate in line.points), default=0.0)
    floor = next(one for one in _FLOORS if one <= low)
    for title, lines, last in graded:
        yield _severities(title, lines, last=max(5, last), floor=floor)


def _graded_lines(results: Mapping[int, ItemResult], drawn: Mapping[str, Pictures]) -> list[ChartLine]:
    """Both rates of both sides, as far as they have a value."""
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
    said = [
        f"{line.label}: {', '.join(f'{rate:.1%} at {severity:g}' for severity, rate in line.points)}" for line in lines
    ]
    return Panel(
        title=title,
        drawing=line_chart(
            f"Accuracy and confident accuracy under {title}, by severity",
            "; ".join(said),
            Axis(label="severity", low=0.7, high=last + 0.3, ticks=tuple((n, str(n)) for n in range(1, last + 1))),
            Axis(label="", low=floor, high=1, ticks=_shares(floor, 1)),
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


# ---- numbers on axes -----------------------------------------------------------------------------------------------


def _ceiling(value: float) -> float:
    return next(one for one in _CEILINGS if value <= one)


def _shares(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Both ends, the middle and the quarters of a range of shares, in percent."""
    values = [low + (high - low) * quarter / 4 for quarter in range(5)]
    return tuple((value, f"{100 * value:.3g}%") for value in values)


def _steps(high: float) -> tuple[tuple[float, str], ...]:
    """Round numbers from 0 up to `high`, four to seven of them."""
    step = 0.25 if high <= 1 else 0.5 if high <= 3 else 1.0 if high <= 6 else 2.0
    return tuple((step * number, f"{step * number:g}") for number in range(int(high / step) + 1))

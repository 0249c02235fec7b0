"""The diagrams of a condition, each with a title and a sentence on how to read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pytest_failaware.core.pictures import Curves, Histogram, Pictures
from pytest_failaware.core.result import ItemResult
from pytest_failaware.report.html.axes import ceiling, shares, steps
from pytest_failaware.report.html.svg import (
    Axis,
    Bars,
    ChartLine,
    Dot,
    line_chart,
    mirrored_bars,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A diagram with its title and a sentence on how to read it."""

    title: str
    drawing: Markup
    caption: str


def reference_word(result: ItemResult) -> str:
    """Return the word for the other side in a legend."""
    if result.is_against_recipe:
        return "nearest seed"
    return "reference" if result.is_against else "baseline"


def condition_panels(result: ItemResult, pictures: Pictures) -> Iterator[Panel]:
    """Yield the diagrams of risk and coverage, of reliability, and of the two scores with their thresholds."""
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
    high = ceiling(max(risk for curves, _ in sides for _, risk in curves.risk_coverage))
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
    texts = [f"{word}: {_operating(curves)}, {curves.risk_coverage[-1][1]:.1%} wrong of all" for curves, word in sides]
    return Panel(
        title="Risk and coverage",
        drawing=line_chart(
            "Share of wrong answers among the samples trusted most",
            "; ".join(texts),
            Axis(label="share of the samples, most trusted first", low=0, high=1, ticks=shares(0, 1)),
            Axis(label="", low=0, high=high, ticks=shares(0, high)),
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
    texts = [
        f"{word}: "
        + ", ".join(f"at {confidence:.0%} {right:.0%} right ({n:,})" for confidence, right, n in curves.reliability)
        for curves, word in sides
    ]
    errors = ", ".join(f"{word} {curves.ece:.4f}" for curves, word in reversed(sides) if curves.ece is not None)
    return Panel(
        title="Reliability diagram",
        drawing=line_chart(
            "Share of right answers by confidence",
            "; ".join([*texts, f"expected calibration error: {errors}"]),
            Axis(label="confidence, in 15 bins", low=0, high=1, ticks=shares(0, 1)),
            Axis(label="", low=0, high=1, ticks=shares(0, 1)),
            lines,
            diagonal="as right as confident",
        ),
        caption=f"Right answers in each bin of confidence; below the diagonal the model claims more than it knows. "
        f"Expected calibration error (ECE): {errors}.",
    )


def _histogram(score: str, sides: Sequence[tuple[Histogram, str]], threshold: tuple[float, str] | None) -> Panel:
    unit = " in nats" if score == "entropy" else ""
    high = sides[-1][0].high
    bars = [Bars(label=word, up=scores.right, down=scores.wrong) for scores, word in sides]
    shown = threshold if threshold is not None and threshold[0] <= high else None
    axis = Axis(label=f"{score}{unit}", low=0, high=high, ticks=steps(high))
    texts = [f"{bar.label}: {sum(bar.up):,} right, {sum(bar.down):,} wrong" for bar in bars]
    return Panel(
        title=score.capitalize(),
        drawing=mirrored_bars(
            f"Samples by {score}, right ones above and wrong ones below the middle",
            "; ".join([*texts, *([shown[1]] if shown else [])]),
            axis,
            bars[-1],
            bars[0] if len(bars) > 1 else None,
            threshold=shown,
        ),
        caption="Samples with right answers above, with wrong ones below; each half has its own scale.",
    )


def _look(word: str) -> str:
    return "first" if word == "now" else "before"

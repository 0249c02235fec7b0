"""The table of graded corruptions: a row for each, with a bar for every severity."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from pytest_failaware.core.estimates import Estimate, percent
from pytest_failaware.core.layout import table
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.report.words import name_in, verdict_word

BLOCKS: Final = "▁▂▃▄▅▆▇█"
DIGITS: Final = "0123456789"
"""The bars for a terminal without block characters: tens of percent."""

_FEWEST: Final = 3  # severities; for two, bars say no more than two numbers

Graded = tuple[tuple[str, str], str]
"""A marked test, as `ItemResult.test`, and a corruption."""

Range = Sequence[ItemResult]
"""One test under one corruption at three severities or more, the weakest first."""


def by_corruption(results: Iterable[ItemResult]) -> dict[Graded, dict[int, ItemResult]]:
    """Return the results by test and corruption, each by ascending severity."""
    graded_results: dict[Graded, dict[int, ItemResult]] = defaultdict(dict)
    for result in results:
        if result.severity is not None:
            graded_results[result.test, result.corruption][result.severity] = result
    return {key: dict(sorted(group.items())) for key, group in graded_results.items()}


def severity_ranges(results: Iterable[ItemResult]) -> list[Range]:
    """Return the ranges of severities that get a row, in the order of the run."""
    return [list(group.values()) for group in by_corruption(results).values() if len(group) >= _FEWEST]


def severity_table(ranges: Sequence[Range], *, bars: str, width: int | None) -> list[list[str]]:
    """Return the caption and the headings as one block, then a block for each range."""
    headings = ("test", "baseline", "now", "verdict")
    rows = [(_name(graded), _before(graded, bars), _course(_now(graded), bars), _verdicts(graded)) for graded in ranges]
    first, *others = table(headings, rows, left=range(len(headings)), width=width)
    scale = "bars: 0 to 100 %" if bars == BLOCKS else "digits: tens of percent"
    return [[f"accuracy by severity ({scale})", *first], *others]


def _name(graded: Range) -> str:
    """Return the name of the test with all its severities: `test_x[fog:1..5]`."""
    before, after = graded[0].test
    span = _span([result.severity for result in graded if result.severity is not None])
    return name_in(f"{before}{graded[0].corruption}:{span}{after}")


def _span(severities: Sequence[int]) -> str:
    """Return severities as a gate names them: `1..5`, or `1,3,5` if they have gaps."""
    is_whole = list(severities) == list(range(severities[0], severities[-1] + 1))
    return f"{severities[0]}..{severities[-1]}" if is_whole else ",".join(map(str, severities))


def _now(graded: Range) -> list[Estimate]:
    return [result.stats.rates["accuracy"] for result in graded]


def _before(graded: Range, bars: str) -> str:
    """Return the accuracy of a comparable reference on the same images; "" if any severity has none."""
    rates = [rate for result in graded if (rate := _accuracy_before(result)) is not None]
    return _course(rates, bars) if len(rates) == len(graded) else ""


def _accuracy_before(result: ItemResult) -> Estimate | None:
    """Return the accuracy of the reference on all measured images; None if it lacks some of them."""
    cells, change = result.stats.cells, result.change
    if change is None or change.samples != cells.samples:
        return None
    right = cells.right + change.negative_flips - change.positive_flips
    return Estimate(numerator=right, denominator=cells.samples)


def _course(rates: Sequence[Estimate], bars: str) -> str:
    """Return a bar for each rate on a scale from 0 to 1, and the first and the last rate as numbers."""
    levels = ["?" if rate.value is None else bars[min(int(rate.value * len(bars)), len(bars) - 1)] for rate in rates]
    return f"{''.join(levels)} {percent(rates[0]):>7} to {percent(rates[-1]):>6}"


def _verdicts(graded: Range) -> str:
    """Return how many severities got which verdict, the worst first."""
    counts = Counter(result.verdict for result in graded)
    return ", ".join(f"{counts[verdict]} {verdict_word(verdict)}" for verdict in Verdict if counts[verdict])

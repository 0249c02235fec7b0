"""Graded corruptions -> a row each with a bar for every severity, where those say more than two numbers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from pytest_failaware.core.estimates import Estimate, percent
from pytest_failaware.core.layout import table
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.report.words import short_name, verdict_word

BLOCKS: Final = "▁▂▃▄▅▆▇█"
DIGITS: Final = "0123456789"
"""The same for a terminal that has no blocks: tens of percent."""

_FEWEST: Final = 3  # severities; of two, both numbers are said beside the bars
_GRADED: Final = re.compile(r"(.+):(\d+)")

Range = Sequence[ItemResult]
"""One test under one corruption at three severities or more, the weakest first."""


def by_corruption(results: Iterable[ItemResult]) -> dict[tuple[str, str], dict[int, ItemResult]]:
    """What was measured under one corruption by one test, ascending by severity, by the test and the corruption."""
    found: dict[tuple[str, str], dict[int, ItemResult]] = defaultdict(dict)
    for result in results:
        if graded := _GRADED.fullmatch(result.stats.condition):
            before, _, after = result.nodeid.rpartition(result.stats.condition)
            found[before + after, graded[1]][int(graded[2])] = result
    return {whose: dict(sorted(group.items())) for whose, group in found.items()}


def severity_ranges(results: Iterable[ItemResult]) -> list[Range]:
    """What has a row of its own, in the order of the run."""
    return [list(group.values()) for group in by_corruption(results).values() if len(group) >= _FEWEST]


def severity_table(ranges: Sequence[Range], *, bars: str, width: int | None) -> list[list[str]]:
    """The caption and the headings as one block, then a block for each range."""
    headings = ("test", "baseline", "now", "verdict")
    rows = [(_name(one), _before(one, bars), _course(_now(one), bars), _verdicts(one)) for one in ranges]
    first, *others = table(headings, rows, left=range(len(headings)), width=width)
    scale = "bars: 0 to 100 %" if bars == BLOCKS else "digits: tens of percent"
    return [[f"accuracy by severity ({scale})", *first], *others]


def _name(one: Range) -> str:
    """The name of the test with all its severities: `test_x[fog:1..5]`."""
    before, condition, after = short_name(one[0]).rpartition(one[0].stats.condition)
    severities = [int(result.stats.condition.rpartition(":")[2]) for result in one]
    is_whole = severities == list(range(severities[0], severities[-1] + 1))
    said = f"{severities[0]}..{severities[-1]}" if is_whole else ",".join(map(str, severities))
    return f"{before}{condition.rpartition(':')[0]}:{said}{after}"


def _now(one: Range) -> list[Estimate]:
    return [result.stats.rates["accuracy"] for result in one]


def _before(one: Range, bars: str) -> str:
    """The accuracy of a comparable reference on the same images; "" if any severity has none."""
    rates = [rate for result in one if (rate := _accuracy_before(result)) is not None]
    return _course(rates, bars) if len(rates) == len(one) else ""


def _accuracy_before(result: ItemResult) -> Estimate | None:
    """The accuracy of the reference on all images that were measured; None if it lacks some."""
    cells, change = result.stats.cells, result.change
    if change is None or change.samples != cells.samples:
        return None
    right = cells.right + change.negative_flips - change.positive_flips
    return Estimate(numerator=right, denominator=cells.samples)


def _course(rates: Sequence[Estimate], bars: str) -> str:
    """A bar for each rate on a scale from 0 to 1, and the first and the last as numbers."""
    levels = ["?" if rate.value is None else bars[min(int(rate.value * len(bars)), len(bars) - 1)] for rate in rates]
    return f"{''.join(levels)} {percent(rates[0]):>7} to {percent(rates[-1]):>6}"


def _verdicts(one: Range) -> str:
    """How many severities got which verdict, the worst first."""
    counts = Counter(result.verdict for result in one)
    return ", ".join(f"{counts[verdict]} {verdict_word(verdict)}" for verdict in Verdict if counts[verdict])

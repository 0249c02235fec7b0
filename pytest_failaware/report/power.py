"""Lines on the drops that gates detect: a table for `plan` and for a run that records, and the cells of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pytest_failaware.core.layout import flattened, table
from pytest_failaware.core.result import ItemResult, SeedSensitivity, Sensitivity
from pytest_failaware.report.words import short_name

AT_CHANCE: Final = "not shown to know more than the largest class, so there is nothing to lose"
SEEN: Final = (
    "the smallest drop that turns a gate red four times out of five, if 0.2 % of the answers change (an exported "
    "model) or 10 % (a retrained one)"
)
SIGHT_HEADINGS: Final = ("gate", "counted on", "0.2 % flip", "10 % flip")
SEEN_BY_SEEDS: Final = (
    "smallest drop: from the mean of the seeds, found four times out of five; differ by: the standard deviation of the "
    "seeds; over chance: their variance over that of chance"
)
SEED_HEADINGS: Final = ("gate", "seeds", "differ by", "over chance", "smallest drop")


NamedSights = Sequence[tuple[str, Sequence[Sensitivity]]]
"""Conditions or tests with their sights; names can repeat."""


def sight_table(sights: NamedSights, *, first: str = "condition", width: int | None = None) -> Iterator[str]:
    """Yield a table of the drops that each gate detects in 80 % of all cases.

    Args:
        sights: the sights by condition or test.
        first: the heading of the first column.
        width: the columns of the terminal; None if there is no terminal.
    """
    rows = [(label, *sight_cells(sight)) for label, gates in sights for sight in gates]
    yield from _explained(SEEN, (first, *SIGHT_HEADINGS), rows, width)


def seed_table(
    sights: Sequence[tuple[str, Sequence[SeedSensitivity]]], *, first: str = "condition", width: int | None = None
) -> Iterator[str]:
    """Yield a table of the drops that each gate detects against the seeds of a recipe.

    Args:
        sights: the sights by condition or test.
        first: the heading of the first column.
        width: the columns of the terminal; None if there is no terminal.
    """
    rows = [(label, *seed_cells(sight)) for label, gates in sights for sight in gates]
    yield from _explained(SEEN_BY_SEEDS, (first, *SEED_HEADINGS), rows, width)


def _explained(text: str, headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> Iterator[str]:
    """Yield a text that explains the columns, and the table; nothing without rows."""
    if rows:
        yield text
        yield from flattened(table(headings, rows, left=(0, 1), width=width))


def seed_cells(sight: SeedSensitivity) -> tuple[str, str, str, str, str]:
    """Return the gate, the seeds, their standard deviation, their variance over that of chance, and the drop."""
    times = f"{sight.over_chance:.1f} x"
    return sight.metric, f"{sight.seeds:,}", f"{100 * sight.deviation:.2f} pt", times, _points(sight.drop)


def sight_range(sights: NamedSights) -> Iterator[str]:
    """Yield the drops that the gates detect: a line for few changed answers and a line for many."""
    seen = [sight for _, gates in sights for sight in gates]
    few, many = ([getattr(sight, name) for sight in seen] for name in ("few", "many"))
    if not seen:
        return
    if min(few) >= 1:  # many changed answers hide more
        yield "with this test set no drop can be seen: it has too few samples"
        return
    yield "what the gates of this run see: the smallest drop that turns one red four times out of five (-v lists each)"
    yield f"if few answers change, as in an exported model: {_range(few)}"
    yield f"if many answers change, as in a retrained model: {_range(many)}"


def too_few(sights: NamedSights) -> Iterator[str]:
    """Yield how many gates have too few samples for their tolerance."""
    if far := [sight for _, gates in sights for sight in gates if sight.is_far]:
        total = sum(len(gates) for _, gates in sights)
        yield (
            f"too few samples: {len(far)} of {total} gates see only drops of more than four times their tolerance; add "
            "samples, or widen the tolerance to what you can measure"
        )


def sight_cells(sight: Sensitivity) -> tuple[str, str, str, str]:
    """Return the gate, its number of samples, and the drops it detects if few and if many answers flip."""
    return sight.metric, f"{sight.counted_on:,}", _points(sight.few), _points(sight.many)


def at_chance(results: Iterable[ItemResult]) -> str:
    """Return a sentence on the recorded conditions that are at chance; "" if there are none."""
    recorded = [result for result in results if result.verdict.is_written]
    names = [short_name(result) for result in recorded if result.at_chance and not result.alarm]
    return f"{', '.join(names)}: {AT_CHANCE}" if names else ""


def _range(drops: Sequence[float]) -> str:
    """Return the smallest and the largest drop if they differ, and whether some gates detect none."""
    seen = [drop for drop in drops if drop < 1]
    if not seen:
        return "no drop can be seen with so few samples"
    low, high = _points(min(seen)), _points(max(seen))
    text = low if low == high else f"{low.removesuffix(' pt')} to {high}"
    return text if len(seen) == len(drops) else f"{text} (some gates: none)"


def _points(drop: float) -> str:
    return "none" if drop >= 1 else f"{100 * drop:.2f} pt"

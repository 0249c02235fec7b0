"""What gates can see -> lines: a table for `plan` and for a run that records, and the cells of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pytest_failaware.report.layout import flattened, table
from pytest_failaware.report.words import short_name
from pytest_failaware.schema import ItemResult, Sight

AT_CHANCE: Final = "not shown to know more than the largest class, so there is nothing to lose"
SEEN: Final = "smallest drops found in 80 % of all cases, tolerance included, by how many answers flip"
SIGHT_HEADINGS: Final = ("gate", "counted on", "0.2 % flip", "10 % flip")


def sight_lines(
    found: Sequence[tuple[str, Sequence[Sight]]],
    *,
    first: str = "condition",
    brief: bool = False,
    width: int | None = None,
) -> Iterator[str]:
    """The drops that each gate finds in 80 % of all cases, and how many have too few images for their tolerance.

    Args:
        found: conditions or tests, which may have one name, with their sights.
        first: the heading of the column that holds those.
        brief: leave the table out.
        width: the columns of the terminal, None where there is none.
    """
    rows = [(label, *sight_cells(sight)) for label, some in found for sight in some]
    if rows and not brief:
        yield SEEN
        yield from flattened(table((first, *SIGHT_HEADINGS), rows, left=(0, 1), width=width))
    if far := [sight for _, some in found for sight in some if sight.is_far]:
        gates = sum(len(some) for _, some in found)
        yield f"too few images: {len(far)} of {gates} gates find no drop below four times their tolerance"


def sight_range(found: Sequence[tuple[str, Sequence[Sight]]]) -> str:
    """The smallest and the largest of all these drops in a sentence, "" where there is none."""
    drops = [drop for _, some in found for sight in some for drop in (sight.few, sight.many)]
    if not drops:
        return ""
    low, high = _points(min(drops)), _points(max(drops))
    return f"the gates find drops of {low} (few answers flip) to {high} (many do) in 80 % of all cases; at -v each gate"


def sight_cells(sight: Sight) -> tuple[str, str, str, str]:
    """gate, counted on, and the drops it finds where few and where many answers flip."""
    return sight.metric, f"{sight.counted_on:,}", _points(sight.few), _points(sight.many)


def at_chance(results: Iterable[ItemResult]) -> str:
    """Which of the conditions that this run recorded are at chance, "" where none is."""
    names = [short_name(one) for one in results if one.at_chance and one.verdict.is_written]
    return f"{', '.join(names)}: {AT_CHANCE}" if names else ""


def _points(drop: float) -> str:
    return "none" if drop >= 1 else f"{100 * drop:.2f} pt"

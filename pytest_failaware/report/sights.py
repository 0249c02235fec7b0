"""What gates can see -> lines: a table for `plan` and for a run that records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pytest_failaware.report.layout import flattened, table
from pytest_failaware.schema import Sight

AT_CHANCE: Final = "not shown to know more than the largest class, so there is nothing to lose"


def sight_lines(
    found: Mapping[str, Sequence[Sight]], *, first: str = "condition", brief: bool = False, width: int | None = None
) -> Iterator[str]:
    """The drops that each gate finds in 80 % of all cases, and how many have too few images for their tolerance.

    Args:
        found: the sights by condition or test.
        first: the heading of the column that holds those.
        brief: leave the table out.
        width: the columns of the terminal, None where there is none.
    """
    rows = [
        (label, sight.metric, f"{sight.counted_on:,}", _points(sight.few), _points(sight.many))
        for label, some in found.items()
        for sight in some
    ]
    if rows and not brief:
        yield "smallest drops found in 80 % of all cases, tolerance included, by how many answers flip"
        headings = (first, "gate", "counted on", "0.2 % flip", "10 % flip")
        yield from flattened(table(headings, rows, left=(0, 1), width=width))
    if far := [sight for some in found.values() for sight in some if sight.is_far]:
        gates = sum(map(len, found.values()))
        yield f"too few images: {len(far)} of {gates} gates find no drop below four times their tolerance"


def _points(drop: float) -> str:
    return "none" if drop >= 1 else f"{100 * drop:.2f} pt"

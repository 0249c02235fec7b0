"""The display of a summary, and the lines that the summary consists of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pytest_failaware.core.result import Verdict
from pytest_failaware.report.terminal.severities import BLOCKS


class Line(NamedTuple):
    """A line and its markup: "red", "green", "yellow", or "" for plain."""

    text: str
    colour: str = ""
    is_verbatim: bool = False  # a command or a diff, to be copied: never wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """The properties of the display: pytest's verbosity, the columns of a terminal or None, the letters for bars."""

    verbosity: int = 0
    width: int | None = None
    bars: str = BLOCKS

    @property
    def shows_all(self) -> bool:
        """Whether the display shows everything."""
        return self.verbosity > 0


def colour(verdict: Verdict) -> str:
    """Return the markup of a verdict."""
    return "red" if verdict.fails else "yellow" if verdict.warns else "green"


def coloured(blocks: Sequence[Sequence[str]], verdicts: Sequence[Verdict]) -> Iterator[Line]:
    """Yield a table with each row in the colour of its verdict; nothing if it has no rows."""
    if not verdicts:
        return
    yield from map(Line, blocks[0])
    for block, verdict in zip(blocks[1:], verdicts, strict=True):
        yield from (Line(line, colour(verdict)) for line in block)
    yield Line("")

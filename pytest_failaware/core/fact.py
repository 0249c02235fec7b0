"""Facts about a run: each is one line of the summary."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FactKind(Enum):
    """The importance of a fact for its reader."""

    STATEMENT = "statement"
    NOTE = "note"  # also shown if the output is quiet
    NEWS = "news"  # a note that only the first run says


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One statement about the run, known once the model and the data are open."""

    text: str
    kind: FactKind = FactKind.STATEMENT

    @property
    def line(self) -> str:
        """The fact as a line of the summary."""
        return self.text if self.kind is FactKind.STATEMENT else f"note: {self.text}"


def note(text: str) -> Fact:
    """Return a fact of the kind NOTE."""
    return Fact(text=text, kind=FactKind.NOTE)

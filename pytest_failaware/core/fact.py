"""One line of the summary on what a run used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FactKind(Enum):
    """What a fact is to its reader."""

    STATEMENT = "statement"
    NOTE = "note"  # to be read also if the run writes and says little else


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is known once the model and the data are open."""

    text: str
    kind: FactKind = FactKind.STATEMENT

    @property
    def line(self) -> str:
        """The fact as people read it."""
        return f"note: {self.text}" if self.kind is FactKind.NOTE else self.text


def note(text: str) -> Fact:
    """Return a note."""
    return Fact(text=text, kind=FactKind.NOTE)

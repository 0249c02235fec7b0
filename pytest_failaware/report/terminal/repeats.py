"""What several tests of a run fail for: it is said in full once, and the others name the test that says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_failaware.report.terminal.display import Line

_SHORTEST: Final = 60  # letters; less is said again as quickly as a test is named
_KEPT: Final = 100  # letters of a repeated error, which then still says what it is about


class Repeats:
    """The texts that were shown, with the name of the test that showed each first."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def named(self, error: str, name: str) -> str:
        """Return an error in full the first time, then its beginning and the test that has it in full."""
        first = self._first.setdefault(error, name)
        if first == name or len(error) <= _KEPT:
            return error
        return f"{error[:_KEPT].rstrip()}… (in full above, in {first})"

    def shortened(self, lines: Sequence[Line], name: str) -> tuple[Line, ...]:
        """Return the lines of a failure; what follows the first one only if no earlier test has the same."""
        head, *rest = lines
        text = "\n".join(line.text for line in rest)
        first = self._first.setdefault(text, name)
        if first == name or len(text) < _SHORTEST:
            return tuple(lines)
        return head, Line(f"  as above, in {first}")

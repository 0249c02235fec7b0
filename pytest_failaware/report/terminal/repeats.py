"""Failures that several tests share: the text is in full once, and later tests refer to the first test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_failaware.report.terminal.display import Line

_SHORTEST: Final = 60  # letters; repeating a shorter text costs no more than a reference to a test
_KEPT: Final = 100  # letters of a repeated error, enough to recognise it


class Repeats:
    """The texts that were shown, each with the name of the first test that showed it."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def named(self, error: str, name: str) -> str:
        """Return an error in full the first time; later its beginning and the test that has it in full."""
        first = self._first.setdefault(error, name)
        if first == name or len(error) <= _KEPT:
            return error
        return f"{error[:_KEPT].rstrip()}… (in full above, in {first})"

    def shortened(self, lines: Sequence[Line], name: str) -> tuple[Line, ...]:
        """Return the lines of a failure; only the first line if an earlier test has the same other lines."""
        head, *rest = lines
        text = "\n".join(line.text for line in rest)
        first = self._first.setdefault(text, name)
        if first == name or len(text) < _SHORTEST:
            return tuple(lines)
        return head, Line(f"  as above, in {first}")

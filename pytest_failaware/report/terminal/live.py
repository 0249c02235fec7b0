"""Showing how far a measurement is: a live line on a terminal or in a notebook, a full line now and then in a log.

What writes and what tells the time are given, so nothing here knows pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from pytest_failaware.core.progress import Tell
from pytest_failaware.report.terminal.progress import progress_texts

_REDRAWN: Final = 0.2  # seconds between two states of the live line


_LOGGED: Final = 30.0  # seconds between two lines of a log


@contextmanager
def redrawn(draw: Callable[[tuple[str, ...]], object], clock: Callable[[], float], what: str) -> Iterator[Tell]:
    """Draw the progress at most five times a second, and nothing in the end.

    Args:
        draw: takes the same text in several lengths, the longest first; no text erases the last one.
        clock: the time in seconds.
        what: what is being done.
    """
    began = drawn = clock()

    def tell(done: int, total: int) -> None:
        nonlocal drawn
        now = clock()
        if now - drawn >= _REDRAWN:
            drawn = now
            draw(progress_texts(what, done, total, now - began))

    try:
        yield tell
    finally:
        draw(())


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLine:
    """Drawn behind what stands in the terminal's current line; the cursor goes back each time, so that stays whole."""

    write: Callable[[str], object]
    room: Callable[[], int]  # columns right of the cursor
    clock: Callable[[], float]  # seconds

    def follow(self, what: str) -> AbstractContextManager[Tell]:
        """Draw at most five times a second; erase in the end."""
        width = 0

        def draw(texts: tuple[str, ...]) -> None:
            nonlocal width
            width = self._draw(texts, width)

        return redrawn(draw, self.clock, what)

    def _draw(self, texts: tuple[str, ...], covered: int) -> int:
        """Write the longest text that fits over the last one, `covered` columns wide; its own width."""
        room = self.room()
        text = next((one for one in texts if len(one) <= room), "")
        padded = text.ljust(covered)
        if padded:
            self.write(padded + "\b" * len(padded))
        return len(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """Full lines; a measurement that is over before the first one is due leaves none."""

    write_line: Callable[[str], object]
    clock: Callable[[], float]  # seconds

    @contextmanager
    def follow(self, what: str) -> Iterator[Tell]:
        """Write a line each half minute."""
        began = written = self.clock()

        def tell(done: int, total: int) -> None:
            nonlocal written
            now = self.clock()
            if now - written >= _LOGGED:
                written = now
                self.write_line(f"failaware: {progress_texts(what, done, total, now - began)[0]}")

        yield tell

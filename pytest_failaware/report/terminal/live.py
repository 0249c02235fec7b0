"""The display of a measurement's progress: a live line on a terminal or in a notebook, full lines in a log.

The writer and the clock are arguments, so this module does not depend on pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from pytest_failaware.core.progress import Progress
from pytest_failaware.report.terminal.progress import progress_texts

_REDRAWN: Final = 0.2  # seconds between two states of the live line


_LOGGED: Final = 30.0  # seconds between two lines of a log


@contextmanager
def redrawn(draw: Callable[[tuple[str, ...]], object], clock: Callable[[], float], what: str) -> Iterator[Progress]:
    """Draw the progress at most five times a second, and erase it in the end.

    Args:
        draw: a function of the same text in several lengths, the longest first; without a text it erases the last one.
        clock: the time in seconds.
        what: the name of the work.
    """
    began = drawn = clock()

    def progress(done: int, total: int) -> None:
        nonlocal drawn
        now = clock()
        if now - drawn >= _REDRAWN:
            drawn = now
            draw(progress_texts(what, done, total, now - began))

    try:
        yield progress
    finally:
        draw(())


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLine:
    """A line that is drawn after the text of the terminal's current line; the cursor returns, so the text stays."""

    write: Callable[[str], object]
    room: Callable[[], int]  # columns right of the cursor
    clock: Callable[[], float]  # seconds

    def follow(self, what: str) -> AbstractContextManager[Progress]:
        """Draw the progress at most five times a second, and erase it in the end."""
        width = 0

        def draw(texts: tuple[str, ...]) -> None:
            nonlocal width
            width = self._draw(texts, width)

        return redrawn(draw, self.clock, what)

    def _draw(self, texts: tuple[str, ...], covered: int) -> int:
        """Write the longest text that fits over the last text of `covered` columns, and return its width."""
        room = self.room()
        text = next((candidate for candidate in texts if len(candidate) <= room), "")
        padded = text.ljust(covered)
        if padded:
            self.write(padded + "\b" * len(padded))
        return len(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """Full lines in a log; a measurement that ends before the first line is due writes none."""

    write_line: Callable[[str], object]
    clock: Callable[[], float]  # seconds

    @contextmanager
    def follow(self, what: str) -> Iterator[Progress]:
        """Write a line each half minute."""
        began = written = self.clock()

        def progress(done: int, total: int) -> None:
            nonlocal written
            now = self.clock()
            if now - written >= _LOGGED:
                written = now
                self.write_line(f"failaware: {progress_texts(what, done, total, now - began)[0]}")

        yield progress

"""Report findings that make the numbers of a run worthless, as soon as they are known."""

from __future__ import annotations

from collections.abc import Callable


class EarlyWord:
    """Sentences that cannot wait for the summary, each reported once.

    With `write` a sentence is written at once. Without it, as in a worker of xdist, it goes with the next report.
    """

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write
        self._reported: set[str] = set()
        self._waiting: list[str] = []

    def say(self, sentence: str) -> None:
        """Report a sentence unless it was reported before."""
        if sentence in self._reported:
            return
        self._reported.add(sentence)
        if self._write is None:
            self._waiting.append(sentence)
        else:
            self._write(sentence)

    def take(self) -> list[str]:
        """Return the sentences that wait for a report, and forget them."""
        sentences, self._waiting = self._waiting, []
        return sentences

"""What is said while a run still measures: findings that make its numbers worthless, as soon as they are known."""

from __future__ import annotations

from collections.abc import Callable


class EarlyWord:
    """Says each sentence once: at once if `write` is given, else with the next report, as a worker of xdist does."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write
        self._said: set[str] = set()
        self._waiting: list[str] = []

    def say(self, sentence: str) -> None:
        """Say a sentence that was not said before."""
        if sentence in self._said:
            return
        self._said.add(sentence)
        if self._write is None:
            self._waiting.append(sentence)
        else:
            self._write(sentence)

    def take(self) -> list[str]:
        """Return the sentences that wait for a report."""
        taken, self._waiting = self._waiting, []
        return taken

"""How far a measurement is -> text."""

from __future__ import annotations

from typing import Final

from pytest_failaware.report.words import duration

_WARMING_UP: Final = 1e-9  # seconds; no rate is taken over less


def progress_texts(what: str, done: int, total: int, seconds: float) -> tuple[str, ...]:
    """The same in three lengths, the longest first, for the room there is.

    Args:
        what: what is being done, such as a condition's name.
        done: how many images are behind.
        total: how many there are.
        seconds: since the first of them.
    """
    rate = done / max(seconds, _WARMING_UP)
    left = f"{duration((total - done) / rate)} left" if done else "starting"
    count = f"{done:,}/{total:,}"
    return (f"{what} {count} images, {rate:,.0f} images/s, {left}", f"{count}, {left}", f"{100 * done // total} %")

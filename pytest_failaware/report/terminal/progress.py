"""The progress of a measurement as text."""

from __future__ import annotations

from typing import Final

from pytest_failaware.report.words import duration

_WARMING_UP: Final = 1e-9  # seconds; a shorter time gives no rate


def progress_texts(what: str, done: int, total: int, seconds: float) -> tuple[str, ...]:
    """Return the progress in three lengths, the longest first, so that one of them fits.

    Args:
        what: the name of the work, such as a condition's name.
        done: the number of finished images.
        total: the number of all images.
        seconds: the time since the first image.
    """
    rate = done / max(seconds, _WARMING_UP)
    left = f"{duration((total - done) / rate)} left" if done else "starting"
    count = f"{done:,}/{total:,}"
    return (f"{what} {count} images, {rate:,.0f} images/s, {left}", f"{count}, {left}", f"{100 * done // total} %")

"""The numbers on the axes of a diagram: the ends of an axis and the texts at its ticks."""

from __future__ import annotations

from typing import Final

_CEILINGS: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def ceiling(value: float) -> float:
    """Return the lowest round end of an axis that is at least a value."""
    return next(end for end in _CEILINGS if value <= end)


def shares(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Return ticks in percent at both ends, the middle and the quarters of a range of shares."""
    values = [low + (high - low) * quarter / 4 for quarter in range(5)]
    return tuple((value, f"{100 * value:.3g}%") for value in values)


def steps(high: float) -> tuple[tuple[float, str], ...]:
    """Return four to seven ticks at round numbers from 0 to `high`."""
    step = 0.25 if high <= 1 else 0.5 if high <= 3 else 1.0 if high <= 6 else 2.0
    return tuple((step * number, f"{step * number:g}") for number in range(int(high / step) + 1))

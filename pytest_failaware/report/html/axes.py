"""The numbers on the axes of a diagram: where they end, and what stands at their marks."""

from __future__ import annotations

from typing import Final

_CEILINGS: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def ceiling(value: float) -> float:
    """The lowest round end of an axis that a value lies below."""
    return next(one for one in _CEILINGS if value <= one)


def shares(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Both ends, the middle and the quarters of a range of shares, in percent."""
    values = [low + (high - low) * quarter / 4 for quarter in range(5)]
    return tuple((value, f"{100 * value:.3g}%") for value in values)


def steps(high: float) -> tuple[tuple[float, str], ...]:
    """Round numbers from 0 up to `high`, four to seven of them."""
    step = 0.25 if high <= 1 else 0.5 if high <= 3 else 1.0 if high <= 6 else 2.0
    return tuple((step * number, f"{step * number:g}") for number in range(int(high / step) + 1))

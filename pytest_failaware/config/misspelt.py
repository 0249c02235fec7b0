"""Markers that nearly spell ours: such a test looks gated and is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_failaware.core.errors import ConfigError

MARKER: Final = "reliability"
_NEAR: Final = 2  # letters


def refuse_misspelt(names: Iterable[str], registered: Iterable[str]) -> None:
    """Refuse a marker within two letters of ours that no ini, conftest or plugin registers.

    Args:
        names: the names of a test's markers.
        registered: the lines of pytest's ini key `markers`.

    Raises:
        ConfigError: naming the marker.
    """
    known = {line.partition(":")[0].partition("(")[0].strip() for line in registered}
    for name in names:
        if name not in known and name != MARKER and is_near(name):
            raise ConfigError(
                f"marker {name!r} gates nothing; write {MARKER!r}, or register {name!r} under markers in the ini"
            )


def is_near(name: str) -> bool:
    """Whether at most two letters are added, left out or replaced."""
    if abs(len(name) - len(MARKER)) > _NEAR:
        return False
    row = list(range(len(MARKER) + 1))
    for number, letter in enumerate(name, start=1):
        before, row = row, [number]
        for place, wanted in enumerate(MARKER, start=1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != wanted)))
    return row[-1] <= _NEAR

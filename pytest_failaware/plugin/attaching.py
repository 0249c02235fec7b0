"""Attach values to pytest's reports, which carry them to the process that reports, from an xdist worker too."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from pytest_failaware.core.plain import from_plain, to_plain

T = TypeVar("T")

ATTACHMENT: Final = "failaware"
LOOK: Final = "failaware_look"
"""The attributes that we add to a report: pytest keeps attributes that it does not know."""


def attach(report: object, name: str, value: object) -> None:
    """Attach a value to a report, as plain data, because other plugins write reports as JSON."""
    setattr(report, name, to_plain(value))


def attached(report: Any, name: str, kind: type[T]) -> T | None:  # Any: a report of any phase and kind
    """Return the value that `attach` gave to a report, or None if it has none."""
    plain = getattr(report, name, None)
    return None if plain is None else from_plain(kind, plain)

"""Values that ride on pytest's reports, from an xdist worker too."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from pytest_failaware.core.plain import from_plain, to_plain

T = TypeVar("T")

ATTACHMENT: Final = "failaware"
LOOK: Final = "failaware_look"
"""The attributes of a report: pytest sends those that it does not know along as they are."""


def attach(report: object, name: str, value: object) -> None:
    """Have a report carry a value, as plain data: other plugins write reports as JSON."""
    setattr(report, name, to_plain(value))


def attached(report: Any, name: str, kind: type[T]) -> T | None:  # Any: a report of any phase and kind
    """Return what a report carries, None if it is nothing of ours."""
    plain = getattr(report, name, None)
    return None if plain is None else from_plain(kind, plain)

"""The errors this library raises on purpose: one line that names the place, the value and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable


class FailAwareError(Exception):
    """Something the user gave cannot be used; the text alone must be enough to repair it."""


class FailAwareWarning(UserWarning):
    """`evaluate` found something that makes its numbers doubtful; the text says what, and what to do."""


class ConfigError(FailAwareError):
    """An option, an ini key or a marker argument is wrong, seen before any file is opened."""


class ModelError(FailAwareError):
    """A model cannot be loaded, or does not answer as a classifier does."""


class DataError(FailAwareError):
    """A data set, an image or a preprocessing cannot be used."""


class BadImageError(DataError):
    """One image is damaged, too large, or has more than 8 bits; --failaware-bad-samples can leave it out."""


class BaselineError(FailAwareError):
    """A baseline file is unreadable, contradicts itself or must not be overwritten."""


def choices(name: str, known: Collection[str]) -> str:
    """What to give instead of an unknown name: a known one that begins with it or is close, and all of them."""
    longer = next((other for other in known if other.startswith(f"{name}_")), "")
    close = longer or closest(name, known)
    return (f"did you mean {close!r}? " if close else "") + f"choose from {', '.join(known)}"


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the question for the known name that is closest to an unknown one, or what to do if none is close."""
    close = closest(name, known)
    return f"did you mean {close!r}?" if close else otherwise


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is closest to a name, in letters of either case; "" if none is close."""
    names = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), names, n=1)
    return names[close[0]] if close else ""

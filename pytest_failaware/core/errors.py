"""The errors that this library raises on purpose: each is one line with the place, the value and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable


class FailAwareError(Exception):
    """An input of the user cannot be used; the message alone must be enough to repair it."""


class FailAwareWarning(UserWarning):
    """`evaluate` found a reason to doubt its numbers; the message gives the reason and the remedy."""


class ConfigError(FailAwareError):
    """An option, an ini key or a marker argument is wrong; this is found before any file is opened."""


class ModelError(FailAwareError):
    """A model cannot be loaded, or its output is not that of a classifier."""


class DataError(FailAwareError):
    """A data set, an image or a preprocessing cannot be used."""


class BadImageError(DataError):
    """One image is damaged, too large, or has more than 8 bits; --failaware-bad-samples can leave it out."""


class BaselineError(FailAwareError):
    """A baseline file is unreadable, contradicts itself or must not be overwritten."""


class RuleColumnError(FailAwareError):
    """Records were stored without the scores at the temperature of a rule."""


def choices(name: str, known: Collection[str]) -> str:
    """Return what to write instead of an unknown name: the known name closest to it, and all known names."""
    longer = next((other for other in known if other.startswith(f"{name}_")), "")
    close = longer or closest(name, known)
    return (f"did you mean {close!r}? " if close else "") + f"choose from {', '.join(known)}"


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return "did you mean" with the known name that is closest to an unknown name, `otherwise` if none is close."""
    close = closest(name, known)
    return f"did you mean {close!r}?" if close else otherwise


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is closest to a name, whatever its case; "" if none is close."""
    names = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), names, n=1)
    return names[close[0]] if close else ""

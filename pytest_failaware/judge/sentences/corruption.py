"""Sentences on why one baseline cannot be the reference of another for corruption errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_NAMED: Final = 3  # conditions


def other_class_names(there: int, here: int) -> str:
    """Say that the two baselines have other classes."""
    return f"other class names, {there} there and {here} here"


def other_images(there: int, here: int) -> str:
    """Say that the two baselines have other images."""
    return f"other images, {there:,} there and {here:,} here"


def other_pixels(keys: Sequence[str]) -> str:
    """Say that these conditions give other pixels in the two baselines."""
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return f"other parameters or another implementation of {', '.join(keys[:_NAMED])}{more}"

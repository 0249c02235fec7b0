"""Notice class names that tools order differently: as text (0, 1, 10, 2), or by number and ignoring case (0, 1, 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from torch import nn

_SHOWN: Final = 4
_REMEDY: Final = (
    "if the model was trained in the other order, give the same images as csv:FILE with the columns file,label, where "
    "label is the number of the model's output"
)


def order_note(classes: Sequence[str], module: nn.Module) -> str | None:
    """Return a sentence if the classes are ordered as text and other tools would order them differently.

    Args:
        classes: the names in the order of the data set.
        module: the model; timm's training orders class folders by number and ignores case.
    """
    other = sorted(classes, key=_natural)
    if list(classes) != sorted(classes) or list(classes) == other:
        return None
    first = next(number for number, name in enumerate(classes) if name != other[number])
    return (
        f"the classes are ordered as text ({_around(classes, first)}), as by torchvision's ImageFolder; by number and "
        f"without case the order is {_around(other, first)}{_of_timm(module)}. Output {first} of the model is taken "
        f"for {classes[first]!r}, not for {other[first]!r}; {_REMEDY}"
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """Order digits by their number and letters without case, as timm does."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.lower())]


def _around(names: Sequence[str], number: int) -> str:
    """Return a few names, beginning before the first position that differs."""
    start = max(0, number - 1)
    return ("…, " if start else "") + ", ".join(names[start : start + _SHOWN]) + ", …" * (start + _SHOWN < len(names))


def _of_timm(module: nn.Module) -> str:
    is_timm = type(module).__module__.partition(".")[0] == "timm"
    return ", the order of timm's own training, and this model is one of timm" if is_timm else ", as timm has them"

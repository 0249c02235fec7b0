"""How whoever measures reports how far it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Tell = Callable[[int, int], None]
"""Told again and again, while something is measured: how many images are behind, and how many there are."""


Follow = Callable[[str], AbstractContextManager[Tell]]
"""Takes what is being done; whatever it shows is gone, or ends in a full line, when the block ends."""


def unseen(what: str) -> AbstractContextManager[Tell]:
    """Shows nothing."""
    return nullcontext(lambda done, total: None)

"""How a measurement reports its progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Tell = Callable[[int, int], None]
"""A function that a measurement calls again and again with the number of images done, and of all images."""


Follow = Callable[[str], AbstractContextManager[Tell]]
"""A function that takes the name of a task and shows its progress until the block ends."""


def unseen(what: str) -> AbstractContextManager[Tell]:
    """Show nothing."""
    return nullcontext(lambda done, total: None)

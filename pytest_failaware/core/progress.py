"""How a measurement reports its progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Progress = Callable[[int, int], None]
"""A function that a measurement calls repeatedly with the number of images done and the number of all images."""


Follow = Callable[[str], AbstractContextManager[Progress]]
"""A function that takes the name of a task and shows its progress until the block ends."""


def no_progress(what: str) -> AbstractContextManager[Progress]:
    """Show nothing."""
    return nullcontext(lambda done, total: None)

"""The progress of a process without pytest: on its terminal, in the output of a notebook's cell, or nowhere."""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Final

from pytest_failaware.core.progress import Follow, Progress, no_progress
from pytest_failaware.report.terminal.live import LiveLine, redrawn

_COLUMNS: Final = 80  # of a terminal with unknown width


def follow_here() -> Follow:
    """Show progress in a notebook or on the terminal of stderr; show nothing in files, pipes and logs."""
    display = _notebook_display()
    if display is not None:
        return _in_cell(display)
    stream = sys.stderr
    if stream is None or not stream.isatty():
        return no_progress

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return LiveLine(write=write, room=_columns, clock=time.monotonic).follow


def _columns() -> int:
    """Return the columns of the terminal, without the last column, at which some terminals break the line."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns - 1
    except (OSError, ValueError):  # no terminal, or a stream without a file
        return _COLUMNS - 1


def _notebook_display() -> Any:  # Any: IPython is no dependency
    """Return IPython's function `display` if this process is the kernel of a notebook, otherwise None."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:  # IPython in a terminal has no kernel
        return None
    return import_module("IPython.display").display


def _in_cell(display: Any) -> Follow:  # Any: as above
    """Return progress in one output of a cell, whose text is replaced: backspaces would delete other text there."""
    handle: Any = None

    def show(texts: tuple[str, ...]) -> None:
        nonlocal handle
        content = {"text/plain": texts[0] if texts else ""}
        if handle is not None:
            handle.update(content, raw=True)
        elif texts:
            handle = display(content, raw=True, display_id=True)

    def follow(what: str) -> AbstractContextManager[Progress]:
        return redrawn(show, time.monotonic, what)

    return follow

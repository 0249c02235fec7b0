"""Show the progress of a measurement, and findings that cannot wait for the summary."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import pytest

from pytest_failaware.core.progress import Follow, no_progress
from pytest_failaware.core.text import printable, without_home
from pytest_failaware.plugin.console import verbosity_of
from pytest_failaware.report.terminal.live import LiveLine, LogLines


def write_early(config: pytest.Config, sentence: str) -> None:
    """Write a line while tests run, without pytest's capture: to its terminal if it has one, else to standard error."""
    reporter, line = _pytests_reporter(config), printable(without_home(f"failaware: {sentence}"))
    with _uncaptured(config):
        if reporter is None:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        else:
            reporter.ensure_newline()
            if config.get_terminal_writer().width_of_current_line:  # a line of letters for xdist's results has begun
                reporter.line("")
            reporter.write_line(line, yellow=True, bold=True)
            sys.stdout.flush()


def _pytests_reporter(config: pytest.Config) -> Any:  # Any: pytest has no public name for it
    """Return pytest's terminal reporter, or None if another plugin replaced it, whose lines must not be changed."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter if type(reporter).__module__ == "_pytest.terminal" else None


def _uncaptured(config: pytest.Config) -> AbstractContextManager[object]:
    capture = config.pluginmanager.get_plugin("capturemanager")
    return nullcontext() if capture is None else capture.global_and_fixture_disabled()


def display(config: pytest.Config) -> Follow:
    """Return how this process shows progress: not at all under -q or in an xdist worker, which has no terminal."""
    reporter = _pytests_reporter(config)
    if reporter is None or verbosity_of(config) < 0 or hasattr(config, "workerinput"):
        return no_progress
    writer = config.get_terminal_writer()

    def uncaptured(write: Callable[[str], object], text: str) -> None:
        with _uncaptured(config):
            write(text)
            sys.stdout.flush()

    def room() -> int:
        return writer.fullwidth - writer.width_of_current_line % writer.fullwidth - 1

    if reporter.isatty:
        # Not through the writer: it counts the columns that it writes, and this text is erased again.
        draw = partial(uncaptured, lambda text: sys.stdout.write(text))
        return LiveLine(write=draw, room=room, clock=time.monotonic).follow
    return LogLines(write_line=partial(uncaptured, reporter.write_line), clock=time.monotonic).follow

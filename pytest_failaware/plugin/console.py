"""Write lines to pytest's terminal, and show a failed gate there."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_failaware.core.layout import wrapped
from pytest_failaware.core.text import printable
from pytest_failaware.report.terminal.display import Line
from pytest_failaware.report.terminal.severities import BLOCKS, DIGITS

if TYPE_CHECKING:
    import pytest
    from _pytest._io import TerminalWriter  # pytest has no public name for it


def width_of(config: pytest.Config) -> int | None:
    """Return the columns of the terminal, or None if pytest writes to a file or a pipe, which take long lines."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return config.get_terminal_writer().fullwidth if getattr(reporter, "isatty", False) else None


def verbosity_of(config: pytest.Config) -> int:
    """Return the number of -v minus the number of -q, or 0 if pytest's terminal plugin, which adds both, is absent."""
    return int(config.getoption("verbose", 0))


def bars() -> str:
    """Return the characters for bars that the standard output can print."""
    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return DIGITS
    return BLOCKS


def write(writer: TerminalWriter, lines: Iterable[Line], width: int | None) -> None:
    """Write lines in their colours, and break those that are wider than the terminal."""
    for line in lines:
        text = printable(line.text)
        for shown in [text] if line.is_verbatim else wrapped(text, width):
            writer.line(shown, **({line.colour: True} if line.colour else {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a test and the message of its failure, as pytest's short summary and --tb=line ask for it."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        """Return path, line and message, as pytest spells them."""
        return f"{self.path}:{self.lineno}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFailure:
    """The text of a failed gate in a report: its lines are broken to fit a terminal, and are whole elsewhere.

    pytest and other plugins use `toterminal`, `reprcrash` and `str` of such an object.
    """

    lines: tuple[Line, ...]
    reprcrash: Place
    config: pytest.Config

    def toterminal(self, writer: TerminalWriter) -> None:
        """Write the text. Under --tb=line write nothing, because pytest then writes `reprcrash`."""
        is_terminal = writer is self.config.get_terminal_writer()
        if not (is_terminal and self.config.getoption("tbstyle") == "line"):
            write(writer, self.lines, width_of(self.config) if is_terminal else None)

    def __str__(self) -> str:
        """Return the whole text, with no line broken."""
        return "\n".join(printable(line.text) for line in self.lines)

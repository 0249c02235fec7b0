"""Put the text of failed gates into pytest's reports: fitted to this terminal, and each error in full only once."""

from __future__ import annotations

import pytest

from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.text import printable, without_home
from pytest_failaware.plugin.console import (
    GateFailure,
    Place,
    verbosity_of,
)
from pytest_failaware.report.failure import failure_text, headline
from pytest_failaware.report.terminal.repeats import Repeats
from pytest_failaware.report.words import name_in


class FailureTexts:
    """The texts of failures in pytest's reports, with a memory of those that were shown in full."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._repeats = Repeats()

    def show(self, report: pytest.TestReport, result: ItemResult) -> None:
        """Replace the plain lines of a failed gate, which may come from another process, by text for this terminal."""
        text = failure_text(result, verbosity=verbosity_of(self._config))
        whole = tuple(line._replace(text=without_home(line.text)) for line in text)
        has_numbers = any(comparison.verdict.fails for comparison in result.comparisons)
        lines = whole if has_numbers else self._repeats.shortened(whole, name_in(report.nodeid))
        file, line = result.location
        place = Place(path=str(self._config.rootpath / file), lineno=line, message=printable(headline(result)))
        failure = GateFailure(lines=lines, reprcrash=place, config=self._config)
        if str(report.longrepr).strip() == "\n".join(printable(line.text) for line in whole).strip():
            report.longrepr = failure  # type: ignore[assignment]  # pytest asks for toterminal and reprcrash alone

    def shorten(self, report: pytest.TestReport, text: str) -> None:
        """If an earlier test has the same error, name that test instead of repeating the text."""
        if str(report.longrepr).strip() == text.strip():
            report.longrepr = self._repeats.named(text, name_in(report.nodeid))

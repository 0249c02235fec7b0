"""The hooks of the one process that reports and writes: the controller of xdist, or the only process there is."""

from __future__ import annotations

import os
import shlex

import pytest

from pytest_failaware.errors import FailAwareError
from pytest_failaware.ledger import Ledger
from pytest_failaware.report.table import csv_text
from pytest_failaware.report.terminal import summary_lines
from pytest_failaware.schema import RunConfig


class Controller:
    """Gathers what the items' reports carry; at the end writes the files and tells what happened."""

    def __init__(self, config: pytest.Config, run: RunConfig) -> None:
        self.config = config
        self.run = run
        self.ledger = Ledger()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what each report carries."""
        self.ledger.add(report.nodeid, report.when, report.outcome, getattr(report, "failaware", None))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object) -> None:
        """Remember an xdist worker that was lost."""
        self.ledger.lost_worker |= error is not None

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what was asked for, unless the run was cut short; end with a usage error's code where there was one."""
        try:
            self._write_files(session, exitstatus)
        except (FailAwareError, OSError) as error:
            self.ledger.notice(f"not written: {error}")
            self.ledger.usage_errors = True
        if self.ledger.usage_errors and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def _write_files(self, session: pytest.Session, exitstatus: int) -> None:
        if self.run.csv is not None and self.ledger.results:
            self.run.csv.write_text(csv_text(self.ledger.results.values()), encoding="utf-8")
            self.ledger.notice(f"wrote {self.run.csv}")
        if not self.ledger.pending:
            return
        if reason := self._cut_short(session, exitstatus):
            self.ledger.notice(f"baselines NOT written: {reason}; {self.ledger.pending} results were ready")
        elif not self.ledger.write_baselines(self.run.baseline_dir):
            self.ledger.usage_errors = True

    def _cut_short(self, session: pytest.Session, exitstatus: int) -> str:
        """Why a run cannot be trusted to be whole, "" where it can."""
        if self.ledger.lost_worker:
            return "an xdist worker was lost"
        if stopped := session.shouldfail or session.shouldstop:
            return f"the run was cut short ({stopped})"
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return f"the run ended with exit code {int(exitstatus)}"
        return ""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The section on reliability, where there is something to say."""
        report = self.ledger.report(self._command())
        lines = list(summary_lines(report, verbosity=self.config.get_verbosity()))
        if lines:
            terminalreporter.write_sep("=", "reliability (failaware)")
        here = f"{self.config.invocation_params.dir}{os.sep}"
        for text, colour in lines:
            terminalreporter.write_line(text.replace(here, ""), **({colour: True} if colour else {}))

    def _command(self) -> str:
        """What was typed, without the flag that updates, to be copied from the terminal."""
        typed = [word for word in self.config.invocation_params.args if word != "--failaware-update-baselines"]
        return shlex.join(["pytest", *map(str, typed)])

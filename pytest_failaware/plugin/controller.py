"""The hooks of the one process that reports and writes: the controller of xdist, or the only process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import pytest

from pytest_failaware.core.attachment import Attachment, Collected
from pytest_failaware.core.errors import FailAwareError
from pytest_failaware.core.plain import from_plain
from pytest_failaware.core.request import RunConfig
from pytest_failaware.plugin.advising import advice_of
from pytest_failaware.plugin.attaching import ATTACHMENT, attached
from pytest_failaware.plugin.completeness import note_partial, unread_options
from pytest_failaware.plugin.console import (
    bars,
    verbosity_of,
    width_of,
    write,
)
from pytest_failaware.plugin.early import EarlyWord
from pytest_failaware.plugin.failures import FailureTexts
from pytest_failaware.plugin.gated_items import GIVE_ONE
from pytest_failaware.plugin.ledger import NOTHING
from pytest_failaware.plugin.news import without_old_news
from pytest_failaware.plugin.partial_run import skipped_files
from pytest_failaware.plugin.pooling import add_to_count, not_pooled, pooled_verdict, reports_of, rerun_conditions
from pytest_failaware.plugin.report_hooks import call_report_hooks
from pytest_failaware.plugin.run_report import dated_report, report_of
from pytest_failaware.plugin.run_state import RunState
from pytest_failaware.plugin.strict import strict_complaints
from pytest_failaware.plugin.writing import find_unused_entries, write_baselines
from pytest_failaware.report.github import workflow_commands
from pytest_failaware.report.outputs import ReportContents, write_outputs
from pytest_failaware.report.terminal.display import Display
from pytest_failaware.report.terminal.summary import summary_lines

_ENDED: Final[Mapping[int, str]] = {2: "interrupted", 3: "an internal error", 4: "a usage error", 5: "no test was run"}


class Controller:
    """A plugin that gathers the results of the items, and at the end writes the files and the summary.

    It has no properties, because pytest reads every attribute of a plugin when it is registered.
    """

    def __init__(self, config: pytest.Config, run: RunConfig, early: EarlyWord) -> None:
        self.state = RunState(config=config, run=run)
        self.early = early
        self.is_settled = False
        self._texts = FailureTexts(config)

    # ---- while tests run -------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the attachment of each report, and format the text of a failed gate for this terminal."""
        if report.nodeid in self.state.ledger.means:
            return
        attachment = attached(report, ATTACHMENT, Attachment) or NOTHING
        self.state.ledger.add(report, attachment, getattr(report, "worker_id", ""))
        for sentence in attachment.early:
            self.early.say(sentence)
        if report.when == "call" and report.failed and attachment.judged is not None:
            self._texts.show(report, self.state.ledger.results[report.nodeid])
        elif report.failed and attachment.error:
            self._texts.shorten(report, attachment.error)

    @pytest.hookimpl(tryfirst=True)  # before pytest ends the line of its progress
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Report the pooled verdict of a marked test when the last of its conditions has reported."""
        state = self.state
        result = pooled_verdict(state.ledger, nodeid, state.vocabulary, state.run.writing)
        if result is None:
            return
        state.ledger.means[result.nodeid] = result
        add_to_count(state.config)
        for report in reports_of(result, verbosity_of(state.config)):
            if report.failed:
                self._texts.show(report, result)
            state.config.hook.pytest_runtest_logreport(report=report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a module that failed or was skipped: its marked tests are not known."""
        if not report.passed:
            self.state.uncollected = self.state.uncollected or report.nodeid

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember Ctrl-C, and pytest.exit with any exit code."""
        self.state.incomplete = (
            "the run was interrupted" if excinfo.errisinstance(KeyboardInterrupt) else "pytest.exit ended it"
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # Any: xdist's controller of one worker
        """Add the items that a worker collected, and remember a worker that was lost."""
        self.state.ledger.lost_worker |= error is not None
        output = getattr(node, "workeroutput", None) or {}  # a worker that was lost has none
        if "failaware" in output:
            self.state.ledger.add_collection(from_plain(Collected, output["failaware"]))

    # ---- when all have run -----------------------------------------------------------------------------------------

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what was asked for unless the run was cut short, and fail a strict run that must not pass."""
        state = self.state
        state.incomplete = self._cut_short(session, exitstatus)
        state.ledger.settle()
        if not (session.shouldfail or session.shouldstop):  # else it is known that conditions are missing
            state.not_pooled = tuple(not_pooled(state.ledger))
        state.ledger.facts = without_old_news(state.ledger.facts, state.config)
        state.advice = advice_of(state)
        self._store()
        self._complain(ends_green=exitstatus == pytest.ExitCode.OK)
        if state.ledger.results:
            call_report_hooks(state)
        elif state.ledger.skipped:
            state.ledger.notices.append(f"no model given, so {len(state.ledger.skipped)} items skipped; {GIVE_ONE}")
        elif not state.ledger.selected and state.was_typed("model", "predictions"):
            state.ledger.notices.append(_nothing_done(state.run))
        self._write_reports()
        self._set_exit_code(session, exitstatus)
        self.is_settled = True

    def _store(self) -> None:
        """Update the baselines; a file that cannot be written fails the run."""
        writing = self.state.run.writing
        try:
            find_unused_entries(self.state)
            write_baselines(self.state)
            if writing.asked and not writing.dry_run:
                find_unused_entries(self.state)  # again, among the entries that are stored now
        except (FailAwareError, OSError) as error:
            self.state.refuse(f"not written: {error}")

    def _complain(self, *, ends_green: bool) -> None:
        """Add the complaints of a strict run; in other runs an unread option is a notice."""
        state = self.state
        unread = unread_options(state)
        if not state.run.strict:
            state.ledger.notices += unread
            return
        state.complaints += [f"strict: {sentence}" for sentence in unread]
        state.complaints += strict_complaints(
            report_of(state),
            excused=state.ledger.excused,
            uncollected=state.uncollected,
            files_skipped=skipped_files(state.config),
            ends_green=ends_green,
        )
        note_partial(state)

    def _write_reports(self) -> None:
        """Write the files of --failaware-report."""
        state, ledger = self.state, self.state.ledger
        contents = ReportContents(
            report=dated_report(state),
            measured=ledger.measured,
            drawn=ledger.drawn,
            names=state.run.outputs.html_images > 0,  # without images, the names of their files can be private, too
            shorten=state.shorten,
        )
        written = write_outputs(state.run.outputs, contents, os.environ)
        ledger.notices += written.done
        for sentence in written.failed:
            state.refuse(sentence)

    def _cut_short(self, session: pytest.Session, exitstatus: int) -> str:
        """Return why a run may be incomplete, "" if it is complete."""
        if self.state.ledger.lost_worker:
            return "an xdist worker was lost"
        if stopped := session.shouldfail or session.shouldstop:
            return f"the run was cut short ({stopped})"
        if self.state.incomplete:
            return self.state.incomplete
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return f"the run ended with {_ENDED.get(int(exitstatus), f'exit code {int(exitstatus)}')}"
        return ""

    def _set_exit_code(self, session: pytest.Session, exitstatus: int) -> None:
        """Raise the exit code of a run that ended; keep an exit code of another plugin unless ours is worse."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        if self.state.usage_error or self.state.ledger.errors:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif self.state.complaints and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """Let --lf run the conditions of a failed pooled verdict, after pytest has written its cache."""
        rerun_conditions(self.state.config, self.state.ledger)

    def is_red(self) -> bool:
        """Return whether a strict run must not end with exit code 0."""
        return self.state.run.strict and (not self.is_settled or not report_of(self.state).passed)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the section on reliability, if there is anything to report."""
        state = self.state
        report, width = report_of(state), width_of(state.config)
        display = Display(verbosity=verbosity_of(state.config), width=width, bars=bars())
        lines = list(summary_lines(report, display=display, diffs=state.diffs))
        if lines:
            terminalreporter.write_sep("=", "reliability (failaware)")
        shorter = (line._replace(text=state.shorten(line.text)) for line in lines)
        write(state.config.get_terminal_writer(), shorter, width)
        if state.run.outputs.github:
            workspace = os.environ.get("GITHUB_WORKSPACE", "")
            for command in workflow_commands(report, state.config.rootpath, workspace):
                terminalreporter.write_line(state.shorten(command))


def _nothing_done(run: RunConfig) -> str:
    """Return what a run without a marked test left undone of what was asked for."""
    undone = "stored" if run.writing.asked else "compared"
    names = ", ".join(path.name for path in run.outputs.files)
    return f"no marked test ran, so nothing was {undone}" + (f", and no report written ({names})" if names else "")

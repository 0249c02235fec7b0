"""The hooks of the one process that reports and writes: the controller of xdist, or the only process there is."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any, Final

import pytest

from pytest_failaware.console import GateFailure, Place, bars, verbosity_of, width_of, write
from pytest_failaware.errors import FailAwareError
from pytest_failaware.ignored import ignored_sentence
from pytest_failaware.judge.mce import run_corruption
from pytest_failaware.ledger import Ledger
from pytest_failaware.outputs import write_outputs
from pytest_failaware.report.display import Display
from pytest_failaware.report.failure import failure_text, headline
from pytest_failaware.report.github import error_annotations
from pytest_failaware.report.terminal import summary_lines
from pytest_failaware.schema import ItemResult, RunConfig, RunReport
from pytest_failaware.selection import narrowed_by
from pytest_failaware.text import describe_error, printable
from pytest_failaware.updates import obsolete_entries, outcome_sentence, refused_updates, update_baselines

_NOT_REPEATED: Final = ("--failaware-update", "--failaware-strict", "--failaware-limit", "--failaware-override",
                        "--failaware-against")  # fmt: skip
_WITH_VALUE: Final = ("--failaware-limit", "--failaware-override", "--failaware-against")
GIVE_ONE: Final = "pass --failaware-model=FILE or override the fixture failaware_model"
_ENDED: Final[Mapping[int, str]] = {2: "interrupted", 3: "an internal error", 4: "a usage error", 5: "no test was run"}


class Controller:
    """Gathers what the items' reports carry; at the end writes the files and tells what happened.

    It has no properties: pytest reads every attribute of a plugin when it is registered.
    """

    def __init__(self, config: pytest.Config, run: RunConfig) -> None:
        self.config = config
        self.run = run
        self.ledger = Ledger()
        self.usage_error = False
        self.incomplete = ""
        self.obsolete: dict[str, list[str]] = {}
        self.complaints: list[str] = []
        self.diffs: list[str] = []
        self._uncollected = ""

    # ---- while tests run -------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what each report carries, and have a failed gate shown as this terminal can show it."""
        entry, worker = getattr(report, "failaware", None), getattr(report, "worker_id", "")
        self.ledger.add(report.nodeid, report.when, report.outcome, entry, worker)
        if report.when == "call" and report.failed and entry and "result" in entry:
            self._show(report, self.ledger.results[report.nodeid])

    def _show(self, report: pytest.TestReport, result: ItemResult) -> None:
        """Put our own text in place of the same text that came as plain lines, maybe from another process."""
        lines = tuple(failure_text(result, verbosity=verbosity_of(self.config)))
        file, line = result.location
        place = Place(path=str(self.config.rootpath / file), lineno=line, message=printable(headline(result)))
        failure = GateFailure(lines=lines, reprcrash=place, config=self.config)
        if str(report.longrepr).strip() == str(failure).strip():
            report.longrepr = failure  # type: ignore[assignment]  # pytest asks for toterminal and reprcrash alone

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a module that failed or was skipped: its marked tests are not known."""
        if not report.passed:
            self._uncollected = self._uncollected or report.nodeid

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember Ctrl-C, and pytest.exit with whatever exit code."""
        self.incomplete = (
            "the run was interrupted" if excinfo.errisinstance(KeyboardInterrupt) else "pytest.exit ended it"
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # Any: xdist's controller of one worker
        """Take in what a worker collected; remember one that was lost."""
        self.ledger.lost_worker |= error is not None
        output = getattr(node, "workeroutput", None) or {}  # a worker that was lost has none
        if "failaware" in output:
            self.ledger.add_collection(**output["failaware"])

    # ---- when all have run -----------------------------------------------------------------------------------------

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what was asked for, unless the run was cut short; fail what must not pass in silence."""
        self.incomplete = self._cut_short(session, exitstatus)
        try:
            self._find_obsolete()
            self._update()
        except (FailAwareError, OSError) as error:
            self._refuse(f"not written: {error}")
        if self.run.strict:
            self.complaints += self._strict_complaints()
        if self.ledger.results:
            self._call_report_hooks()
        elif self.ledger.selected and self.run.model is None and self.run.predictions is None:
            self.ledger.notices.append(f"no model given, so {len(self.ledger.selected)} items skipped; {GIVE_ONE}")
        written = write_outputs(self.run.outputs, self.report(), self.ledger.measured, self.ledger.drawn, os.environ)
        self.ledger.notices += written.done
        for sentence in written.failed:
            self._refuse(sentence)
        self._set_exit_code(session, exitstatus)

    def _cut_short(self, session: pytest.Session, exitstatus: int) -> str:
        """Why a run cannot be trusted to be whole, "" where it can."""
        if self.ledger.lost_worker:
            return "an xdist worker was lost"
        if stopped := session.shouldfail or session.shouldstop:
            return f"the run was cut short ({stopped})"
        if self.incomplete:
            return self.incomplete
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return f"the run ended with {_ENDED.get(int(exitstatus), f'exit code {int(exitstatus)}')}"
        return ""

    def _find_obsolete(self) -> None:
        """The stored entries that no test uses, by baseline; none where the run cannot know."""
        if self.ledger.results and self.run.against is None and not self._partial():
            self.obsolete = obsolete_entries(self.run.baseline_dir, self.ledger.used)

    def _partial(self) -> str:
        """Why this run does not show all that uses the baselines, "" where it does."""
        if self.incomplete:
            return self.incomplete
        if narrowed := narrowed_by(self.config):
            return f"only a part of the tests was selected ({narrowed})"
        if self._uncollected:
            return f"{self._uncollected} was not collected"
        if self.ledger.deselected:
            return f"{len(self.ledger.deselected)} marked tests were deselected"
        if self.ledger.unchecked:
            return f"{len(self.ledger.unchecked)} marked tests have no result"
        return ""

    def _update(self) -> None:
        writing = self.run.writing
        refused = refused_updates(self.ledger.in_order, writing)
        pending = [entry for entry in self.ledger.to_write if entry["result"]["baseline"] not in refused]
        if writing.prune and (partial := self._partial()):
            self._refuse(f"NOT pruned: {partial}; prune in a full run")
        if not writing.asked or not (pending or refused or writing.prune):
            return
        if self.incomplete:
            self.ledger.notices.append(f"baselines NOT written: {self.incomplete}; {len(pending)} results were ready")
            return
        for sentence in refused.values():
            self._refuse(sentence)
        obsolete = {name: keys for name, keys in self.obsolete.items() if name not in refused}
        for name, outcome in update_baselines(self.run.baseline_dir, pending, obsolete, writing):
            sentence = outcome_sentence(name, self.run.baseline_dir, outcome, dry_run=writing.dry_run)
            if outcome.refused or outcome.lacking:
                self._refuse(sentence)
            else:
                self.ledger.notices += filter(None, [sentence, ignored_sentence(self.run.baseline_dir, name)])
            if writing.dry_run:
                self.diffs.append(outcome.diff)
            elif outcome.pruned:
                self.obsolete.pop(name)

    def _refuse(self, sentence: str) -> None:
        """Something asked for was not done: it is said, and the run ends with the exit code of a usage error."""
        self.usage_error = True
        self.complaints.append(sentence)

    def _call_report_hooks(self) -> None:
        hook = "the hook pytest_failaware_report"
        try:
            answers = self.config.hook.pytest_failaware_report(report=self.report())
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:  # the user's code runs here
            self._refuse(f"{hook} raised {describe_error(error)}; repair it")
            return
        for lines in answers:
            if isinstance(lines, str) or not all(isinstance(line, str) for line in lines):
                self._refuse(f"{hook} returned {lines!r}; return a list of lines, or None")
            else:
                self.ledger.notices += lines

    def _strict_complaints(self) -> list[str]:
        """What a strict run does not let pass, though no test failed for it."""
        report, found = self.report(), []
        if not report.results:
            found.append("strict: no reliability result at all, so nothing was compared")
        elif report.unchecked:
            found.append(f"strict: not compared: {', '.join(report.unchecked)}")
        if self._uncollected:
            found.append(f"strict: {self._uncollected} was not collected, so its gates are not known")
        if self.ledger.excused:
            found.append(f"strict: failed, though pytest let it pass (xfail?): {', '.join(self.ledger.excused)}")
        if report.obsolete:
            found.append(f"strict: used by no test: {', '.join(report.obsolete)}; --failaware-prune deletes them")
        return found

    def _set_exit_code(self, session: pytest.Session, exitstatus: int) -> None:
        """Raise the exit code of a run that ended; one that another plugin has set is left where ours is no worse."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        if self.usage_error or self.ledger.errors:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif self.complaints and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    # ---- for people ------------------------------------------------------------------------------------------------

    def report(self) -> RunReport:
        """Everything there is to say about the run so far."""
        return RunReport(
            facts=tuple(map(self._short, self.ledger.facts)),
            results=self.ledger.in_order,
            errors={nodeid: self._short(text) for nodeid, text in self.ledger.errors.items()},
            complaints=tuple(map(self._short, self.complaints)),
            notices=tuple(map(self._short, self.ledger.notices)),
            unchecked=self.ledger.unchecked,
            obsolete=tuple(f"{name}: {key}" for name, keys in self.obsolete.items() for key in keys),
            incomplete=self.incomplete,
            workers=self.ledger.workers_per_model,
            command=self._command(),
            corruption=run_corruption(self.ledger.results.values()),
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The section on reliability, where there is something to say."""
        report, width = self.report(), width_of(self.config)
        display = Display(verbosity=verbosity_of(self.config), width=width, bars=bars())
        lines = list(summary_lines(report, display=display, diffs=self.diffs))
        if lines:
            terminalreporter.write_sep("=", "reliability (failaware)")
        shorter = (line._replace(text=self._short(line.text)) for line in lines)
        write(self.config.get_terminal_writer(), shorter, width)
        if self.run.outputs.github:
            for command in error_annotations(report, self.config.rootpath, os.environ.get("GITHUB_WORKSPACE", "")):
                terminalreporter.write_line(command)

    def _short(self, text: str) -> str:
        """Paths from where pytest was called, as the command has them: no reader needs the writer's home."""
        return text.replace(f"{self.config.invocation_params.dir}{os.sep}", "")

    def _command(self) -> str:
        """What was typed, without what an update would contradict, to be copied from the terminal."""
        words, kept = list(map(str, self.config.invocation_params.args)), []
        while words:
            word = words.pop(0)
            if not word.startswith(_NOT_REPEATED):
                kept.append(word)
            elif word in _WITH_VALUE and words:
                words.pop(0)  # its value stands in a word of its own
        return shlex.join(["pytest", *kept])

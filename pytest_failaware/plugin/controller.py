"""The hooks of the one process that reports and writes: the controller of xdist, or the only process there is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from pytest_failaware.baselines.ignored import ignored_sentence
from pytest_failaware.baselines.updates import outcome_sentence, refused_updates, update_baselines
from pytest_failaware.config.baseline_folder import baseline_folder
from pytest_failaware.config.command import accept_command, shown_command
from pytest_failaware.config.given import COMMAND_LINE
from pytest_failaware.config.inis_below import is_only_ini
from pytest_failaware.core.attachment import Attachment, JudgedItem
from pytest_failaware.core.errors import ConfigError, FailAwareError
from pytest_failaware.core.request import RunConfig
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.summary import RunReport
from pytest_failaware.core.text import describe_error, described, printable, without_folder, without_home
from pytest_failaware.judge.corruption.summary import run_corruption
from pytest_failaware.judge.false_alarms import false_alarms
from pytest_failaware.plugin.attaching import ATTACHMENT, attached
from pytest_failaware.plugin.bends import bends_of, typed_text
from pytest_failaware.plugin.console import (
    GateFailure,
    Place,
    bars,
    verbosity_of,
    width_of,
    write,
)
from pytest_failaware.plugin.early import EarlyWord
from pytest_failaware.plugin.gated_items import GIVE_ONE
from pytest_failaware.plugin.ledger import NOTHING, Ledger
from pytest_failaware.plugin.obsolete import Unused, find_unused, remove_baseline
from pytest_failaware.plugin.partial_run import narrowed_by, skipped_files
from pytest_failaware.plugin.session import FROM_FIXTURES
from pytest_failaware.plugin.strict import strict_complaints
from pytest_failaware.plugin.user_code import UserCodeError, contained
from pytest_failaware.report.failure import failure_text, headline
from pytest_failaware.report.github import workflow_commands
from pytest_failaware.report.made import commit_of, date_of, versions
from pytest_failaware.report.outputs import write_outputs
from pytest_failaware.report.terminal.display import Display
from pytest_failaware.report.terminal.repeats import Repeats
from pytest_failaware.report.terminal.summary import summary_lines
from pytest_failaware.report.words import name_in

_ENDED: Final[Mapping[int, str]] = {2: "interrupted", 3: "an internal error", 4: "a usage error", 5: "no test was run"}


class Controller:
    """Gathers what the items' reports carry; at the end writes the files and tells what happened.

    It has no properties: pytest reads every attribute of a plugin when it is registered.
    """

    def __init__(self, config: pytest.Config, run: RunConfig, early: EarlyWord) -> None:
        self.config = config
        self.run = run
        self.early = early
        self.ledger = Ledger()
        self.usage_error = False
        self.incomplete = ""
        self.unused = Unused()
        self.complaints: list[str] = []
        self.diffs: list[str] = []
        self.is_settled = False
        self.repeats = Repeats()
        self._unwritten: set[str] = set()  # names of baselines that were refused
        self.uncollected = ""
        self._whole_can_go = False

    # ---- while tests run -------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what each report carries, and have a failed gate shown as this terminal can show it."""
        attachment = attached(report, ATTACHMENT, Attachment) or NOTHING
        self.ledger.add(report, attachment, getattr(report, "worker_id", ""))
        for sentence in attachment.early:
            self.early.say(sentence)
        if report.skipped and GIVE_ONE in str(report.longrepr):
            self.ledger.skipped[report.nodeid] = None
        if report.when == "call" and report.failed and attachment.judged is not None:
            self._show(report, self.ledger.results[report.nodeid])
        elif report.failed and attachment.error:
            self._shorten(report, attachment.error)

    def _show(self, report: pytest.TestReport, result: ItemResult) -> None:
        """Put our own text in place of the same text that came as plain lines, maybe from another process."""
        found = failure_text(result, verbosity=verbosity_of(self.config))
        whole = tuple(line._replace(text=without_home(line.text)) for line in found)
        has_numbers = any(one.verdict.fails for one in result.comparisons)
        lines = whole if has_numbers else self.repeats.shortened(whole, name_in(report.nodeid))
        file, line = result.location
        place = Place(path=str(self.config.rootpath / file), lineno=line, message=printable(headline(result)))
        failure = GateFailure(lines=lines, reprcrash=place, config=self.config)
        if str(report.longrepr).strip() == "\n".join(printable(line.text) for line in whole).strip():
            report.longrepr = failure  # type: ignore[assignment]  # pytest asks for toterminal and reprcrash alone

    def _shorten(self, report: pytest.TestReport, text: str) -> None:
        """Name the test that has the same error in place of the whole text, which is then said once."""
        if str(report.longrepr).strip() == text.strip():
            report.longrepr = self.repeats.named(text, name_in(report.nodeid))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a module that failed or was skipped: its marked tests are not known."""
        if not report.passed:
            self.uncollected = self.uncollected or report.nodeid

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
        self.ledger.settle()
        try:
            self._find_unused()
            self._update()
            if self.run.writing.asked and not self.run.writing.dry_run:
                self._find_unused()  # among what is stored now
        except (FailAwareError, OSError) as error:
            self._refuse(f"not written: {error}")
        unread = self._unread()
        if self.run.strict:
            self.complaints += [f"strict: {sentence}" for sentence in unread]
            self.complaints += strict_complaints(
                self.report(),
                excused=self.ledger.excused,
                uncollected=self.uncollected,
                files_skipped=skipped_files(self.config),
                ends_green=exitstatus == pytest.ExitCode.OK,
            )
            self._note_partial()
        else:
            self.ledger.notices += unread
        if self.ledger.results:
            self._call_report_hooks()
        elif self.ledger.skipped:
            self.ledger.notices.append(f"no model given, so {len(self.ledger.skipped)} items skipped; {GIVE_ONE}")
        elif not self.ledger.selected and self._was_typed("model", "predictions"):
            self.ledger.notices.append("no marked test ran, so nothing was compared")
        written = write_outputs(
            self.run.outputs, self._dated(), self.ledger.measured, self.ledger.drawn, os.environ, shorten=self._short
        )
        self.ledger.notices += written.done
        for sentence in written.failed:
            self._refuse(sentence)
        self._set_exit_code(session, exitstatus)
        self.is_settled = True

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

    def _find_unused(self) -> None:
        """What is stored and was used by no test; nothing where a second model is the reference."""
        if self.ledger.results and self.run.against is None:
            self.unused = find_unused(self.run.baseline_dir, self.ledger.used)
            self._whole_can_go = bool(self.unused.whole) and not self._partial() and self._knows_all_baselines()

    def _obsolete(self) -> dict[str, list[str]]:
        """The stored entries that can go, by baseline: none where this run does not show all that uses them."""
        if self._partial():
            return {}
        return {**self.unused.entries, **(self.unused.whole if self._whole_can_go else {})}

    def _knows_all_baselines(self) -> bool:
        """Whether other runs cannot use other baselines of this folder.

        They can where a name comes from the model or the command line, and where another ini may use the same folder:
        folders are searched for one only if a whole baseline is unused.
        """
        ini = self.config.inipath
        if (
            ini is None
            or self._was_typed("baseline", "baseline-dir")
            or not self.ledger.all_named
            or self.config.getoption("inifilename", None)
        ):
            return False
        folder = self.run.baseline_dir
        return folder.resolve().is_relative_to(ini.parent.resolve()) and is_only_ini(ini, folder)

    def _was_typed(self, *names: str) -> bool:
        """Whether one of these options stands on the command line."""
        origins = self.run.origins
        return any(name in origins and origins[name].place == COMMAND_LINE for name in names)

    def _unread(self) -> list[str]:
        """A sentence on each typed model or data set that fixtures of the tests replaced everywhere."""
        if not self.ledger.results or self.run.predictions is not None:
            return []
        unused = [name for name in FROM_FIXTURES if name not in self.ledger.opened]
        typed = {name: typed_text(self.config, self.run, name) for name in unused}
        return [
            f"{text} was used by no test: the fixture failaware_{name} of the tests gives another; remove one of them"
            for name, text in typed.items()
            if text
        ]

    def _partial(self) -> str:
        """Why this run does not show all that uses the baselines, "" where it does."""
        if self.incomplete:
            return self.incomplete
        if narrowed := narrowed_by(self.config):
            return f"only a part of the tests was selected ({narrowed})"
        if self.uncollected:
            return f"{self.uncollected} was not collected"
        if self.ledger.deselected:
            return f"{len(self.ledger.deselected)} marked tests were deselected"
        if self.ledger.unchecked:
            return f"{len(self.ledger.unchecked)} marked tests have no result"
        return ""

    def _note_partial(self) -> None:
        """Say of a strict run why it leaves stored entries that no test used, unless a complaint says it."""
        partial = self._partial()
        if partial and self.unused.count and not self.complaints:
            self.ledger.notices.append(f"strict: unused entries were not looked for: {partial}")

    def _update(self) -> None:
        writing = self.run.writing
        refused = refused_updates(self.ledger.in_order, writing)
        pending = [item for item in self.ledger.to_write if item.result.baseline not in refused]
        if writing.prune and (partial := self._partial()):
            self._refuse(f"NOT pruned: {partial}; prune in a full run")
        if not writing.asked or not (pending or refused or writing.prune):
            return
        if self.incomplete:
            self.ledger.notices.append(f"baselines NOT written: {self.incomplete}; {len(pending)} results were ready")
            return
        for name, sentence in refused.items():
            self._unwritten.add(name)
            self._refuse(sentence)
        obsolete = {name: keys for name, keys in self._obsolete().items() if name not in refused and writing.prune}
        whole = [name for name in obsolete if name in self.unused.whole]
        self._write(pending, {name: keys for name, keys in obsolete.items() if name not in whole})
        self._delete(whole)

    def _write(self, pending: Sequence[JudgedItem], obsolete: Mapping[str, Sequence[str]]) -> None:
        """Update one baseline after another, and delete single entries that no test uses."""
        writing, directory = self.run.writing, self.run.baseline_dir
        self._unwritten |= {item.result.baseline for item in pending}  # until each is written
        for name, outcome in update_baselines(directory, pending, obsolete, writing):
            self._unwritten.discard(name)
            sentence = outcome_sentence(name, directory, outcome, dry_run=writing.dry_run)
            if outcome.refused or outcome.lacking:
                self._unwritten.add(name)
                self._refuse(sentence)
            else:
                self.ledger.notices += filter(None, [ignored_sentence(directory, name), sentence])
            if writing.dry_run:
                self.diffs.append(outcome.diff)

    def _delete(self, names: Sequence[str]) -> None:
        """Delete whole baselines that no test uses."""
        for name in names:
            if self.run.writing.dry_run:
                self.ledger.notices.append(f"{name}.yaml: used by no test, would be deleted; dry run, nothing written")
            else:
                self.ledger.notices.append(remove_baseline(self.run.baseline_dir, name))

    def _refuse(self, sentence: str) -> None:
        """Something asked for was not done: it is said, and the run ends with the exit code of a usage error."""
        self.usage_error = True
        self.complaints.append(sentence)

    def _call_report_hooks(self) -> None:
        hook = "the hook pytest_failaware_report"
        try:
            with contained(hook):
                answers = self.config.hook.pytest_failaware_report(report=self.report())
        except UserCodeError as error:
            self._refuse(str(error))
            return
        except Exception as error:  # the user's code runs here
            self._refuse(f"{hook} raised {describe_error(error)}; repair it")
            return
        for answer in answers:
            self._add_lines(hook, answer)

    def _add_lines(self, hook: str, answer: Any) -> None:  # Any: whatever a hook returned
        """Take in the lines of one answer, which may be made one by one by the hook's own code."""
        try:
            with contained(hook):
                lines = [answer] if isinstance(answer, str) else list(answer)
        except Exception as error:  # the user's code runs here
            self._refuse(f"{hook} returned {described(answer)}, which raised {describe_error(error)}; return a list of "
                         "lines, or None")  # fmt: skip
            return
        if isinstance(answer, str) or not all(isinstance(line, str) for line in lines):
            self._refuse(f"{hook} returned {described(answer)}; return a list of lines, or None")
        else:
            self.ledger.notices += lines

    def _set_exit_code(self, session: pytest.Session, exitstatus: int) -> None:
        """Raise the exit code of a run that ended; one that another plugin has set is left where ours is no worse."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        if self.usage_error or self.ledger.errors:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif self.complaints and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def is_red(self) -> bool:
        """Whether a strict run must not end with exit code 0."""
        return self.run.strict and (not self.is_settled or not self.report().passed)

    # ---- for people ------------------------------------------------------------------------------------------------

    def report(self) -> RunReport:
        """Everything there is to say about the run so far."""
        lost = self._lost()
        return RunReport(
            facts=tuple(map(self._short, (*self.ledger.facts, *self._bends(), *false_alarms(self.ledger.alphas)))),
            results=tuple(one.unwritten if one.nodeid in lost else one for one in self.ledger.in_order),
            errors={nodeid: self._short(text) for nodeid, text in self.ledger.errors.items()},
            complaints=tuple(map(self._short, self.complaints)),
            notices=tuple(map(self._short, self.ledger.notices)),
            unchecked=self.ledger.unchecked,
            left_out=self.ledger.left_out,
            failed=tuple(self.ledger.failed),
            unwritten=lost,
            obsolete=tuple(f"{name}: {key}" for name, keys in self._obsolete().items() for key in keys),
            unused=0 if self._partial() else self.unused.count,
            stored=self.unused.stored,
            bends=tuple(map(self._short, bends_of(self.config, self.run))),
            incomplete=self.incomplete,
            workers=self.ledger.workers_per_model,
            command=self._command(),
            accept=self._accept(),
            in_ci=self.run.writing.is_refused,
            corruption=run_corruption(self.ledger.results.values()),
        )

    def _dated(self) -> RunReport:
        """The report with when and from what it was made: for files, and never for a baseline."""
        if not self.run.outputs.are_asked:
            return self.report()
        return replace(
            self.report(),
            date=date_of(os.environ, datetime.now(UTC)),
            commit=commit_of(os.environ, self.config.rootpath),
            versions=versions(),
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
            for command in workflow_commands(report, self.config.rootpath, os.environ.get("GITHUB_WORKSPACE", "")):
                terminalreporter.write_line(self._short(command))

    def _bends(self) -> list[str]:
        """A line for the summary on each thing that the command line says in place of a reviewed file."""
        if not self.ledger.results:
            return []
        return [f"note: from the command line: {bend}" for bend in bends_of(self.config, self.run)]

    def _lost(self) -> tuple[str, ...]:
        """The tests whose values were to be stored, and were not."""
        if not self.run.writing.asked or self.run.writing.dry_run:
            return ()
        written = [] if self.incomplete else [result for nodeid, result in self.ledger.results.items()
                                              if nodeid in self.ledger.pending]  # fmt: skip
        stored = {result.nodeid for result in written if result.baseline not in self._unwritten}
        wanted = (nodeid for nodeid, result in self.ledger.results.items() if result.verdict.is_written)
        return tuple(nodeid for nodeid in wanted if nodeid not in stored)

    def _short(self, text: str) -> str:
        """Paths from where pytest was called, as the command has them: no reader needs the writer's home."""
        start, root = self.config.invocation_params.dir, self.config.rootpath
        for folder in (start, root, self.run.baseline_dir):
            text = without_folder(text, folder, start)
        return without_home(text)

    def _accept(self) -> str:
        """The command that stores what this run measured, from its JSON; "" without one."""
        path, start = self.run.outputs.json, self.config.invocation_params.dir
        if path is None or self.incomplete or self.run.writing.asked:
            return ""
        try:
            is_found = (start / baseline_folder(start)).resolve() == self.run.baseline_dir.resolve()
        except ConfigError:  # a file that pytest does not use either
            is_found = False
        folder = "" if is_found else os.path.relpath(self.run.baseline_dir, start)
        return self._short(accept_command(os.path.relpath(path, start), self.ledger.in_order, folder))

    def _command(self) -> str:
        """What was typed, without what an update would contradict, to be copied from the terminal."""
        typed = self.config.args_source is pytest.Config.ArgsSource.ARGS
        words = [str(word) for word in self.config.invocation_params.args]
        return self._short(shown_command(words, self.config.args if typed else ()))

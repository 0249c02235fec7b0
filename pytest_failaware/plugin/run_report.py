"""Make the report of a run for the terminal, for files and for hooks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pytest_failaware.config.baseline_folder import baseline_folder
from pytest_failaware.config.command import accept_command, shown_command
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.fact import Fact, note
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.summary import RunReport
from pytest_failaware.judge.corruption.summary import run_corruption
from pytest_failaware.judge.false_alarms import false_alarms
from pytest_failaware.judge.rule_changes import rule_changes
from pytest_failaware.plugin.bends import bends_of
from pytest_failaware.plugin.completeness import why_partial
from pytest_failaware.plugin.run_state import RunState
from pytest_failaware.plugin.writing import obsolete_entries
from pytest_failaware.report.made import commit_of, date_of, versions


def report_of(state: RunState) -> RunReport:
    """Return the report of the run so far."""
    unwritten = _unwritten(state)
    return RunReport(
        facts=tuple(replace(fact, text=state.shorten(fact.text)) for fact in _facts(state)),
        results=tuple(_results(state, unwritten)),
        errors={nodeid: state.shorten(text) for nodeid, text in state.ledger.errors.items()},
        complaints=tuple(map(state.shorten, state.complaints)),
        notices=tuple(map(state.shorten, state.ledger.notices)),
        unchecked=state.ledger.unchecked,
        left_out=state.ledger.left_out,
        failed=tuple(state.ledger.failed),
        unwritten=unwritten,
        obsolete=tuple(f"{name}: {key}" for name, keys in obsolete_entries(state).items() for key in keys),
        unused=0 if why_partial(state) else state.unused.count,
        stored=state.unused.stored,
        bends=tuple(map(state.shorten, bends_of(state.config, state.run))),
        incomplete=state.incomplete,
        workers=state.ledger.workers_per_model,
        command=_command(state),
        accept=_accept(state),
        advice=state.advice,
        in_ci=state.run.writing.is_refused,
        corruption=run_corruption(state.ledger.results.values()),
    )


def _results(state: RunState, unwritten: Collection[str]) -> Iterator[ItemResult]:
    """Yield all results; a pooled verdict is unwritten with the items of its test."""
    tests = {result.test for result in state.ledger.in_order if result.nodeid in unwritten}
    for result in state.ledger.with_means:
        is_unwritten = result.test in tests if result.is_mean else result.nodeid in unwritten
        yield result.unwritten if is_unwritten else result


def dated_report(state: RunState) -> RunReport:
    """Return the report with date, commit and versions if a file is asked for; a baseline never has these."""
    if not state.run.outputs.are_asked:
        return report_of(state)
    return replace(
        report_of(state),
        date=date_of(os.environ, datetime.now(UTC)),
        commit=commit_of(os.environ, state.config.rootpath),
        versions=versions(),
    )


def _facts(state: RunState) -> Iterator[Fact]:
    """Yield what the run used, what changed its rules or gates, and how often chance alone makes a gate fail."""
    yield from state.ledger.facts
    yield from map(note, (*rule_changes(state.ledger.in_order), *state.not_pooled))
    if state.ledger.results:
        yield from (note(f"from the command line: {bend}") for bend in bends_of(state.config, state.run))
    yield from (Fact(text=text) for text in false_alarms(state.ledger.alphas))


def _unwritten(state: RunState) -> tuple[str, ...]:
    """Return the tests whose values should have been stored and were not."""
    if not state.run.writing.asked or state.run.writing.dry_run:
        return ()
    written = [] if state.incomplete else [result for nodeid, result in state.ledger.results.items()
                                          if nodeid in state.ledger.pending]  # fmt: skip
    stored = {result.nodeid for result in written if result.baseline not in state.unwritten}
    wanted = (nodeid for nodeid, result in state.ledger.results.items() if result.verdict.is_written)
    return tuple(nodeid for nodeid in wanted if nodeid not in stored)


def _accept(state: RunState) -> str:
    """Return the command that stores the values of this run from its JSON report, "" without a JSON report."""
    path, start = state.run.outputs.json, state.config.invocation_params.dir
    if path is None or state.incomplete or state.run.writing.asked:
        return ""
    try:
        is_default = (start / baseline_folder(start)).resolve() == state.run.baseline_dir.resolve()
    except ConfigError:  # the command cannot read the ini, so it needs the folder
        is_default = False
    folder = "" if is_default else os.path.relpath(state.run.baseline_dir, start)
    return state.shorten(accept_command(os.path.relpath(path, start), state.ledger.with_means, folder))


def _command(state: RunState) -> str:
    """Return the typed command without options that contradict an update, for the reader to copy."""
    typed = state.config.args_source is pytest.Config.ArgsSource.ARGS
    words = [str(word) for word in state.config.invocation_params.args]
    return state.shorten(shown_command(words, state.config.args if typed else ()))

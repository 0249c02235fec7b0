"""Call the hook pytest_failaware_report, which adds lines to the summary."""

from __future__ import annotations

from typing import Any

from pytest_failaware.core.text import describe_error, described
from pytest_failaware.plugin.run_report import report_of
from pytest_failaware.plugin.run_state import RunState
from pytest_failaware.plugin.user_code import UserCodeError, contained


def call_report_hooks(state: RunState) -> None:
    """Call the hook with the report of the run; its lines become notices, and an exception fails the run."""
    hook = "the hook pytest_failaware_report"
    try:
        with contained(hook):
            answers = state.config.hook.pytest_failaware_report(report=report_of(state))
    except UserCodeError as error:
        state.refuse(str(error))
        return
    except Exception as error:  # the user's code runs here
        state.refuse(f"{hook} raised {describe_error(error)}; repair it")
        return
    for answer in answers:
        _add_lines(state, hook, answer)


def _add_lines(state: RunState, hook: str, answer: Any) -> None:  # Any: a hook may return any type
    """Add the lines of one answer, which may be a generator and so run code of the hook."""
    try:
        with contained(hook):
            lines = [answer] if isinstance(answer, str) else list(answer)
    except Exception as error:  # the user's code runs here
        state.refuse(f"{hook} returned {described(answer)}, which raised {describe_error(error)}; return a list of "
                     "lines, or None")  # fmt: skip
        return
    if isinstance(answer, str) or not all(isinstance(line, str) for line in lines):
        state.refuse(f"{hook} returned {described(answer)}; return a list of lines, or None")
    else:
        state.ledger.notices += lines

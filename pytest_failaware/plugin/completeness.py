"""Say whether a run has every test that uses the baselines, and whether a test used each typed option."""

from __future__ import annotations

from pytest_failaware.plugin.bends import typed_text
from pytest_failaware.plugin.partial_run import narrowed_by
from pytest_failaware.plugin.run_state import RunState


def why_partial(state: RunState) -> str:
    """Return why this run lacks tests that may use the baselines, or "" if it has all of them."""
    if state.incomplete:
        return state.incomplete
    if narrowed := narrowed_by(state.config):
        return f"only a part of the tests was selected ({narrowed})"
    if state.uncollected:
        return f"{state.uncollected} was not collected"
    if state.ledger.deselected:
        return f"{len(state.ledger.deselected)} marked tests were deselected"
    if state.ledger.unchecked:
        return f"{len(state.ledger.unchecked)} marked tests have no result"
    return ""


def note_partial(state: RunState) -> None:
    """Add a notice why a strict run did not look for unused entries, unless a complaint already says so."""
    partial = why_partial(state)
    if partial and state.unused.count and not state.complaints:
        state.ledger.notices.append(f"strict: unused entries were not looked for: {partial}")


def unread_options(state: RunState) -> list[str]:
    """Return a sentence on each typed model or data set that no test used, because fixtures replaced it everywhere."""
    if not state.ledger.results:
        return []
    unused = [name for name in state.run.subject.fixtures if name not in state.ledger.opened]
    typed = {name: typed_text(state.config, state.run, name) for name in unused}
    return [
        f"{text} was used by no test: the fixture failaware_{name} of the tests gives another; remove one of them"
        for name, text in typed.items()
        if text
    ]

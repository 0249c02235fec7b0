"""The pooled verdict of each marked test, in the process that reports: no item, but a report like that of an item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from pytest_failaware.config.gate import gate_of
from pytest_failaware.config.vocabulary import Vocabulary
from pytest_failaware.core.pooled import Share
from pytest_failaware.core.request import Writing
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.core.text import printable, without_home
from pytest_failaware.judge.acceptance import accepted
from pytest_failaware.plugin.ledger import JudgedCondition, Ledger, mean_id
from pytest_failaware.report import junit
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.words import name_in

_LAST_FAILED: Final = "cache/lastfailed"
"""The key under which pytest's cache keeps the ids of the failed tests for --lf."""


def pooled_verdict(ledger: Ledger, nodeid: str, vocabulary: Vocabulary, writing: Writing) -> ItemResult | None:
    """Return the pooled verdict of the marked test of an item, None unless all declared conditions were measured.

    It is None, too, if the ledger has it already.

    A loss that an update accepts with its reason passes, as in an item.
    """
    items = [condition.item for condition in ledger.conditions_of(nodeid) if not condition.trouble]
    shares = [item.share for item in items if item.share is not None]
    if not items or mean_id(items[0].result.test) in ledger.means:
        return None
    if not items[0].pooled or len(shares) < len(items[0].declared) or not _have_same_samples(shares):
        return None
    from pytest_failaware.judge.pooled import pooled_result

    declared = items[0].declared
    ordered = sorted(zip(items, shares, strict=True), key=lambda pair: declared.index(pair[1].condition))
    items, shares = [item for item, _ in ordered], [share for _, share in ordered]
    gate = gate_of(items[0].declaration, vocabulary)
    test = items[0].result.test
    result = pooled_result([item.result for item in items], shares, gate, mean_id(test))
    return accepted(result, writing) if result is not None and result.verdict.fails else result


def _have_same_samples(shares: Sequence[Share]) -> bool:
    return len({share.samples for share in shares}) == 1


# ---- the report ----------------------------------------------------------------------------------------------------


def reports_of(result: ItemResult, verbosity: int) -> Iterator[pytest.TestReport]:
    """Yield the reports of the three phases, from which pytest and other plugins count and write what they do."""
    file, line = result.location
    name = name_in(result.nodeid)
    fails = result.verdict.fails
    lines = failure_lines(result, verbosity=verbosity) if fails else ()
    text = "\n".join(printable(without_home(line)) for line in lines)
    for phase in ("setup", "call", "teardown"):
        yield pytest.TestReport(
            nodeid=result.nodeid,
            location=(file, line - 1, name),
            keywords={name: 1},
            outcome="failed" if fails and phase == "call" else "passed",
            longrepr=text if fails and phase == "call" else None,
            when=phase,
            user_properties=junit.properties(result),
        )


def add_to_count(config: pytest.Config) -> None:
    """Let pytest's progress count one test more than was collected."""
    session = config.pluginmanager.getplugin("session")
    if session is not None:
        session.testscollected += 1


def rerun_conditions(config: pytest.Config, ledger: Ledger) -> None:
    """Let --lf run all conditions of a test whose pooled verdict failed: pytest knows no item with its id.

    Without this, pytest would find none of the failed ids and run the whole suite.
    """
    cache = getattr(config, "cache", None)  # absent with -p no:cacheprovider
    known = {} if cache is None else cache.get(_LAST_FAILED, {})
    failed = [result for nodeid, result in ledger.means.items() if nodeid in known]
    if cache is None or not failed:
        return
    for result in failed:
        del known[result.nodeid]
        known |= dict.fromkeys(ledger.ids_of(result.test), True)
    cache.set(_LAST_FAILED, known)


# ---- where there is none ---------------------------------------------------------------------------------------------


def not_pooled(ledger: Ledger) -> Iterator[str]:
    """Yield why a marked test has no pooled verdict although its gate declares one and something was compared."""
    for test in ledger.tests:
        conditions = ledger.conditions_in(test)
        is_compared = any(condition.item.share is not None for condition in conditions)
        is_recorded = any(condition.item.result.verdict is Verdict.RECORDED for condition in conditions)
        if mean_id(test) not in ledger.means and is_compared and not is_recorded and (why := _why_not(conditions)):
            yield f"{name_in(''.join(test).removesuffix('[]'))}: mean not judged: {why}"


def _why_not(conditions: Sequence[JudgedCondition]) -> str:
    declared = len(conditions[0].item.declared)
    unusable = {condition.item.result.stats.condition: _lack(condition) for condition in conditions}
    lacking = [f"{key} {lack}" for key, lack in unusable.items() if lack]
    if lacking:
        return f"{len(conditions) - len(lacking)} of {declared} conditions can be used ({', '.join(lacking)})"
    if len(conditions) < declared:
        return f"{len(conditions)} of {declared} conditions ran"
    shares = [condition.item.share for condition in conditions if condition.item.share is not None]
    return "" if _have_same_samples(shares) else "the conditions were compared on different samples"


def _lack(condition: JudgedCondition) -> str:
    """Return why a condition that ran cannot be pooled, "" if it can."""
    if condition.trouble:
        return condition.trouble
    return "" if condition.item.share is not None else f"is {condition.item.result.verdict.words}"

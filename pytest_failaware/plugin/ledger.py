"""Gather the results of a whole run from test reports, in the one process that reports and writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

from pytest_failaware.core.attachment import Attachment, Collected, JudgedItem
from pytest_failaware.core.condition import MEAN
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.result import ItemResult
from pytest_failaware.judge.alarms import with_alarms

NOTHING: Final = Attachment()

Test = tuple[str, str]
"""The id of a marked test: what pytest puts before and after the condition."""


def mean_id(test: Test) -> str:
    """Return the id of the pooled verdict of a marked test: `mean` in the place of the condition."""
    return MEAN.join(test)


class Report(Protocol):
    """pytest's report of one phase of an item; other plugins may change its outcome until the run ends."""

    nodeid: str
    when: Any  # Any: pytest's literal, setup, call or teardown
    outcome: Any  # Any: pytest's literal, passed, failed or skipped; a plugin may write another text


@dataclass(kw_only=True)
class _Attempt:
    """What an item sent in one attempt, and the reports of its phases."""

    item: JudgedItem
    call: Report
    teardown: Report | None = None


class JudgedCondition(NamedTuple):
    """What an item sent, and what besides its gate kept it from passing, "" if nothing did."""

    item: JudgedItem
    trouble: str


@dataclass(kw_only=True)
class Ledger:
    """The results of the items, by test id; only the last attempt of a test that ran again counts.

    `selected`, `deselected` and `unmarked` hold the marked items of the run; `skipped` holds those that were skipped
    because no model was given; `drawn` holds what the HTML report draws for each result; `means` holds the pooled
    verdicts by their ids.

    `settle` fills the rest. `measured` holds the items whose body and teardown passed, and `pending` those of them
    whose values will be written. `excused` holds tests whose gate failed and that pytest let pass, as xfail does.
    `failed` holds tests that failed although their gates passed.
    """

    selected: dict[str, None] = field(default_factory=dict)
    deselected: dict[str, None] = field(default_factory=dict)
    unmarked: dict[str, None] = field(default_factory=dict)  # left out by -m alone
    skipped: dict[str, None] = field(default_factory=dict)
    results: dict[str, ItemResult] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    excused: dict[str, None] = field(default_factory=dict)
    failed: dict[str, None] = field(default_factory=dict)
    measured: dict[str, JudgedItem] = field(default_factory=dict)
    pending: dict[str, JudgedItem] = field(default_factory=dict)
    drawn: dict[str, Pictures] = field(default_factory=dict)
    facts: dict[Fact, None] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)  # options whose model or data set a process opened
    notices: list[str] = field(default_factory=list)
    lost_worker: bool = False
    means: dict[str, ItemResult] = field(default_factory=dict)
    _attempts: dict[str, _Attempt] = field(default_factory=dict)
    _ids: dict[Test, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))  # of the items of each test
    _subtests: dict[str, list[Report]] = field(default_factory=lambda: defaultdict(list))
    _loaders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add_collection(self, collected: Collected) -> None:
        """Add the marked items that one process collected; every worker collects all of them."""
        self.selected |= dict.fromkeys(collected.selected)
        self.deselected |= dict.fromkeys(collected.deselected)
        self.unmarked |= dict.fromkeys(collected.unmarked)

    def add(self, report: Report, attachment: Attachment = NOTHING, worker: str = "") -> None:
        """Add one report, its attachment and the worker it comes from; its outcome is read at the end.

        The reports of subtests have the id of their item and come during its call. They are never removed, because a
        plugin that runs tests again reports subtests before the setup of the attempt to which they belong.
        """
        nodeid = report.nodeid
        if report.when == "setup":
            for known in (self.results, self.errors, self.drawn, self._attempts, self.skipped):
                known.pop(nodeid, None)
        self.notices += [notice for notice in attachment.notices if notice not in self.notices]
        if attachment.lacks_model:
            self.skipped[nodeid] = None
        if attachment.error and report.outcome == "failed":
            self.errors[nodeid] = attachment.error
        if report.when == "call" and attachment.judged is not None:
            self._add_result(report, attachment.judged, worker)
        elif report.when == "call":
            self._subtests[nodeid].append(report)
        elif report.when == "teardown" and nodeid in self._attempts:
            self._attempts[nodeid].teardown = report

    def _add_result(self, report: Report, item: JudgedItem, worker: str) -> None:
        self.results[report.nodeid] = item.result
        self.facts |= dict.fromkeys(item.facts)
        self.opened |= set(item.opened)
        self._loaders[item.model].add(worker)
        self._attempts[report.nodeid] = _Attempt(item=item, call=report)
        self._ids[item.result.test][report.nodeid] = None
        if item.pictures is not None:
            self.drawn[report.nodeid] = item.pictures

    def settle(self) -> None:
        """Read the outcomes when nothing can change them any more; the values of an item count if its test passed."""
        for nodeid, attempt in self._attempts.items():
            fails = self.results[nodeid].verdict.fails
            if fails and (attempt.call.outcome != "failed" or hasattr(attempt.call, "wasxfail")):
                self.excused[nodeid] = None
            trouble = self._trouble(nodeid, attempt, fails=fails)
            if trouble and not fails:
                self.failed[nodeid] = None
            if trouble and attempt.item.is_to_write:
                self.notices.append(f"not written: {nodeid} {trouble}")
            if trouble or attempt.teardown is None:
                continue
            if attempt.item.is_for_files:
                self.measured[nodeid] = attempt.item
            if attempt.item.is_to_write and attempt.call.outcome == "passed":
                self.pending[nodeid] = attempt.item

    def _trouble(self, nodeid: str, attempt: _Attempt, *, fails: bool) -> str:
        """Return what besides its gate kept a test from passing, "" if nothing did."""
        if any(report.outcome == "failed" for report in self._subtests.get(nodeid, ())):
            return "failed in a subtest"
        if not fails and attempt.call.outcome != "passed":
            return f"{attempt.call.outcome} after its gate had passed"
        if attempt.teardown is not None and attempt.teardown.outcome != "passed":
            return f"{attempt.teardown.outcome} in its teardown"
        return ""

    @property
    def tests(self) -> tuple[Test, ...]:
        """The marked tests of which an item has sent a result."""
        return tuple(self._ids)

    def ids_of(self, test: Test) -> tuple[str, ...]:
        """Return the ids of the items of a marked test."""
        return tuple(self._ids[test])

    def conditions_of(self, nodeid: str) -> list[JudgedCondition]:
        """Return the conditions of the marked test of an item so far; none for an item without a result."""
        return self.conditions_in(self.results[nodeid].test) if nodeid in self.results else []

    def conditions_in(self, test: Test) -> list[JudgedCondition]:
        """Return the conditions of a marked test so far."""
        attempts = {nodeid: self._attempts[nodeid] for nodeid in self._ids[test] if nodeid in self._attempts}
        return [JudgedCondition(attempt.item, self._pools_not(nodeid, attempt)) for nodeid, attempt in attempts.items()]

    def _pools_not(self, nodeid: str, attempt: _Attempt) -> str:
        """Return why a condition cannot be pooled although it sent a result, "" if it can."""
        if hasattr(attempt.call, "wasxfail"):
            return "is expected to fail"
        if "rerun" in (getattr(attempt.call, "outcome", ""), getattr(attempt.teardown, "outcome", "")):
            return "runs again"
        if attempt.teardown is None:
            return "did not end"
        return self._trouble(nodeid, attempt, fails=self.results[nodeid].verdict.fails)

    @property
    def with_means(self) -> tuple[ItemResult, ...]:
        """The results in the order of the collection, with the pooled verdict after the last item of its test."""
        results = self.in_order
        last = {result.test: result.nodeid for result in results}
        after = {nodeid: self.means[mean_id(test)] for test, nodeid in last.items() if mean_id(test) in self.means}
        pairs = ((result, after.get(result.nodeid)) for result in results)
        return tuple(result for pair in pairs for result in pair if result is not None)

    @property
    def in_order(self) -> tuple[ItemResult, ...]:
        """The results in the order of the collection, with the alarms that the condition clean raises."""
        return with_alarms(self.results[nodeid] for nodeid in self._collected(self.results))

    @property
    def items(self) -> dict[str, JudgedItem]:
        """What the items with a result sent, by test id, in the order of the collection."""
        return {nodeid: self._attempts[nodeid].item for nodeid in self._collected(self.results)}

    @property
    def to_write(self) -> tuple[JudgedItem, ...]:
        """The pending items in the same order."""
        return tuple(self.pending[nodeid] for nodeid in self._collected(self.pending))

    def _collected(self, nodeids: Iterable[str]) -> list[str]:
        """Sort test ids in the order of the collection; ids that no process reported as collected come last."""
        places = {nodeid: place for place, nodeid in enumerate(self.selected)}
        return sorted(nodeids, key=lambda nodeid: places.get(nodeid, len(places)))

    @property
    def unchecked(self) -> tuple[str, ...]:
        """The marked items that were selected and have no result."""
        return tuple(nodeid for nodeid in self.selected if nodeid not in self.results)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The marked items that were collected and did not run, except those that -m left out."""
        return tuple(nodeid for nodeid in self.deselected if nodeid not in self.unmarked)

    @property
    def used(self) -> dict[str, set[str]]:
        """The conditions that have a result, by the name of their baseline."""
        conditions: dict[str, set[str]] = defaultdict(set)
        for result in self.results.values():
            conditions[result.baseline].add(result.stats.condition)
        return conditions

    @property
    def all_named(self) -> bool:
        """Whether a marker or an option names the baseline of every item, and none is named after its model."""
        return all(attempt.item.is_named for attempt in self._attempts.values())

    @property
    def alphas(self) -> tuple[Decimal, ...]:
        """The chance of a false alarm of each marked test, all of its conditions together."""
        items = [attempt.item for attempt in self._attempts.values()]
        by_test = {item.result.test: item.alpha for item in items if item.alpha is not None}
        return tuple(by_test.values())

    @property
    def workers_per_model(self) -> int:
        """The largest number of processes that loaded the same model."""
        return max(map(len, self._loaders.values()), default=0)

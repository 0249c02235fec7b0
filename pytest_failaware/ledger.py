"""The results of a whole run, gathered from test reports in the one process that reports and writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_failaware.report.document import result_from_plain
from pytest_failaware.report.drawn import pictures_from_plain
from pytest_failaware.schema import ItemResult, Pictures

Entry = Mapping[str, Any]
"""What an item attaches to its report. Any: plain data of any depth."""


@dataclass(kw_only=True)
class Ledger:
    """What the items said, by test id; what counts of a test that ran again is its last attempt.

    `selected` and `deselected` are the marked items of the collection; `measured` holds what items measured whose body
    and teardown passed, `pending` those of them whose values are to be written; `excused` failed, and pytest let them
    pass, as xfail does; `drawn` is what the HTML report draws of each result.
    """

    selected: dict[str, None] = field(default_factory=dict)
    deselected: dict[str, None] = field(default_factory=dict)
    results: dict[str, ItemResult] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    excused: dict[str, None] = field(default_factory=dict)
    measured: dict[str, Entry] = field(default_factory=dict)
    pending: dict[str, Entry] = field(default_factory=dict)
    drawn: dict[str, Pictures] = field(default_factory=dict)
    facts: dict[str, None] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    lost_worker: bool = False
    _called: dict[str, tuple[Entry, str]] = field(default_factory=dict)  # entry and outcome, until the teardown's
    _loaders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add_collection(self, selected: Iterable[str], deselected: Iterable[str]) -> None:
        """Take in the marked items that one process collected; every worker collects all of them."""
        self.selected |= dict.fromkeys(selected)
        self.deselected |= dict.fromkeys(deselected)

    def add(self, nodeid: str, when: str, outcome: str, entry: Entry | None, worker: str = "") -> None:
        """Take in one report: its phase, its outcome, what the item attached to it, and the worker it ran in."""
        if when == "setup":
            for known in (
                self.results, self.errors, self.excused, self.measured, self.pending, self.drawn, self._called
            ):  # fmt: skip
                known.pop(nodeid, None)
        if entry and "notices" in entry:
            self.notices += [notice for notice in entry["notices"] if notice not in self.notices]
        if entry and "error" in entry and outcome == "failed":
            self.errors[nodeid] = entry["error"]
        if when == "call" and entry and "result" in entry:
            self._add_result(nodeid, outcome, entry, worker)
        if when == "teardown" and nodeid in self._called:
            self._settle(nodeid, outcome, *self._called.pop(nodeid))

    def _add_result(self, nodeid: str, outcome: str, entry: Entry, worker: str) -> None:
        result = self.results[nodeid] = result_from_plain(entry["result"])
        self.facts |= dict.fromkeys(entry["facts"])
        self._loaders[entry["facts"][0]].add(worker)
        self._called[nodeid] = (entry, outcome)
        if "pictures" in entry:
            self.drawn[nodeid] = pictures_from_plain(entry["pictures"])
        if result.verdict.fails and outcome != "failed":
            self.excused[nodeid] = None

    def _settle(self, nodeid: str, outcome: str, entry: Entry, called: str) -> None:
        """Once the teardown has ended, what the item measured counts, unless one of its phases did not pass."""
        writes = called == "passed" and entry["write"]
        if outcome != "passed":
            if writes:
                self.notices.append(f"not written: {nodeid} {outcome} in its teardown")
            return
        if "measurement" in entry:
            self.measured[nodeid] = entry
        if writes:
            self.pending[nodeid] = entry

    @property
    def in_order(self) -> tuple[ItemResult, ...]:
        """The results in the order of the collection, whichever test or worker was first."""
        return tuple(self.results[nodeid] for nodeid in self._collected(self.results))

    @property
    def to_write(self) -> tuple[Entry, ...]:
        """What the pending items attached, in the same order."""
        return tuple(self.pending[nodeid] for nodeid in self._collected(self.pending))

    def _collected(self, nodeids: Iterable[str]) -> list[str]:
        """The test ids in the order of the collection; those that nobody said were collected come last."""
        places = {nodeid: place for place, nodeid in enumerate(self.selected)}
        return sorted(nodeids, key=lambda nodeid: places.get(nodeid, len(places)))

    @property
    def unchecked(self) -> tuple[str, ...]:
        """The marked items that were selected and have no result."""
        return tuple(nodeid for nodeid in self.selected if nodeid not in self.results)

    @property
    def used(self) -> dict[str, set[str]]:
        """The conditions that have a result, by the baseline they belong to."""
        found: dict[str, set[str]] = defaultdict(set)
        for result in self.results.values():
            found[result.baseline].add(result.stats.condition)
        return found

    @property
    def workers_per_model(self) -> int:
        """In how many processes the model was loaded that most of them loaded."""
        return max(map(len, self._loaders.values()), default=0)

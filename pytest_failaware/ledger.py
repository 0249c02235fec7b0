"""The results of a whole run, gathered from test reports in the one process that reports and writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_failaware.report.document import measurement_from_plain, result_from_plain
from pytest_failaware.schema import ItemResult, RunReport

if TYPE_CHECKING:
    from pytest_failaware.judge.update import UpdateOutcome


class Ledger:
    """Results and pending updates by test id; what counts of a test that ran again is its last attempt."""

    def __init__(self) -> None:
        self.results: dict[str, ItemResult] = {}
        self.usage_errors = False
        self.lost_worker = False
        self._pending: dict[str, Mapping[str, Any]] = {}  # Any: plain data of any depth
        self._facts: dict[str, None] = {}
        self._notices: list[str] = []

    def add(self, nodeid: str, when: str, outcome: str, entry: Mapping[str, Any] | None) -> None:
        """Take in one report: its phase, its outcome, and what the item attached to it."""
        self.usage_errors |= outcome == "failed" and bool(entry and "error" in entry)
        if when == "setup":
            self.results.pop(nodeid, None)
            self._pending.pop(nodeid, None)
        if when == "call" and entry and "result" in entry:
            self.results[nodeid] = result_from_plain(entry["result"])
            self._facts.update(dict.fromkeys(entry["facts"]))
            if outcome == "passed" and "measurement" in entry:
                self._pending[nodeid] = entry
        if outcome == "failed" and self._pending.pop(nodeid, None) is not None:
            self._notices.append(f"not written: {nodeid} failed in its {when}")

    def report(self, command: str) -> RunReport:
        """Everything there is to say about the run."""
        return RunReport(
            facts=tuple(self._facts),
            results=tuple(self.results.values()),
            notices=tuple(self._notices),
            command=command,
        )

    def notice(self, text: str) -> None:
        """Keep a sentence for the summary."""
        self._notices.append(text)

    def write_baselines(self, directory: Path) -> bool:
        """Write every pending update, a baseline at a time; False where one was refused.

        Raises:
            FailAwareError: a stored baseline cannot be read.
            OSError: a file cannot be written.
        """
        from pytest_failaware.judge.rule import FailureRule
        from pytest_failaware.judge.update import update_baseline

        wanted = list(self._pending.values())
        written = True
        for name in dict.fromkeys(entry["result"]["baseline"] for entry in wanted):
            measured = [
                (measurement_from_plain(entry["measurement"]), FailureRule.parse(entry["rule"]))
                for entry in wanted
                if entry["result"]["baseline"] == name
            ]
            outcome = update_baseline(directory, name, measured)
            self._notices.append(_sentence(name, directory, outcome))
            written &= not outcome.refused
        return written

    @property
    def pending(self) -> int:
        """How many items have a value waiting to be written."""
        return len(self._pending)


def _sentence(name: str, directory: Path, outcome: UpdateOutcome) -> str:
    """What happened to one baseline's files."""
    if outcome.refused:
        return f"baseline {name!r} NOT written: {outcome.refused}"
    done = {"recorded": outcome.recorded, "updated": outcome.updated, "unchanged": outcome.unchanged}
    said = "; ".join(f"{verb} {', '.join(keys)}" for verb, keys in done.items() if keys)
    changed = outcome.recorded or outcome.updated
    return f"{directory / name}.yaml: {said}" + ("; review and commit it" if changed else "; nothing written")

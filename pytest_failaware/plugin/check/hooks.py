"""The hooks of a run with --failaware-check: marked tests are looked at, and their bodies do not run."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_failaware.core.look import Look
from pytest_failaware.plugin.gated_items import gated_of
from pytest_failaware.plugin.stash import LOOK
from pytest_failaware.report.terminal.looks import look_facts, look_findings, look_notices

if TYPE_CHECKING:
    from pytest_failaware.plugin.controller import Controller

LOOKED_AT: Final = "looked at"
_KEY: Final = "look"  # in what an item attaches to its report


class CheckHooks:
    """Shows items as looked at, and has the controller of the run report what was seen; a worker of xdist has none."""

    def __init__(self, controller: Controller | None) -> None:
        self.controller = controller
        self.looks: dict[str, Look] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        """End a marked test before its body, whose assertions are about all samples."""
        if gated_of(pyfuncitem) is not None and LOOK in pyfuncitem.stash:
            pytest.skip(f"looked at {pyfuncitem.stash[LOOK].images:,} samples, and measured nothing")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the look along with the report of the skipped body."""
        report = yield
        if report.when == "call" and report.skipped and LOOK in item.stash:
            attached = getattr(report, "failaware", {})
            report.failaware = {**attached, _KEY: dataclasses.asdict(item.stash[LOOK])}  # type: ignore[attr-defined]  # reports carry extra attributes along
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Count such an item as looked at, neither as passed nor as skipped."""
        if _look_in(report) is None:
            return None
        return LOOKED_AT, "l", (LOOKED_AT.upper(), {"green": True})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what was seen, whichever process saw it."""
        plain = _look_in(report)
        if plain is not None:
            self.looks[report.nodeid] = _look_of(plain)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Hand everything to the controller, whose complaints fail the run."""
        if self.controller is None:
            return
        ledger = self.controller.ledger
        ledger.facts |= dict.fromkeys(look_facts(self.looks))
        ledger.notices += look_notices(self.looks)
        self.controller.complaints += look_findings(self.looks)


def _look_in(report: Any) -> dict[str, Any] | None:  # Any: a report of any kind, and plain data
    attached = getattr(report, "failaware", None)
    return attached.get(_KEY) if isinstance(attached, dict) else None


def _look_of(plain: dict[str, Any]) -> Look:  # Any: as above
    """The look that a report carries, whose tuples have become lists on their way from a worker."""
    values: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in plain.items()}
    return Look(**values)

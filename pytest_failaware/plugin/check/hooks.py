"""The hooks of a run with --failaware-check, which looks at a few samples and does not run the bodies of tests."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Final

import pytest

from pytest_failaware.core.look import Look
from pytest_failaware.plugin import attaching
from pytest_failaware.plugin.attaching import attach, attached
from pytest_failaware.plugin.gated_items import gated_of
from pytest_failaware.plugin.stash import LOOK
from pytest_failaware.report.terminal.looks import look_facts, look_findings, look_notices

if TYPE_CHECKING:
    from pytest_failaware.plugin.controller import Controller

LOOKED_AT: Final = "looked at"


class CheckHooks:
    """A plugin that counts items as looked at and passes their looks to the controller; a worker of xdist has none."""

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
        """Attach the look to the report of the skipped body."""
        report = yield
        if report.when == "call" and report.skipped and LOOK in item.stash:
            attach(report, attaching.LOOK, item.stash[LOOK])
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Count an item with a look as looked at, neither as passed nor as skipped."""
        if attached(report, attaching.LOOK, Look) is None:
            return None
        return LOOKED_AT, "l", (LOOKED_AT.upper(), {"green": True})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the look of a report, from this process or from an xdist worker."""
        look = attached(report, attaching.LOOK, Look)
        if look is not None:
            self.looks[report.nodeid] = look

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Give facts, notices and findings to the controller; the findings become complaints, which fail the run."""
        if self.controller is None:
            return
        ledger = self.controller.state.ledger
        ledger.facts |= dict.fromkeys(look_facts(self.looks))
        ledger.notices += look_notices(self.looks)
        self.controller.state.complaints += look_findings(self.looks)

"""Stand in for the controller until the run has a marked test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_failaware.plugin.stash import CONTROLLER

if TYPE_CHECKING:
    from pytest_failaware.plugin.controller import Controller


class Waiting:
    """A light substitute for the controller in the process that reports.

    Under xdist it starts the controller at the first report of a marked test. Without xdist the collection of the
    first marked test starts the controller.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.uncollected = ""
        self.lost_worker = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a module that failed or was skipped: its marked tests are not known."""
        if not report.passed:
            self.uncollected = self.uncollected or report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Start the controller at the first report of a marked test."""
        if hasattr(report, "failaware"):
            self._started().pytest_runtest_logreport(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # Any: xdist's controller of one worker
        """Start the controller if a worker collected a marked test."""
        self.lost_worker |= error is not None
        output = getattr(node, "workeroutput", None) or {}
        if "failaware" in output:
            self._started().pytest_testnodedown(node, error)

    def _started(self) -> Controller:
        from pytest_failaware.plugin.startup import start

        start(self.config)
        return self.config.stash[CONTROLLER]

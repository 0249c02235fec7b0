"""Set the exit code of a strict run after every other plugin has set it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_failaware.core.text import describe_error

if TYPE_CHECKING:
    from pytest_failaware.plugin.controller import Controller


class LastWord:
    """The outermost hook at the end of a run, so that no other plugin runs after it."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Replace exit code 0 if the strict run has a complaint, or if a hook ended it too early."""
        try:
            return (yield)
        except (SystemExit, pytest.exit.Exception) as error:
            if self.controller.state.run.strict:
                raise pytest.exit.Exception(f"strict: a hook ended the run ({describe_error(error)})", 1) from error
            raise
        finally:
            if session.exitstatus == pytest.ExitCode.OK and self.controller.is_red():
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

"""The exit code of a strict run, once every other plugin has had its say."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_failaware.core.text import describe_error

if TYPE_CHECKING:
    from pytest_failaware.plugin.controller import Controller


class LastWord:
    """The outermost hook at the end of a run."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Leave no exit code 0 to a run with a complaint, or to one that a hook ended before it was settled."""
        try:
            return (yield)
        except (SystemExit, pytest.exit.Exception) as error:
            if self.controller.state.run.strict:
                raise pytest.exit.Exception(f"strict: a hook ended the run ({describe_error(error)})", 1) from error
            raise
        finally:
            if session.exitstatus == pytest.ExitCode.OK and self.controller.is_red():
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

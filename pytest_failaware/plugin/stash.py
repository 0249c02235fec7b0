"""The keys under which pytest's configuration and items hold our objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pytest_failaware.config.nearer import NearerInis
    from pytest_failaware.core.attachment import Attachment
    from pytest_failaware.core.look import Look
    from pytest_failaware.plugin.check.item import Check
    from pytest_failaware.plugin.controller import Controller
    from pytest_failaware.plugin.judging import Judging
    from pytest_failaware.plugin.session import Measured, Session

IN_USE: Final[pytest.StashKey[bool]] = pytest.StashKey()  # whether the run sets an option or a key of ours
EARLY: Final[pytest.StashKey[tuple[object, ...]]] = pytest.StashKey()  # the plugins at the start of the run
SESSION: Final[pytest.StashKey[Session]] = pytest.StashKey()
JUDGING: Final[pytest.StashKey[Judging]] = pytest.StashKey()
NEARER: Final[pytest.StashKey[NearerInis]] = pytest.StashKey()
CHECK: Final[pytest.StashKey[Check]] = pytest.StashKey()
CONTROLLER: Final[pytest.StashKey[Controller]] = pytest.StashKey()  # absent in a worker of xdist
FAULT: Final[pytest.StashKey[str]] = pytest.StashKey()  # why the session cannot be opened, seen during collection

ATTACHED: Final[pytest.StashKey[Attachment]] = pytest.StashKey()  # of an item: what its next report carries
MEASURED: Final[pytest.StashKey[Measured]] = pytest.StashKey()  # of an item
LOOK: Final[pytest.StashKey[Look]] = pytest.StashKey()  # of an item

NO_MODEL: Final[pytest.StashKey[BaseException]] = pytest.StashKey()  # what skips the items of such a run

CONTROLLER_NAME: Final = "failaware-controller"
"""The name under which pytest knows the controller, and before the first marked test `Waiting`."""


def register(config: pytest.Config, part: object, name: str) -> None:
    """Register a part of this plugin, and refuse to run if -p no: blocks that part alone."""
    if config.pluginmanager.register(part, name) is None:
        raise pytest.UsageError(f"-p no:{name}: nothing would be reported or stored without it; leave it out")

"""Whether a command may write where it runs: on a CI server only if the ini allows it."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Final

from pytest_failaware.config.baseline_folder import ini_of
from pytest_failaware.config.given import Given, Surroundings
from pytest_failaware.config.options import PREFIX
from pytest_failaware.core.errors import ConfigError

UPDATE_IN_CI: Final = f"{PREFIX}update_in_ci"


def refuse_on_ci(given: Namespace) -> None:
    """Refuse to write on a CI server unless the ini allows it: the same rule as for pytest's update options.

    Raises:
        ConfigError: naming the variable and the key.
    """
    here = Path.cwd()
    server = Surroundings(environ=os.environ, invocation_dir=here, ini_dir=here).ci_server
    if not server or given.dry_run or ini_with(UPDATE_IN_CI):
        return
    raise ConfigError(
        f"this is a CI server ({server} is set), where baselines are not written: call it where somebody reviews the "
        f"change, or set {UPDATE_IN_CI} = true in the ini"
    )


def ini_with(key: str) -> str:
    """The name of the ini in which a key is switched on, "" if none does."""
    ini, table = ini_of(Path.cwd())
    if ini is None:
        return ""
    text = str(table.get(key) or "")
    wanted = Given(text=text, where=f"{key} = {text}", place=ini.name, base=ini.parent)
    return ini.name if wanted.switch() else ""

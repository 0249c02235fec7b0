"""Refuse to write baselines on a CI server unless the ini allows it."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Final

from pytest_failaware.config.baseline_folder import ini_of
from pytest_failaware.config.option_texts import Surroundings, text_in_ini
from pytest_failaware.config.options import PREFIX
from pytest_failaware.config.writing import check_reason
from pytest_failaware.core.errors import ConfigError

UPDATE_IN_CI: Final = f"{PREFIX}update_in_ci"
_REQUIRED: Final = f"{PREFIX}require_reason"


def refuse_on_ci(options: Namespace) -> None:
    """Refuse to write on a CI server unless the ini allows it, as pytest's update options do.

    Raises:
        ConfigError: this is a CI server; the message names its variable and the key of the ini.
    """
    folder = Path.cwd()
    server = Surroundings(environ=os.environ, invocation_dir=folder, ini_dir=folder).ci_server
    if not server or options.dry_run or ini_with(UPDATE_IN_CI):
        return
    raise ConfigError(
        f"this is a CI server ({server} is set), where baselines are not written: call it where somebody reviews the "
        f"change, or set {UPDATE_IN_CI} = true in the ini"
    )


def refuse_without_reason(options: Namespace) -> None:
    """Refuse a change of a baseline without a reason if the ini requires reasons.

    Raises:
        ConfigError: the reason is missing, or says nothing.
    """
    check_reason("--reason", options.reason)
    if not options.reason and (ini := ini_with(_REQUIRED)):
        raise ConfigError(f'{ini}: {_REQUIRED} = true: updates need a reason here; add --reason="why they change"')


def ini_with(key: str) -> str:
    """Return the name of the ini if it switches a key on, else ""."""
    ini, table = ini_of(Path.cwd())
    if ini is None:
        return ""
    text = str(table.get(key) or "")
    value = text_in_ini(key, text, ini)
    return ini.name if value.switch() else ""

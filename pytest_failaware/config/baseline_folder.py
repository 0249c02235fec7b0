"""Find the folder of the baselines for a command, as pytest would find it from the same working directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pytest_failaware.config.ini_files import Table, find_ini, table_of
from pytest_failaware.config.option_texts import text_in_ini
from pytest_failaware.config.options import BY_NAME

_OPTION: Final = BY_NAME["baseline-dir"]


def baseline_folder(start: Path) -> Path:
    """Return the folder named in the ini, else `baselines` beside the ini.

    The path is absolute only if the ini has an absolute path.

    Raises:
        ConfigError: the ini cannot be read.
    """
    ini, table = ini_of(start)
    if ini is None:
        return Path(_OPTION.default)
    text = str(table.get(_OPTION.ini) or _OPTION.default)
    folder = text_in_ini(_OPTION.ini, text, ini).path()
    return folder if Path(text).expanduser().is_absolute() else Path(os.path.relpath(folder, start.resolve()))


def ini_of(start: Path) -> tuple[Path | None, Table]:
    """Return the file that configures pytest in a folder, with its keys.

    Raises:
        ConfigError: the file cannot be read.
    """
    ini = find_ini(start)
    return ini, (table_of(ini) or {} if ini is not None else {})

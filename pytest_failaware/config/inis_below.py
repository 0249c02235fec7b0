"""Find other ini files with our keys below the ini in use, since their runs may use the same baselines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pytest_failaware.config.ini_files import INI_NAMES
from pytest_failaware.config.nearer import inis_with_keys

MOST_FOLDERS: Final = 20_000


def is_only_ini(ini: Path, baselines: Path) -> bool:
    """Return whether no other ini with our keys lies beside or below this one; False if that cannot be known.

    Hidden folders, node_modules, virtual environments and the folder of the baselines are not searched.
    """
    unread: list[OSError] = []
    for count, (place, folders, files) in enumerate(os.walk(ini.parent, onerror=unread.append)):
        if count == MOST_FOLDERS or unread:
            return False
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        if not set(INI_NAMES).isdisjoint(files) and inis_with_keys(Path(place), but=ini):
            return False
        folders[:] = [name for name in folders if _is_searched(Path(place, name), baselines)]
    return not unread


def _is_searched(folder: Path, baselines: Path) -> bool:
    return not folder.name.startswith(".") and folder.name != "node_modules" and folder.resolve() != baselines.resolve()

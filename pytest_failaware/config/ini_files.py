"""Find and read the files that configure pytest."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from pytest_failaware.core.errors import ConfigError

INI_NAMES: Final = (
    "pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg",
)  # fmt: skip
"""The file names that pytest looks for in a folder, in the same order."""

SINCE_PYTEST_9: Final = ("pytest.toml", ".pytest.toml")
"""The files that versions before pytest 9 do not read."""

_ALWAYS_INI: Final = (*SINCE_PYTEST_9, "pytest.ini", ".pytest.ini")  # configure pytest even if they are empty
_UNREADABLE: Final = (OSError, UnicodeDecodeError, configparser.Error, tomllib.TOMLDecodeError)

Table: TypeAlias = Mapping[str, Any]
"""Keys and values. Any: every type of TOML; in other files all values are text."""


def table_of(path: Path) -> Table | None:
    """Return the keys for pytest in a file, None if the file does not configure pytest.

    The values in a TOML file keep their types, also in the table `ini_options`.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _toml_table(path.name, text) if path.suffix == ".toml" else _ini_table(path, text)
    except _UNREADABLE as error:
        why = str(error).partition("\n")[0]
        raise ConfigError(f"{path}: cannot be read ({why}); repair it, since pytest reads it too") from error


def header_of(path: Path, document: Table) -> tuple[str, ...]:
    """Return the names of the nested tables that hold the keys for pytest in a TOML document."""
    tool = document.get("tool")
    table = tool.get("pytest") if isinstance(tool, Mapping) else None
    if path.name in SINCE_PYTEST_9 or (table is None and path.name != "pyproject.toml" and "pytest" in document):
        return ("pytest",)
    is_typed = isinstance(table, Mapping) and "ini_options" not in table
    return ("tool", "pytest") if is_typed else ("tool", "pytest", "ini_options")


def needs_pytest_9(path: Path) -> bool:
    """Return whether versions before pytest 9 ignore the keys for pytest in a file.

    Raises:
        ConfigError: the file cannot be read.
    """
    if path.suffix != ".toml" or table_of(path) is None:
        return False
    return header_of(path, tomllib.loads(path.read_text(encoding="utf-8-sig")))[-1] == "pytest"


def find_ini(folder: Path) -> Path | None:
    """Return the file that configures pytest when pytest is called in a folder, None if there is none.

    Raises:
        ConfigError: a file in the folder or in a folder above cannot be read.
    """
    for place in (folder, *folder.parents):
        for name in INI_NAMES:
            path = place / name
            if path.is_file() and (name in _ALWAYS_INI or table_of(path) is not None):
                return path
    return None


def _toml_table(name: str, text: str) -> Table | None:
    document: Table = tomllib.loads(text)
    table: Any = document  # Any: what TOML can hold
    for part in header_of(Path(name), document):
        table = table.get(part) if isinstance(table, Mapping) else None
    is_empty = not table and name not in _ALWAYS_INI and part == "pytest"  # an empty [tool.pytest] configures nothing
    return table if isinstance(table, Mapping) and not is_empty else None


def _ini_table(path: Path, text: str) -> Table | None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    section = "tool:pytest" if path.suffix == ".cfg" else "pytest"
    return dict(parser[section]) if parser.has_section(section) else None

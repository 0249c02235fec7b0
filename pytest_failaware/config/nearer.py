"""Refuse a test or a run if an ini that pytest does not use has our keys, since it would define a second gate."""

from __future__ import annotations

from pathlib import Path

from pytest_failaware.config.ini_files import INI_NAMES, table_of
from pytest_failaware.config.options import PREFIX
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.text import from_here


class NearerInis:
    """Checks whether a folder of tests has a nearer ini than the one in use; each folder is checked once.

    `in_use` is the file that configures this run, None if there is none; `root` is pytest's rootdir; `start` is the
    folder in which pytest was called. Two folders are the same if their links resolve to the same path.
    """

    def __init__(self, *, in_use: Path | None, root: Path, start: Path) -> None:
        self.in_use, self.start = in_use, start
        self._end = (root if in_use is None else in_use.parent).resolve()
        self._known: dict[Path, Path | None] = {}
        self._beside: tuple[Path, ...] | None = None

    def refuse(self, folder: Path) -> None:
        """Refuse a test if its folder, or one above it, has an ini with our keys that pytest does not use.

        Raises:
            ConfigError: the message names both files and the command that uses the nearer one.
        """
        if folder not in self._known:
            self._known[folder] = self._nearer(folder)
        if (nearer := self._known[folder]) is None:
            return
        used = "pytest uses no such file" if self.in_use is None else f"pytest uses {self._shown(self.in_use)}"
        raise ConfigError(
            f"{self._shown(nearer)} has {PREFIX} keys for this test, but {used}; run "
            f"pytest -c {self._shown(nearer)} {self._shown(nearer.parent)}"
        )

    def refuse_second(self) -> None:
        """Refuse a run if a second ini with our keys, which pytest does not read, lies beside the ini in use.

        Raises:
            ConfigError: the message names both files.
        """
        if self.in_use is None:
            return
        if self._beside is None:
            self._beside = inis_with_keys(self.in_use.parent, but=self.in_use)
        for second in self._beside:
            used = self._shown(self.in_use)
            raise ConfigError(
                f"{self._shown(second)} has {PREFIX} keys, but pytest uses {used} alone; put the keys into {used}"
            )

    def _nearer(self, folder: Path) -> Path | None:
        """Return the first ini with our keys in the folder or above it, None if the file in use is found first."""
        for place in (folder, *folder.parents):
            if self._end.is_relative_to(place.resolve()):
                return None
            if files := inis_with_keys(place, but=self.in_use):
                return files[0]
        return None

    def _shown(self, path: Path) -> str:
        """Return a path relative to the folder in which pytest was called, if it lies below that folder."""
        return str(from_here(path, self.start))


def inis_with_keys(folder: Path, *, but: Path | None = None) -> tuple[Path, ...]:
    """Return the files in a folder that could configure pytest and have our keys, except the file `but`."""
    files = (path for name in INI_NAMES if (path := folder / name).is_file() and _has_keys(path))
    return tuple(path for path in files if but is None or path.resolve() != but.resolve())


def _has_keys(path: Path) -> bool:
    """Return whether a file has our keys; False for an unreadable file, which pytest reports if it uses the file."""
    try:
        return any(key.startswith(PREFIX) for key in table_of(path) or ())
    except ConfigError:
        return False

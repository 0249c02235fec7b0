"""The installed distributions, read once: each run of pytest inside a test reads the files of all of them twice."""

from __future__ import annotations

import importlib.metadata
from functools import cached_property


class Distribution:
    """An installed distribution whose files and entry points are read once."""

    def __init__(self, installed: importlib.metadata.Distribution) -> None:
        self.installed = installed

    def __getattr__(self, name: str) -> object:
        return getattr(self.installed, name)

    @cached_property
    def entry_points(self) -> importlib.metadata.EntryPoints:
        """The entry points."""
        return self.installed.entry_points

    @cached_property
    def files(self) -> list[importlib.metadata.PackagePath] | None:
        """The files; None if the distribution does not list them."""
        return self.installed.files


def read_once() -> None:
    """Let `importlib.metadata.distributions` of this process give the distributions that are installed now."""
    read, known = importlib.metadata.distributions, [Distribution(each) for each in importlib.metadata.distributions()]
    importlib.metadata.distributions = lambda **context: read(**context) if context else iter(known)  # type: ignore

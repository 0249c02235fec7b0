"""Whether a run selects all tests: only then is a stored entry that no test used an obsolete one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def narrowed_by(config: pytest.Config) -> str:
    """What on the command line keeps marked tests from being collected, "" where nothing does."""
    return next(_narrowing(config), "")


def _narrowing(config: pytest.Config) -> Iterator[str]:
    for option, spelled in (("lf", "--lf"), ("stepwise", "--stepwise"), ("ignore", "--ignore"),
                            ("ignore_glob", "--ignore-glob")):  # fmt: skip
        if config.getoption(option, None):
            yield spelled
    if config.getoption("override_ini", None):
        yield "-o"
    if config.getoption("rootdir", None):
        yield "--rootdir"
    selectors = [arg for arg in config.args if "::" in arg]
    if selectors:
        yield selectors[0]
    given = [_absolute(config.invocation_params.dir, arg) for arg in config.args]
    patterns = config.getini("testpaths") or ["."]
    for path in _expanded(config.rootpath, patterns):
        if not any(path.is_relative_to(start) for start in given):
            yield f"{os.path.relpath(path, config.rootpath)} was not collected"


def _expanded(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """The folders that a run without arguments would collect."""
    for pattern in patterns:
        yield from ([root] if pattern == "." else map(Path.resolve, root.glob(pattern)))


def _absolute(start: Path, arg: str) -> Path:
    return (start / arg.partition("::")[0]).resolve()

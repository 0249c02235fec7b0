"""Which tests a run selects: a stored entry that no test used is obsolete only if all of them were."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from pytest_failaware.bends import executes_only, ini_overrides

if TYPE_CHECKING:
    import pytest


def narrowed_by(config: pytest.Config) -> str:
    """What on the command line keeps marked tests from being collected, "" where nothing does."""
    return next(_narrowing(config), "")


def left_out_by_marks(config: pytest.Config, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Those items that `-m` alone would leave out, by pytest's own reading of it."""
    from _pytest.mark import deselect_by_mark  # pytest has no public name for it

    kept = list(items)
    deselect_by_mark(kept, _Unheard(config))  # type: ignore[arg-type]  # a configuration in all but its hooks
    names = {id(item) for item in kept}
    return [item for item in items if id(item) not in names]


class _Unheard:
    """A configuration whose hook on deselected items reaches nobody."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.hook = SimpleNamespace(pytest_deselected=lambda items: None)

    def __getattr__(self, name: str) -> object:
        return getattr(self._config, name)


def skipped_files(config: pytest.Config) -> bool:
    """Whether --lf kept files from being collected, whose tests nobody can name."""
    plugin = config.pluginmanager.get_plugin("lfplugin")
    return bool(config.getoption("lf", False)) and bool(getattr(plugin, "_skipped_files", 1))


def _narrowing(config: pytest.Config) -> Iterator[str]:
    for option, spelled in (("lf", "--lf"), ("stepwise", "--stepwise"), ("ignore", "--ignore"),
                            ("ignore_glob", "--ignore-glob")):  # fmt: skip
        if config.getoption(option, None):
            yield spelled
    for text in ini_overrides(config):
        if not executes_only(text):
            yield f"-o {text}"
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

"""Find out whether a run selects all tests: an unused entry is obsolete only if all tests ran."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

from pytest_failaware.plugin.bends import defines_gate
from pytest_failaware.plugin.ini_values import ini_overrides

if TYPE_CHECKING:
    import pytest

_COLLECTING: Final = frozenset(
    {
        "addopts",
        "collect_imported_tests",
        "norecursedirs",
        "python_classes",
        "python_files",
        "python_functions",
        "testpaths",
    }
)
"""The ini keys by which pytest decides what it collects."""


def narrowed_by(config: pytest.Config) -> str:
    """Return what on the command line keeps marked tests from being collected, "" if nothing does."""
    return next(_narrowing(config), "")


def left_out_by_marks(config: pytest.Config, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the items that `-m` alone would leave out, as pytest itself reads the expression."""
    from _pytest.mark import deselect_by_mark  # pytest has no public name for it

    kept = list(items)
    deselect_by_mark(kept, _SilentConfig(config))  # type: ignore[arg-type]  # a configuration except for its hooks
    names = {id(item) for item in kept}
    return [item for item in items if id(item) not in names]


class _SilentConfig:
    """A configuration whose hook on deselected items calls no plugin."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.hook = SimpleNamespace(pytest_deselected=lambda items: None)

    def __getattr__(self, name: str) -> object:
        return getattr(self._config, name)


def skipped_files(config: pytest.Config) -> bool:
    """Return whether --lf kept files from being collected, so that their tests are not known."""
    plugin = config.pluginmanager.get_plugin("lfplugin")
    return bool(config.getoption("lf", False)) and bool(getattr(plugin, "_skipped_files", 1))


def _narrowing(config: pytest.Config) -> Iterator[str]:
    yield from _narrowing_options(config)
    selectors = [arg for arg in config.args if "::" in arg]
    if selectors:
        yield selectors[0]
    starts = [_absolute(config.invocation_params.dir, arg) for arg in config.args]
    patterns = config.getini("testpaths") or ["."]
    for path in _expanded(config.rootpath, patterns):
        if not any(path.is_relative_to(start) for start in starts):
            yield f"{os.path.relpath(path, config.rootpath)} was not collected"


def _narrowing_options(config: pytest.Config) -> Iterator[str]:
    yield from (f"--{option}" for option in ("lf", "stepwise") if config.getoption(option, None))
    for spelled in ("--ignore", "--ignore-glob"):
        yield from (f"{spelled}={value}" for value in _not_in_addopts(config, spelled))
    for text in ini_overrides(config):
        if text.partition("=")[0].strip() in _COLLECTING or defines_gate(text):
            yield f"-o {text}"
    if config.getoption("rootdir", None) and not _is_usual_root(config):
        yield "--rootdir"


def _not_in_addopts(config: pytest.Config, spelled: str) -> list[str]:
    """Return the values of an option that are not in the ini's addopts, which apply to every run."""
    words: list[str] = config.getini("addopts")
    stored = {word.removeprefix(f"{spelled}=") for word in words if word.startswith(f"{spelled}=")}
    stored |= {value for word, value in pairwise(words) if word == spelled}
    values = config.getoption(spelled.removeprefix("--").replace("-", "_"), None) or []
    return [value for value in values if value not in stored]


def _is_usual_root(config: pytest.Config) -> bool:
    """Return whether pytest would use the same root folder without --rootdir."""
    return config.inipath is not None and config.rootpath.resolve() == config.inipath.parent.resolve()


def _expanded(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """Yield the folders that a run without arguments would collect."""
    for pattern in patterns:
        yield from ([root] if pattern == "." else map(Path.resolve, root.glob(pattern)))


def _absolute(start: Path, arg: str) -> Path:
    return (start / arg.partition("::")[0]).resolve()

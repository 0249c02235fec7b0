"""Finding the baseline that a command names."""

from __future__ import annotations

from pathlib import Path

from pytest_failaware.errors import BaselineError, choices
from pytest_failaware.judge.baseline import baseline_names, baseline_path, read_baseline
from pytest_failaware.schema import Baseline


def open_baseline(name: str, directory: Path, *, also: tuple[str, ...] = ()) -> Baseline:
    """A baseline by its name in the folder, or by the path of its file; `also` could be meant by a name unknown."""
    folder = directory_of(name, directory)
    stem = Path(name).name.removesuffix(".yaml")
    found = read_baseline(folder, stem)
    if found is None:
        known = (*baseline_names(folder), *also)
        hint = choices(stem, known) if known else "give --baseline-dir, or the path of a .yaml file"
        raise BaselineError(f"{baseline_path(folder, stem)}: no such baseline; {hint}")
    return found


def directory_of(name: str, directory: Path) -> Path:
    """The folder that a baseline lies in."""
    return Path(name).parent if name.endswith(".yaml") else directory

"""Find and delete what is stored and was used by no test of a run: entries, and whole baselines."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.files import locked

Keys = dict[str, list[str]]
"""Conditions by the name of their baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """Stored entries that no test of a run used.

    `entries` belong to baselines that a test used, `whole` to baselines that no test used. `stored` counts all entries
    that were read.
    """

    entries: Mapping[str, list[str]] = field(default_factory=dict)
    whole: Mapping[str, list[str]] = field(default_factory=dict)
    stored: int = 0

    @property
    def count(self) -> int:
        """The number of unused entries."""
        return sum(map(len, (*self.entries.values(), *self.whole.values())))


def find_unused(directory: Path, used: Mapping[str, Collection[str]]) -> Unused:
    """Compare what is stored with what was used.

    A baseline that no test used and that cannot be read is left out: it does not concern this run.

    Raises:
        BaselineError: a baseline that was used cannot be read.
    """
    from pytest_failaware.baselines.file import baseline_names, read_baseline

    stored: Keys = {}
    for name in baseline_names(directory):
        try:
            baseline = read_baseline(directory, name)
        except BaselineError:
            if name in used:
                raise
            continue
        stored[name] = list(baseline.entries) if baseline else []
    unused = {name: [key for key in keys if key not in used.get(name, ())] for name, keys in stored.items()}
    return Unused(
        entries={name: keys for name, keys in unused.items() if keys and name in used},
        whole={name: keys for name, keys in unused.items() if name not in used},
        stored=sum(map(len, stored.values())),
    )


def remove_baseline(directory: Path, name: str) -> str:
    """Delete a whole baseline and return a sentence that says so.

    The file that names the sample files is deleted first. Files that no update wrote stay, and so do files in a linked
    folder.

    Raises:
        FailAwareError: another process is writing the baseline, or it cannot be read.
        OSError: a file cannot be deleted.
    """
    from pytest_failaware.baselines.file import baseline_path, read_baseline
    from pytest_failaware.baselines.sample_files import remove_leftovers

    path = baseline_path(directory, name)
    home = path.resolve().parent
    with locked(home):
        old = read_baseline(directory, name)
        path.unlink()
        remove_leftovers(directory, name, home, old, None)
        with contextlib.suppress(OSError):  # the folder is absent, linked, or has files of other programs
            (directory / name).rmdir()
    return f"{path}: deleted with its samples, because no test uses it; review and commit it"

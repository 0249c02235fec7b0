"""Finding the baseline that a command names, with its records and samples."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.file import baseline_names, baseline_path, read_baseline
from pytest_failaware.baselines.samples import read_records, read_samples
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError, choices
from pytest_failaware.core.records import Records
from pytest_failaware.core.samples import Samples

_REMEDY: Final = "give --baseline-dir, or the path of a .yaml file"

WITH_LOGITS: Final = "record it anew with failaware_store_logits = true in the ini and --failaware-update-baselines"
"""What helps where a command needs logits that are not stored."""


def open_baseline(name: str, directory: Path, *, also: tuple[str, ...] = (), remedy: str = _REMEDY) -> Baseline:
    """A baseline by its name in the folder, or by the path of its file; `also` could be meant by a name unknown.

    `remedy` says what helps if the folder holds no baseline.
    """
    folder = directory_of(name, directory)
    stem = Path(name).name.removesuffix(".yaml")
    found = read_baseline(folder, stem)
    if found is None:
        known = (*baseline_names(folder), *also)
        hint = choices(stem, known) if known else remedy
        raise BaselineError(f"{baseline_path(folder, stem)}: no such baseline; {hint}")
    return found


def open_records(given: Namespace, baseline: Baseline, condition: str) -> Records:
    """The stored records of the condition that a command names.

    Raises:
        BaselineError: there is no such entry, or its file is absent or damaged.
    """
    if condition not in baseline.entries:
        raise BaselineError(
            f"--condition: {given.name} has no {condition!r}; {choices(condition, sorted(baseline.entries))}"
        )
    found = stored_records(given, baseline, condition)
    if found is None:
        raise BaselineError(f"{given.name}: no sample file for {condition}; restore it from version control")
    return found


def stored_records(given: Namespace, baseline: Baseline, condition: str) -> Records | None:
    """The stored records of an entry, None where their file is absent."""
    return read_records(directory_of(given.name, given.baseline_dir), baseline, baseline.entries[condition])


def stored_samples(given: Namespace, baseline: Baseline) -> Samples | None:
    """The samples of a baseline, None if their file is absent."""
    return read_samples(directory_of(given.name, given.baseline_dir), baseline)


def directory_of(name: str, directory: Path) -> Path:
    """The folder that a baseline lies in."""
    return Path(name).parent if name.endswith(".yaml") else directory

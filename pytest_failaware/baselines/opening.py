"""Opening a baseline by its name: a command needs its records and samples, a program needs its rule."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.file import baseline_names, baseline_path, read_baseline
from pytest_failaware.baselines.samples import read_records, read_samples, read_seeds
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError, choices
from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples

_REMEDY: Final = "give --baseline-dir, or the path of a .yaml file"

WITH_LOGITS: Final = "record it again with failaware_store_logits = true in the ini and --failaware-update-baselines"
"""The remedy if a command needs logits that are not stored."""


def open_baseline(name: str, directory: Path, *, also: tuple[str, ...] = (), remedy: str = _REMEDY) -> Baseline:
    """Return a baseline by its name in the folder or by the path of its file.

    `also` are further names that an unknown name could mean; `remedy` helps if the folder has no baseline.
    """
    folder = directory_of(name, directory)
    stem = Path(name).name.removesuffix(".yaml")
    baseline = read_baseline(folder, stem)
    if baseline is None:
        known = (*baseline_names(folder), *also)
        hint = choices(stem, known) if known else remedy
        raise BaselineError(f"{baseline_path(folder, stem)}: no such baseline; {hint}")
    return baseline


def open_records(options: Namespace, baseline: Baseline, condition: str) -> Records:
    """Return the stored records of the condition that a command names.

    Raises:
        BaselineError: the entry does not exist, or its file is absent or damaged.
    """
    if condition not in baseline.entries:
        raise BaselineError(
            f"--condition: {options.name} has no {condition!r}; {choices(condition, sorted(baseline.entries))}"
        )
    records = stored_records(options, baseline, condition)
    if records is None:
        raise BaselineError(f"{options.name}: no sample file for {condition}; restore it from version control")
    return records


def stored_records(options: Namespace, baseline: Baseline, condition: str) -> Records | None:
    """Return the stored records of an entry; None if their file is absent."""
    return read_records(directory_of(options.name, options.baseline_dir), baseline, baseline.entries[condition])


def stored_seeds(options: Namespace, baseline: Baseline, condition: str) -> tuple[Records, ...] | None:
    """Return the records of the further seeds of an entry; None if a file is absent."""
    return read_seeds(directory_of(options.name, options.baseline_dir), baseline, baseline.entries[condition])


def stored_samples(options: Namespace, baseline: Baseline) -> Samples | None:
    """Return the samples of a baseline; None if their file is absent."""
    return read_samples(directory_of(options.name, options.baseline_dir), baseline)


def directory_of(name: str, directory: Path) -> Path:
    """Return the folder of a baseline."""
    return Path(name).parent if name.endswith(".yaml") else directory


def load_rule(path: str | Path, condition: str | None = None) -> FailureRule:
    """Return the rule of a baseline's file; imports neither torch nor pytest.

    Args:
        path: the path of the .yaml file; the sample files beside it are not read.
        condition: the condition of the rule, as spelled in the file; None if all conditions have the same rule.

    Raises:
        BaselineError: the file or the condition does not exist, the file is damaged, or the conditions have different
            rules and no condition is named.
    """
    file = Path(path)
    baseline = read_baseline(file.parent, file.stem) if file.suffix == ".yaml" else None
    if baseline is None:
        raise BaselineError(f"{file}: no such baseline; give the path of a .yaml file, as in baselines/resnet18.yaml")
    rules = {key: entry.rule for key, entry in baseline.entries.items()}
    if condition is not None and condition not in rules:
        raise BaselineError(f"{file}: no condition {condition!r}; {choices(condition, sorted(rules))}")
    distinct = set(rules.values()) if condition is None else {rules[condition]}
    if len(distinct) != 1:
        known = "; ".join(f"{key}: {rule}" for key, rule in sorted(rules.items())) or "none"
        raise BaselineError(
            f"{file}: the conditions do not share one rule ({known}); name one, as in condition='clean'"
        )
    return distinct.pop()

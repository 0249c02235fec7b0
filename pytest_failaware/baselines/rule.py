"""The rule that a baseline was recorded with, for the program that serves the model."""

from __future__ import annotations

from pathlib import Path

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.core.errors import BaselineError, choices
from pytest_failaware.core.rule import FailureRule


def load_rule(path: str | Path, condition: str | None = None) -> FailureRule:
    """Return the rule of a baseline's file; imports neither torch nor pytest.

    Args:
        path: of the .yaml file; the files of samples beside it are not read.
        condition: as spelled in the file, for its rule; None if all conditions have the same one.

    Raises:
        BaselineError: no such file or condition, a damaged file, or rules that differ while no condition is named.
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

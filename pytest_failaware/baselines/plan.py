"""The plan of a change to a baseline: the files to write, and the outcome. Writes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.comments import with_comments
from pytest_failaware.baselines.file import baseline_path, read_text
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.baselines.sample_files import carried_over
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.npz import ColumnsError, check_records

_COMPARED: Final = tuple(column.name for column in dataclass_fields(Baseline) if column.compare)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The files that an update writes, the YAML file last, and the baseline after the update."""

    outcome: UpdateOutcome
    contents: Mapping[Path, bytes] = field(default_factory=dict)
    baseline: Baseline | None


def planned(
    directory: Path, old: Baseline | None, merged: Baseline, contents: Mapping[Path, bytes], outcome: UpdateOutcome
) -> Plan:
    """Return the plan that replaces a baseline with the merged one: its new sample files, and the YAML last.

    Raises:
        BaselineError: reading the new text does not return the same baseline.
    """
    before, after = _texts(directory, old, merged)
    files = carried_over(directory, old, merged) | dict(contents)
    files[baseline_path(directory, merged.name).resolve()] = after.encode()
    return Plan(
        outcome=replace(outcome, diff=_diff(before, after, f"{merged.name}.yaml")),
        contents={path: new for path, new in files.items() if not path.is_file() or path.read_bytes() != new},
        baseline=merged,
    )


def check_storable(directory: Path, merged: Baseline, measurement: Measurement) -> None:
    """Refuse records that could not be read back."""
    try:
        check_records(measurement.records, measurement.provenance.data)
    except ColumnsError as error:
        raise BaselineError(
            f"{baseline_path(directory, merged.name)}: {measurement.condition.key} cannot be stored: {error}; look at "
            "what the model answers"
        ) from error


def _texts(directory: Path, old: Baseline | None, merged: Baseline) -> tuple[str, str]:
    """Return the text of the YAML file before and after the update, and check that it can be read back.

    Raises:
        BaselineError: reading the new text does not return the same baseline.
    """
    path, after = baseline_path(directory, merged.name), baseline_text(merged)
    before = read_text(path) if old else ""
    after = with_comments(after, before) if before else after
    again = parse_baseline(after, f"{path} (as it would be written)", merged.name)
    if (again, again.data.groups) != (merged, merged.data.groups):
        fields = [name for name in _COMPARED if getattr(again, name) != getattr(merged, name)]
        raise BaselineError(
            f"{path}: {', '.join(fields) or 'groups'} would not be read as written (an unusual character in a name?), "
            "so nothing was written; rename what has it"
        )
    return before, after


def _diff(before: str, after: str, file: str) -> str:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, fromfile=f"{file} (stored)", tofile=f"{file} (new)"))

"""New measurements into a stored baseline: entries are merged, what is unchanged stays byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_failaware.conditions import DEFINITIONS
from pytest_failaware.files import write_atomically
from pytest_failaware.judge.baseline import baseline_path, baseline_text, read_baseline
from pytest_failaware.judge.compare import records_equal
from pytest_failaware.judge.metrics import count_cells
from pytest_failaware.judge.rule import FailureRule
from pytest_failaware.judge.samples import own_content, own_path, read_records, sha256_of, shared_content, shared_path
from pytest_failaware.schema import Baseline, BaselineEntry, Measurement

Measured = tuple[Measurement, FailureRule]
"""What an item measured, and the rule it was judged under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOutcome:
    """What an update did, by condition key; `refused` says why it did nothing at all."""

    recorded: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    refused: str = ""


def update_baseline(directory: Path, name: str, measured: Sequence[Measured]) -> UpdateOutcome:
    """Merge measurements of one data set into the baseline `name`; the YAML file is written last.

    An entry whose predictions and flags are as stored, and whose scores are within 1e-4, is left as it is. Data or
    preprocessing other than the file's are refused unless the update covers every entry of the file.

    Raises:
        BaselineError: the stored baseline cannot be read.
        OSError: a file cannot be written.
    """
    old = read_baseline(directory, name)
    fresh = {measurement.condition.key: (measurement, rule) for measurement, rule in measured}
    provenance = measured[0][0].provenance
    if any(one.provenance != provenance for one, _ in measured):
        return UpdateOutcome(refused="its items measured different models or data; give each a baseline of its own")
    if torn := [one.condition.key for one, rule in measured if not _agree((one, rule), fresh[one.condition.key])]:
        return UpdateOutcome(refused=f"two tests gate {torn[0]} with other rules or seeds; give each its own baseline")
    same_data = old is not None and (old.data, old.preprocessing) == (provenance.data, provenance.preprocessing)
    stale = [] if old is None or same_data else [key for key in old.entries if key not in fresh]
    if stale:
        return UpdateOutcome(
            refused=f"data or preprocessing differ from the file's, and {', '.join(stale)} would go on describing the "
            "old; update every condition in one run"
        )
    unchanged = tuple(key for key in fresh if same_data and old and _is_stored(directory, old, *fresh[key]))
    changed = {key: one for key, one in fresh.items() if key not in unchanged}
    if changed:
        _write(directory, name, old, changed)
    known = old.entries if old else {}
    return UpdateOutcome(
        recorded=tuple(key for key in changed if key not in known),
        updated=tuple(key for key in changed if key in known),
        unchanged=unchanged,
    )


def _agree(one: Measured, other: Measured) -> bool:
    """Whether two items that gate one condition of one baseline would store the same entry."""
    (first, rule), (second, other_rule) = one, other
    return (rule, first.seed) == (other_rule, second.seed) and records_equal(first.records, second.records, rule)


def _is_stored(directory: Path, baseline: Baseline, measurement: Measurement, rule: FailureRule) -> bool:
    """Whether the file already says what was measured."""
    entry = baseline.entries.get(measurement.condition.key)
    if entry is None:
        return False
    stored = read_records(directory, baseline, entry)
    made_alike = (entry.condition, entry.implementation, entry.seed, entry.rule) == (
        measurement.condition,
        DEFINITIONS[measurement.condition.name].implementation,
        measurement.seed,
        str(rule),
    )
    return made_alike and stored is not None and records_equal(stored, measurement.records, rule)


def _write(directory: Path, name: str, old: Baseline | None, changed: dict[str, Measured]) -> None:
    entries = dict(old.entries) if old else {}
    contents: dict[Path, bytes] = {}
    for key, (measurement, rule) in changed.items():
        content = own_content(measurement.records)
        contents[own_path(directory, name, measurement.condition)] = content
        entries[key] = _entry(measurement, rule, sha256_of(content))
    first = next(iter(changed.values()))[0]
    contents[shared_path(directory, name)] = shared_content(first.records)
    baseline = Baseline(
        name=name, data=first.provenance.data, preprocessing=first.provenance.preprocessing, entries=entries
    )
    contents[baseline_path(directory, name)] = baseline_text(baseline).encode()
    for path, content in contents.items():
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)


def _entry(measurement: Measurement, rule: FailureRule, records_sha256: str) -> BaselineEntry:
    return BaselineEntry(
        condition=measurement.condition,
        implementation=DEFINITIONS[measurement.condition.name].implementation,
        seed=measurement.seed,
        rule=str(rule),
        cells=count_cells(measurement.records, rule),
        records_sha256=records_sha256,
        model=measurement.provenance.model,
        environment=measurement.provenance.environment,
    )

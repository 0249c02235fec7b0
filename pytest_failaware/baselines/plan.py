"""The plan of an update: new measurements merged into a stored baseline, and the outcome. Writes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from enum import Enum
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.comments import with_comments
from pytest_failaware.baselines.entries import RuledMeasurement, ends_golden, entry_of
from pytest_failaware.baselines.file import baseline_path, read_text
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.baselines.refusals import lacking, refusal, torn_rules
from pytest_failaware.baselines.renaming import is_renamed, renamed_files, under_new_names
from pytest_failaware.baselines.sample_files import carried_over, own_path, sha256_of, shared_hash, shared_path
from pytest_failaware.baselines.samples import holds_logits, own_content, read_records, read_samples, shared_content
from pytest_failaware.baselines.text import baseline_text
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError, choices
from pytest_failaware.core.identity import group_count
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.npz import ColumnsError, check_records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import score_columns
from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.groups import same_groups

_COMPARED: Final = tuple(column.name for column in dataclass_fields(Baseline) if column.compare)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The request to an update; `update_baseline` describes the fields."""

    measured: Sequence[RuledMeasurement]
    tests: Collection[Collection[str]]
    drop: Collection[str]
    reason: str
    reset_golden: bool

    @property
    def fresh(self) -> dict[str, RuledMeasurement]:
        """The measurements by condition key; the last one if two tests gate the same condition."""
        return {measurement.condition.key: (measurement, rule) for measurement, rule in self.measured}


class _Stored(Enum):
    """How much of a measurement a file already stores."""

    WHOLLY = "wholly"
    PARTLY = "partly"  # all except an optional column
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The files that an update writes, the YAML file last, and the baseline after the update."""

    outcome: UpdateOutcome
    contents: Mapping[Path, bytes] = field(default_factory=dict)
    baseline: Baseline | None


def plan_renaming(directory: Path, old: Baseline | None, update: Update) -> Plan | None:
    """Return the baseline with new class names and its old values; None if there is nothing to rename.

    It is written before the update, so that the baseline is complete even if the update is interrupted. If the update
    will be refused, nothing is renamed.
    """
    if old is None or not update.measured or not is_renamed(old, update.measured[0][0]):
        return None
    first = update.measured[0][0]
    preview = under_new_names(old, first)
    is_refused = _refusal(preview, update) or lacking(
        directory, preview, update.fresh, reason=update.reason, reset_golden=update.reset_golden
    )
    files = None if is_refused else renamed_files(directory, old, first)
    if files is None:
        return None
    merged, contents = files
    before, after = _texts(directory, old, merged)
    contents[baseline_path(directory, old.name).resolve()] = after.encode()
    pairs = zip(old.data.classes, merged.data.classes, strict=True)
    outcome = UpdateOutcome(
        renamed=tuple(f"{name} => {new}" for name, new in pairs if name != new),
        diff=_diff(before, after, f"{old.name}.yaml"),
    )
    return Plan(outcome=outcome, contents=contents, baseline=merged)


def plan_update(directory: Path, old: Baseline | None, name: str, update: Update) -> Plan:
    """Return what an update writes: the changed entries, their sample files, and the YAML; or why it writes nothing.

    Raises:
        BaselineError: an entry to delete does not exist, or the new file could not be read.
    """
    known = old.entries if old else {}
    for key in update.drop:
        if key not in known:
            raise BaselineError(f"{baseline_path(directory, name)}: has no entry {key!r}; {choices(key, known)}")
    fresh = update.fresh
    if refused := _refusal(old, update):
        return Plan(outcome=UpdateOutcome(refused=refused), baseline=old)
    if needed := lacking(directory, old, fresh, reason=update.reason, reset_golden=update.reset_golden):
        return Plan(outcome=UpdateOutcome(lacking=needed), baseline=old)
    already = {key: _stored(directory, old, *measured) for key, measured in fresh.items()} if old else {}
    reset = [key for key, entry in known.items() if update.reset_golden and entry.golden is not None]
    unchanged = tuple(key for key, stored in already.items() if stored is _Stored.WHOLLY and key not in reset)
    changed = {key: measured for key, measured in fresh.items() if key not in unchanged}
    outcome = UpdateOutcome(
        recorded=tuple(key for key in changed if key not in known),
        updated=tuple(key for key in changed if key in known),
        unchanged=unchanged,
        regrouped=_regrouped(directory, old, update.measured),
        pruned=tuple(update.drop),
        golden_anew=tuple(_golden_anew(directory, old, changed, update)),
        without_logits=tuple(_without_logits(directory, old, changed)),
    )
    if not changed and not update.drop and not outcome.regrouped:
        return Plan(outcome=outcome, baseline=old)
    # If only an optional column is new, the new values keep the golden status of the old ones.
    filled = [key for key, stored in already.items() if stored is _Stored.PARTLY and known[key].golden is None]
    merged = _merged(directory, old, name, changed, update, outcome.golden_anew, filled)
    before, after = _texts(directory, old, merged)
    contents = carried_over(directory, old, merged) | _samples(directory, merged, changed, update)
    contents[baseline_path(directory, name).resolve()] = after.encode()
    return Plan(
        outcome=replace(outcome, diff=_diff(before, after, f"{name}.yaml")),
        contents={path: new for path, new in contents.items() if not path.is_file() or path.read_bytes() != new},
        baseline=merged,
    )


def _refusal(old: Baseline | None, update: Update) -> str:
    """Return why nothing can be stored; "" if everything can."""
    measured, fresh, drop = update.measured, update.fresh, update.drop
    return refusal(old, measured, fresh, drop) or torn_rules(old, fresh, drop, update.tests)


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


def _samples(
    directory: Path, merged: Baseline, changed: Mapping[str, RuledMeasurement], update: Update
) -> dict[Path, bytes]:
    """Return the sample files: the outcomes of each changed condition, and the shared list of samples."""
    contents = {}
    for key, (measurement, rule) in changed.items():
        _check(directory, merged, measurement)
        contents[own_path(directory, merged, merged.entries[key])] = own_content(measurement.records, rule)
    if update.measured:
        first = update.measured[0][0]
        contents[shared_path(directory, merged)] = shared_content(first.samples)
    return contents


def _check(directory: Path, merged: Baseline, measurement: Measurement) -> None:
    """Refuse records that could not be read back."""
    try:
        check_records(measurement.records, measurement.provenance.data)
    except ColumnsError as error:
        raise BaselineError(
            f"{baseline_path(directory, merged.name)}: {measurement.condition.key} cannot be stored: {error}; look at "
            "what the model answers"
        ) from error


def _without_logits(directory: Path, old: Baseline | None, changed: Mapping[str, RuledMeasurement]) -> Iterator[str]:
    """Yield the entries whose stored logits are lost because the measurement has none."""
    for key, (measurement, _) in changed.items():
        entry = old.entries.get(key) if old else None
        if old is None or entry is None or measurement.records.logits is not None:
            continue
        if holds_logits(own_path(directory, old, entry)):
            yield key


def _golden_anew(
    directory: Path, old: Baseline | None, changed: Mapping[str, RuledMeasurement], update: Update
) -> Iterator[str]:
    """Yield the stored entries whose new values become golden."""
    for key, (measurement, _) in changed.items():
        if old is not None and key in old.entries and (update.reset_golden or ends_golden(directory, old, measurement)):
            yield key


def _regrouped(directory: Path, old: Baseline | None, measured: Sequence[RuledMeasurement]) -> str:
    """Return the number of groups before and now; "" if the groups did not change or the samples are others."""
    if old is None or not measured or old.data != measured[0][0].provenance.data:
        return ""
    before, now = read_samples(directory, old), measured[0][0].samples
    if same_groups(before or now.in_groups(None), now):
        return ""
    groups = (before.groups if before else None, now.groups)
    return " -> ".join(f"{group_count(side):,}" if side is not None else "none" for side in groups)


def _stored(directory: Path, baseline: Baseline, measurement: Measurement, rule: FailureRule) -> _Stored:
    """Return how much of a measurement the file already stores."""
    provenance = measurement.provenance
    entry = baseline.entries.get(measurement.condition.key)
    if entry is None or (baseline.data, baseline.preprocessing) != (provenance.data, provenance.preprocessing):
        return _Stored.OTHERWISE
    stored = read_records(directory, baseline, entry)
    made_alike = (entry.condition, entry.seed, entry.rule) == (measurement.condition, measurement.seed, rule)
    if stored is None or not made_alike or not records_equal(stored, measurement.records, rule):
        return _Stored.OTHERWISE
    is_less = stored.columns.keys() < score_columns(measurement.records, rule).columns.keys()
    return _Stored.PARTLY if is_less else _Stored.WHOLLY


def _merged(
    directory: Path,
    old: Baseline | None,
    name: str,
    changed: Mapping[str, RuledMeasurement],
    update: Update,
    golden_anew: Collection[str],
    filled: Collection[str],
) -> Baseline:
    """Return the baseline with the changed entries and without the dropped entries."""
    known = old.entries if old else {}
    entries = {key: entry for key, entry in known.items() if key not in update.drop}
    for key, (measurement, rule) in changed.items():
        entries[key] = entry_of(
            measurement,
            rule,
            known.get(key),
            update.reason,
            golden_reset=key in golden_anew,
            is_filled=key in filled,
        )
    if old is not None and not update.measured:
        return replace(old, entries=entries, samples_sha256=shared_hash(directory, old))
    first = update.measured[0][0]
    return Baseline(
        name=name,
        data=first.provenance.data,
        preprocessing=first.provenance.preprocessing,
        entries=entries,
        samples_sha256=sha256_of(shared_content(first.samples)),
        known_label_errors=old.known_label_errors if old else (),
    )


def _diff(before: str, after: str, file: str) -> str:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, fromfile=f"{file} (stored)", tofile=f"{file} (new)"))

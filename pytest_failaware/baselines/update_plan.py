"""The plan of an update: new measurements merged into a stored baseline. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from pytest_failaware.baselines.entries import RuledMeasurement, ends_golden, entry_of, without_golden
from pytest_failaware.baselines.file import baseline_path
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.plan import Plan, check_storable, planned
from pytest_failaware.baselines.recipe import repeated_seed
from pytest_failaware.baselines.refusals import lacking, recipe_refusal, refusal, torn_rules
from pytest_failaware.baselines.renaming import is_renamed, renamed_files, under_new_names
from pytest_failaware.baselines.sample_files import own_path, sha256_of, shared_hash, shared_path
from pytest_failaware.baselines.samples import holds_logits, own_content, read_records, read_samples, shared_content
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError, choices
from pytest_failaware.core.identity import group_count
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.request import REASON
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import score_columns
from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.groups import same_groups


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


def plan_renaming(
    directory: Path, old: Baseline | None, measured: Sequence[RuledMeasurement], is_refused: Callable[[Baseline], bool]
) -> Plan | None:
    """Return the baseline with new class names and its old values; None if there is nothing to rename.

    It is written before the update, so that the baseline is complete even if the update is interrupted. Nothing is
    renamed if the update of the renamed baseline, whose entries still name the old files, `is_refused`.
    """
    if old is None or not measured or not is_renamed(old, measured[0][0]):
        return None
    first = measured[0][0]
    files = None if is_refused(under_new_names(old, first)) else renamed_files(directory, old, first)
    if files is None:
        return None
    merged, contents = files
    pairs = zip(old.data.classes, merged.data.classes, strict=True)
    outcome = UpdateOutcome(renamed=tuple(f"{name} => {new}" for name, new in pairs if name != new))
    return planned(directory, old, merged, contents, outcome)


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
    repeated = repeated_seed(directory, old, fresh) if old and old.seed_count > 1 else 0
    dropped = old.seed_count if old and old.seed_count > 1 and fresh and not repeated else 0
    if old and dropped and (refused := recipe_refusal(old, fresh, update.drop)):
        return Plan(outcome=UpdateOutcome(refused=refused), baseline=old)
    if needed := _lacking(directory, old, update, drops_seeds=bool(dropped)):
        return Plan(outcome=UpdateOutcome(lacking=needed, dropped_seeds=dropped), baseline=old)
    already = {key: _stored(directory, old, *measured) for key, measured in fresh.items()} if old else {}
    if repeated or dropped:  # every condition is that of one stored seed, or none is
        already = dict.fromkeys(fresh, _Stored.WHOLLY if repeated else _Stored.OTHERWISE)
    reset = [key for key, entry in known.items() if update.reset_golden and entry.golden is not None]
    unchanged = tuple(key for key, stored in already.items() if stored is _Stored.WHOLLY and key not in reset)
    changed = {key: measured for key, measured in fresh.items() if key not in unchanged}
    outcome = UpdateOutcome(
        recorded=tuple(key for key in changed if key not in known),
        updated=tuple(key for key in changed if key in known),
        unchanged=unchanged,
        regrouped=_regrouped(directory, old, update.measured),
        pruned=tuple(update.drop),
        repeated_seed=repeated,
        dropped_seeds=dropped,
        golden_anew=tuple(_golden_anew(directory, old, changed, update)),
        without_logits=tuple(_without_logits(directory, old, changed)),
    )
    if not changed and not update.drop and not outcome.regrouped:
        return Plan(outcome=outcome, baseline=old)
    # If only an optional column is new, the new values keep the golden status of the old ones.
    filled = [key for key, stored in already.items() if stored is _Stored.PARTLY and known[key].golden is None]
    merged = _merged(directory, old, name, changed, update, outcome, filled)
    return planned(directory, old, merged, _samples(directory, merged, changed, update), outcome)


def is_refused(directory: Path, preview: Baseline, update: Update) -> bool:
    """Return whether an update of a renamed baseline stores nothing."""
    return bool(_refusal(preview, update) or _lacking(directory, preview, update, drops_seeds=False))


def _lacking(
    directory: Path, old: Baseline | None, update: Update, *, drops_seeds: bool
) -> Mapping[str, Sequence[str]]:
    """Return the missing options with their entries; a reason is missing if seeds would be dropped without it."""
    needed = lacking(directory, old, update.fresh, reason=update.reason, reset_golden=update.reset_golden)
    return {REASON: [], **needed} if drops_seeds and not update.reason else needed


def _refusal(old: Baseline | None, update: Update) -> str:
    """Return why nothing can be stored; "" if everything can."""
    measured, fresh, drop = update.measured, update.fresh, update.drop
    return refusal(old, measured, fresh, drop) or torn_rules(old, fresh, drop, update.tests)


def _samples(
    directory: Path, merged: Baseline, changed: Mapping[str, RuledMeasurement], update: Update
) -> dict[Path, bytes]:
    """Return the sample files: the outcomes of each changed condition, and the shared list of samples."""
    contents = {}
    for key, (measurement, rule) in changed.items():
        if sha256_of(own_content(measurement.records, rule)) != merged.entries[key].records_sha256:
            continue  # the seeds of a recipe stay
        check_storable(directory, merged, measurement)
        contents[own_path(directory, merged, merged.entries[key])] = own_content(measurement.records, rule)
    if update.measured:
        first = update.measured[0][0]
        contents[shared_path(directory, merged)] = shared_content(first.samples)
    return contents


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
    outcome: UpdateOutcome,
    filled: Collection[str],
) -> Baseline:
    """Return the baseline with the changed entries and without the dropped entries."""
    known = old.entries if old else {}
    entries = {key: entry for key, entry in known.items() if key not in update.drop}
    for key, (measurement, rule) in changed.items():
        if outcome.repeated_seed:  # its golden reference is reset, and all seeds stay
            entries[key] = without_golden(entries[key], update.reason)
            continue
        entries[key] = entry_of(
            measurement,
            rule,
            known.get(key),
            update.reason,
            golden_reset=key in outcome.golden_anew,
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

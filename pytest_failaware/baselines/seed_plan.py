"""The plan of a change to the seeds of a recipe: one is added, replaced or dropped. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_failaware.baselines import sentences
from pytest_failaware.baselines.entries import RuledMeasurement
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.plan import Plan, check_storable, planned
from pytest_failaware.baselines.recipe import repeated_seed, seed_of, with_seeds
from pytest_failaware.baselines.refusals import refusal
from pytest_failaware.baselines.sample_files import absence, seed_path, shared_hash
from pytest_failaware.baselines.samples import holds_logits, own_content, read_samples
from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.judge.comparability import otherwise_made
from pytest_failaware.judge.groups import same_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedChange:
    """The request to change one seed: `number` is None to add the measured one, else the seed to replace.

    If nothing was measured, the seed is dropped.
    """

    measured: Sequence[RuledMeasurement] = ()
    number: int | None = None
    reason: str = ""

    @property
    def fresh(self) -> dict[str, RuledMeasurement]:
        """The measurements by condition key; the last one if two tests gate the same condition."""
        return {measurement.condition.key: (measurement, rule) for measurement, rule in self.measured}


def plan_seeds(directory: Path, old: Baseline, change: SeedChange) -> Plan:
    """Return what a change of one seed writes, or why it writes nothing. The other seeds keep their files."""
    if refused := seed_refusal(old, change) or _unreadable(directory, old, change):
        return Plan(outcome=UpdateOutcome(refused=refused), baseline=old)
    number, fresh = change.number, change.fresh
    repeated = repeated_seed(directory, old, fresh)
    if repeated and (repeated != number or not _adds_logits(directory, old, repeated, fresh)):
        return Plan(outcome=UpdateOutcome(repeated_seed=repeated), baseline=old)
    if refused := _known_model(old, change):
        return Plan(outcome=UpdateOutcome(refused=refused), baseline=old)
    entries = {key: _changed_entry(entry, change, fresh.get(key)) for key, entry in old.entries.items()}
    merged = replace(old, entries=entries, samples_sha256=shared_hash(directory, old))
    contents = {}
    for key, (measurement, rule) in fresh.items():
        check_storable(directory, merged, measurement)
        sha256 = seed_of(measurement, rule).records_sha256
        contents[seed_path(directory, merged, entries[key], sha256)] = own_content(measurement.records, rule)
    done = sentences.seed_changed(number, old.seed_count, is_dropped=not fresh)
    return planned(directory, old, merged, contents, UpdateOutcome(seed=done, seeds=merged.seed_count))


def _changed_entry(entry: BaselineEntry, change: SeedChange, measured: RuledMeasurement | None) -> BaselineEntry:
    """Return an entry with the seed added, replaced or dropped."""
    seeds = list(entry.all_seeds)
    place = len(seeds) if change.number is None else change.number - 1
    if measured is None:
        return with_seeds(entry, seeds[:place] + seeds[place + 1 :], change.reason, seeds[place])
    measurement, rule = measured
    new = seed_of(measurement, rule)
    changed = with_seeds(entry, [*seeds[:place], new, *seeds[place + 1 :]], change.reason, new)
    if place == 0:
        provenance = measurement.provenance
        changed = replace(changed, model=provenance.model, environment=provenance.environment)
    return changed


def _adds_logits(directory: Path, old: Baseline, number: int, fresh: Mapping[str, RuledMeasurement]) -> bool:
    """Return whether measurements that repeat a seed have the logits that its files lack."""
    for key, (measurement, _) in fresh.items():
        entry = old.entries[key]
        path = seed_path(directory, old, entry, entry.all_seeds[number - 1].records_sha256)
        if measurement.records.logits is not None and not holds_logits(path):
            return True
    return False


# ---- why a seed is refused ---------------------------------------------------------------------------------------


def seed_refusal(old: Baseline, change: SeedChange) -> str:
    """Return why one seed cannot be changed, as far as the YAML says; "" if it can."""
    count, number, fresh = old.seed_count, change.number, change.fresh
    if number is not None and not 1 <= number <= count:
        return sentences.no_such_seed(number, count)
    if not fresh:
        return sentences.ONLY_SEED if count == 1 else ""
    if refused := refusal(None, change.measured, fresh, ()):
        return refused
    if len({entry.model.sha256 for entry in old.entries.values()}) > 1:
        return sentences.SEVERAL_MODELS
    if further := [key for key in fresh if key not in old.entries]:
        return sentences.new_conditions(further, count)
    if missing := [key for key in old.entries if key not in fresh]:
        return sentences.lacks_conditions(missing)
    return _other_recipe(old, fresh)


def _other_recipe(old: Baseline, fresh: Mapping[str, RuledMeasurement]) -> str:
    """Return what makes these measurements those of another recipe; "" if nothing does."""
    for key, (measurement, rule) in fresh.items():
        provenance = measurement.provenance
        if (old.data, old.preprocessing) != (provenance.data, provenance.preprocessing):
            return sentences.OTHER_DATA_OF_SEED
        if made := otherwise_made(measurement, old):
            return sentences.made_otherwise(key, made)
        if rule != old.entries[key].rule:
            return sentences.other_rule(key, old.entries[key].rule, rule)
    return ""


def _unreadable(directory: Path, old: Baseline, change: SeedChange) -> str:
    """Return why the stored samples forbid another seed: files are absent, or the groups are others; else ""."""
    if not change.measured:
        return ""
    if absent := absence(directory, old, next(iter(old.entries))):
        return absent
    stored, now = read_samples(directory, old), change.measured[0][0].samples
    return "" if stored is None or same_groups(stored, now) else sentences.OTHER_GROUPS_OF_SEED


def _known_model(old: Baseline, change: SeedChange) -> str:
    """Return which stored seed is the same model with other results; "" if none is."""
    if not change.measured:
        return ""
    model, first = change.measured[0][0].provenance.model.sha256, next(iter(old.entries.values()))
    numbers = [number for number, stored in enumerate(first.model_hashes, start=1) if stored == model]
    same = [number for number in numbers if number != change.number]
    return sentences.known_model(same[0], old.name) if same else ""

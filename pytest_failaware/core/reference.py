"""The reference that a measurement is judged against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pytest_failaware.core.baseline import FEWEST_SEEDS, Baseline, BaselineEntry
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples


class Stored(NamedTuple):
    """A baseline and its entry of one condition."""

    baseline: Baseline
    entry: BaselineEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The values of one condition in a baseline, or those of a second model; a field is None if its value is missing.

    `golden` holds the records that drift is measured from, None if these are the stored records themselves. If a sample
    file of the entry is absent, there are no records, and `absence` names the file.
    """

    name: str  # the name of the baseline, even if it does not exist
    key: str  # the key of the condition
    baseline: Baseline | None = None
    records: Records | None = None
    golden: Records | None = None
    seeds: tuple[Records, ...] = ()  # of the further seeds of a recipe
    golden_seeds: tuple[Records, ...] = ()  # of the further seeds of the golden recipe
    absence: str = ""

    @property
    def stored(self) -> Stored | None:
        """The baseline with its entry of the condition, None if either does not exist."""
        entry = self.baseline.entries.get(self.key) if self.baseline else None
        return None if self.baseline is None or entry is None else Stored(self.baseline, entry)

    def has_golden(self, conditions: Sequence[Condition]) -> bool:
        """Return whether the baseline has a golden reference for one of these conditions."""
        keys = {condition.key for condition in conditions}
        entries = {} if self.baseline is None else self.baseline.entries
        return any(entry.golden is not None for key, entry in entries.items() if key in keys)

    @property
    def samples(self) -> Samples | None:
        """The samples of the stored records."""
        return self.records.samples if self.records else None

    @property
    def rule(self) -> FailureRule | None:
        """The rule of the stored records; that of a second model is the configured rule."""
        return self.stored.entry.rule if self.stored else None

    @property
    def golden_rule(self) -> FailureRule | None:
        """The rule of the golden records: stored with them, or that of the stored records if these are golden."""
        if self.stored is None or self.golden is None:
            return None
        golden, are_stored = self.stored.entry.golden, self.golden is self.records
        return self.rule if golden is None or are_stored else golden.rule

    @property
    def replaced(self) -> Reference:
        """The reference of an update that replaces the stored records: they are golden if nothing else is."""
        return replace(self, golden=self.records, golden_seeds=self.seeds) if self.golden is None else self

    @property
    def recipe(self) -> tuple[Records, ...]:
        """The records of all seeds, the first one first; empty with too few seeds to judge against their spread."""
        of_seeds = () if self.records is None else (self.records, *self.seeds)
        return of_seeds if len(of_seeds) >= FEWEST_SEEDS else ()

    @property
    def nearest(self) -> Records | None:
        """The records that single samples are compared with: those of the nearest seed, or the only ones."""
        seeds = self.recipe
        return self.records if not seeds or self.baseline is None else seeds[self.baseline.nearest_seed]

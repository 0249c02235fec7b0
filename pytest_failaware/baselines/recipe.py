"""The seeds of a baseline: which of them a run measured again, and entries with other seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_failaware.baselines.entries import RuledMeasurement
from pytest_failaware.baselines.sample_files import sha256_of
from pytest_failaware.baselines.samples import own_content, read_records, read_seeds
from pytest_failaware.core.baseline import Baseline, BaselineEntry, Change, Seed
from pytest_failaware.core.measurement import Measurement, ModelFacts
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.metrics.rates import count_cells


def repeated_seed(directory: Path, baseline: Baseline, fresh: Mapping[str, RuledMeasurement]) -> int:
    """Return the number of the stored seed that these measurements repeat in every condition; 0 if there is none.

    Raises:
        BaselineError: a sample file is damaged.
    """
    numbers = set(range(1, baseline.seed_count + 1)) if fresh else set()
    for measurement, rule in fresh.values():
        numbers &= set(_equal_seeds(directory, baseline, measurement, rule))
    return min(numbers, default=0)


def _equal_seeds(directory: Path, baseline: Baseline, measurement: Measurement, rule: FailureRule) -> Iterator[int]:
    """Yield the numbers of the seeds of one condition whose records are those of a measurement."""
    provenance, entry = measurement.provenance, baseline.entries.get(measurement.condition.key)
    if entry is None or (baseline.data, baseline.preprocessing) != (provenance.data, provenance.preprocessing):
        return
    if (entry.condition, entry.seed, entry.rule) != (measurement.condition, measurement.seed, rule):
        return
    first, further = read_records(directory, baseline, entry), read_seeds(directory, baseline, entry)
    if first is None or further is None:
        return
    for number, records in enumerate((first, *further), start=1):
        if records_equal(records, measurement.records, rule):
            yield number


def seed_of(measurement: Measurement, rule: FailureRule) -> Seed:
    """Return the values of a measurement as those of one seed."""
    return Seed(
        cells=count_cells(measurement.records, rule),
        records_sha256=sha256_of(own_content(measurement.records, rule)),
        model_sha256=measurement.provenance.model.sha256,
    )


def with_seeds(entry: BaselineEntry, seeds: Sequence[Seed], reason: str, changed: Seed) -> BaselineEntry:
    """Return an entry with these seeds, whose history keeps the reason with the seed that changed.

    If another seed becomes the first one, it takes over the architecture and the environment of the former.
    """
    first, *further = seeds
    change = (Change(reason=reason, model_sha256=changed.model_sha256),) if reason else ()
    return replace(
        entry,
        cells=first.cells,
        records_sha256=first.records_sha256,
        model=ModelFacts(sha256=first.model_sha256, architecture=entry.model.architecture),
        seeds=tuple(further),
        history=(*entry.history, *change),
    )

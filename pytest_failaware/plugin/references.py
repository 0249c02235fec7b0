"""Read what the items of a run are compared with: the stored baselines, or the second model."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from functools import cache, lru_cache

from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement, ModelFacts
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.request import RunConfig
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.measure.requirements import known_name
from pytest_failaware.plugin.session import Measured, baseline_name


class References:
    """The references of a run. Each baseline is read once, and the records of the last condition are kept."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self._read_baseline = cache(self._read)
        self._stored = lru_cache(maxsize=1)(self._read_reference)  # each item reads its reference several times

    def of(self, measured: Measured, gate: Gate) -> Reference:
        """Return what an item is compared with: the stored baseline, or the second model."""
        if measured.against is not None:
            return self._of_second_model(measured.against, measured.measurement, gate)
        return self.of_baseline(measured.measurement, gate)

    def of_baseline(self, measurement: Measurement, gate: Gate) -> Reference:
        """Return the stored baseline that a measurement is compared with."""
        from pytest_failaware.baselines.renaming import renamed

        stored = self._stored(baseline_name(measurement, gate), measurement.condition.key)
        return stored if measurement.former is None else renamed(stored, measurement)

    def stored(self, name: str, key: str) -> Reference:
        """Return the stored entry and records of one condition in the baseline `name`.

        Raises:
            BaselineError: a file of it is damaged.
        """
        return self._stored(name, key)

    def rules(self, model: ModelFacts, key: str, gate: Gate) -> Collection[FailureRule]:
        """Return the rules whose columns a measurement needs: the configured rule, the stored one and that of golden.

        Args:
            model: the candidate, whose architecture can name the baseline.
            key: the key of the condition.
            gate: the gate with the configured rule.
        """
        if self.config.against is not None:
            return {gate.rule}
        stored = self._stored(known_name(model.architecture, gate), key)
        return {gate.rule, *filter(None, (stored.rule, stored.golden_rule))}

    def on_rename(self, measured: Measured, gate: Gate) -> Iterator[str]:
        """Yield a sentence if lines of failaware_rename are not needed any more, or do not help."""
        from pytest_failaware.baselines.renaming import check_lines, is_renamed

        if not self.config.rename or measured.against is not None:
            return
        measurement, name = measured.measurement, baseline_name(measured.measurement, gate)
        baseline = self._read_baseline(name)
        if baseline is None:
            return
        if done := check_lines(self.config.rename, baseline, measurement):
            yield done
        elif not is_renamed(baseline, measurement):
            yield (
                "failaware_rename does not make the baseline comparable: beside the names, the order of the classes or "
                "the samples changed"
            )

    def ends_golden(self, measured: Measured, reference: Reference) -> bool:
        """Return whether the golden reference of the stored entry cannot be kept beside the new values."""
        from pytest_failaware.baselines.entries import ends_golden

        baseline, key = reference.baseline, measured.measurement.condition.key
        if measured.against is not None or baseline is None or key not in baseline.entries:
            return False
        return ends_golden(self.config.baseline_dir, baseline, measured.measurement)

    def _of_second_model(self, measurement: Measurement, first: Measurement, gate: Gate) -> Reference:
        """Return the measurement of the second model on the same images, as if it were a stored baseline."""
        from pytest_failaware.baselines.entries import baseline_of

        name, records = self.config.origins["against"].text, measurement.records
        if records.samples.groups is None:  # the groups of one side count for both
            records = dataclasses.replace(records, samples=records.samples.in_groups(first.samples.groups))
        return Reference(
            name=name,
            key=measurement.condition.key,
            baseline=baseline_of(measurement, gate.rule, name),
            records=records,
        )

    def _read_reference(self, name: str, key: str) -> Reference:
        """Return the baseline `name` with the records of one condition."""
        from pytest_failaware.baselines.reference import read_reference

        return read_reference(
            self.config.baseline_dir,
            name,
            key,
            baseline=self._read_baseline(name),
            with_golden=not self.config.writing.reset_golden,
        )

    def _read(self, name: str) -> Baseline | None:
        from pytest_failaware.baselines.file import read_baseline

        return read_baseline(self.config.baseline_dir, name)

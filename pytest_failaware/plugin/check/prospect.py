"""Find out from a few samples whether a condition can be compared with its baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import Records
from pytest_failaware.core.request import DatasetChange

if TYPE_CHECKING:
    from pytest_failaware.plugin.judging import Judging


class Prospect(NamedTuple):
    """The prospect of a comparison.

    `has_baseline` and `has_entry` say what is stored, `differences` why the stored entry is not comparable, and
    `unlooked` what a look cannot find out.
    """

    has_baseline: bool
    has_entry: bool
    differences: tuple[str, ...] = ()
    unlooked: tuple[str, ...] = ()


def prospect_of(
    judging: Judging, name: str, measurement: Measurement, known: int, *, has_class_names: bool = True
) -> Prospect:
    """Compare a few samples with a stored entry, as far as a few samples allow.

    Args:
        judging: the judging of the run.
        name: the name of the baseline.
        measurement: the measurement of the condition, with the records of a few samples.
        known: the number of samples in the whole data set.
        has_class_names: whether the data set names all its classes, also those without a sample in the look.
    """
    reference, key = judging.references.stored(name, measurement.condition.key), measurement.condition.key
    baseline = reference.baseline
    if baseline is None or key not in baseline.entries:
        return Prospect(baseline is not None, has_entry=False)
    prospect = _Comparison(judging, baseline, reference.records, measurement, known, has_class_names)
    return Prospect(
        has_baseline=True,
        has_entry=True,
        differences=tuple(prospect.differences(reference.absence)),
        unlooked=tuple(prospect.unlooked()),
    )


class _Comparison(NamedTuple):
    judging: Judging
    baseline: Baseline
    records: Records | None  # of the baseline
    measurement: Measurement
    known: int
    has_class_names: bool

    @property
    def _is_whole(self) -> bool:
        return len(self.measurement.records) == self.known

    @property
    def _is_shared(self) -> bool:
        return self.judging.config.dataset_change is DatasetChange.SHARED

    def differences(self, absence: str) -> Iterator[str]:
        """Yield what will make the two sides not comparable."""
        from pytest_failaware.judge.comparability import find_differences
        from pytest_failaware.judge.pairing import pair

        now = self._supposed
        paired = None if self.records is None else pair(self.records, now.records)
        yield from find_differences(now, self.baseline, paired, DatasetChange.FAIL, absence)
        alike = now.provenance.data == self.baseline.data
        if alike and paired is not None and not self._is_shared and not self._is_renamed:
            unknown = len(now.records) - len(paired)
            if unknown and not self._is_whole:
                yield f"samples: {unknown} of the {len(now.records)} that were looked at are not the baseline's"

    def unlooked(self) -> Iterator[str]:
        """Yield what only a measurement of all samples can find out."""
        if not self._is_whole:
            yield f"whether all {self.known:,} images are those of the baseline"
        if self._is_precomputed and not self._is_whole:
            yield f"the images of {self.measurement.condition.key}"
        if self._is_renamed:
            yield "whether failaware_rename makes the baseline comparable"

    @property
    def _is_precomputed(self) -> bool:
        return self.measurement.condition.is_precomputed

    @property
    def _is_renamed(self) -> bool:
        return self.measurement.former is not None

    @property
    def _supposed(self) -> Measurement:
        """The measurement, with the assumption that all samples outside the look are those of the baseline."""
        measured, stored = self.measurement, self.baseline.data
        data = measured.provenance.data
        if self._is_whole:
            return measured
        knows_classes = self.has_class_names and not self._is_renamed
        left_out = stored.skipped if self.judging.config.bad_samples else 0
        supposed = replace(
            stored,
            classes=data.classes if knows_classes else stored.classes,
            samples=stored.samples if self._is_shared else self.known - left_out,
            skipped=left_out,
        )
        condition = self.baseline.entries[measured.condition.key].condition if self._is_precomputed else None
        return replace(
            measured,
            condition=condition or measured.condition,
            provenance=replace(measured.provenance, data=supposed),
        )

"""Samples and references: columns that belong together stay together."""

from __future__ import annotations

import numpy as np
from five import baseline_of, measurement_of, records_of, with_columns

from pytest_failaware.core.reference import Reference, Stored
from pytest_failaware.core.samples import Samples

IDS = np.array([3, 5, 9], dtype=np.uint64)
LABELS = np.array([0, 1, 1], dtype=np.uint16)
GROUPS = np.array([7, 7, 8], dtype=np.uint32)


def test_the_columns_have_the_names_of_the_files() -> None:
    """The columns of samples have the names of the stored files; without groups there is no column of groups."""
    samples = Samples(ids=IDS, labels=LABELS)

    assert ["sample_id", "label"] == list(samples.columns)
    assert ["sample_id", "label", "group"] == list(samples.in_groups(GROUPS).columns)


def test_rows_are_taken_of_all_columns() -> None:
    """A sample keeps its label and its group if rows are taken, in samples and in records."""
    few = Samples(ids=IDS, labels=LABELS, groups=GROUPS).take(np.array([0, 2]))
    records = with_columns(records_of("RWr"), group=GROUPS).take(np.array([0, 2]))

    assert ([3, 9], [0, 1], [7, 8]) == (few.ids.tolist(), few.labels.tolist(), few.groups.tolist())
    assert [7, 8] == records.samples.groups.tolist()


def test_columns_make_the_samples_again() -> None:
    """Samples that are built from columns have the same groups, or None if there is no column of groups."""
    samples = Samples(ids=IDS, labels=LABELS, groups=GROUPS)

    assert GROUPS.tolist() == Samples.from_columns(samples.columns).groups.tolist()
    assert Samples.from_columns(samples.in_groups(None).columns).groups is None


def test_a_reference_knows_its_entry_and_its_samples() -> None:
    """A reference knows its entry and its samples, or None if nothing is stored.

    Drift is measured from the golden records if the baseline has them, else from its records.
    """
    measured, golden = measurement_of(), records_of("RRRRR")
    baseline = baseline_of(measured)
    nothing = Reference(name="small", key="clean")
    stored = Reference(name="small", key="clean", baseline=baseline, records=measured.records)
    drifting = Reference(name="small", key="clean", baseline=baseline, records=measured.records, golden=golden)

    assert (None, None, None) == (nothing.stored, nothing.samples, nothing.first)
    assert Stored(baseline, baseline.entries["clean"]) == stored.stored
    assert None is Reference(name="small", key="blur", baseline=baseline).stored
    assert (measured.samples, measured.records) == (stored.samples, stored.first)
    assert golden is drifting.first

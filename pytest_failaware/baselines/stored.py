"""What is stored of one condition, read as one version though another process may write at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.absence import absence
from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.samples import missing_files, read_golden, read_groups, read_records
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.records import Records
from pytest_failaware.judge.groups import Groups

_TRIES: Final = 20  # each one fails only if another process has finished an update since the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A baseline with the records, golden records and groups of one condition; None for what there is not.

    If a file of theirs is absent, nothing is read, and `absence` says so.
    """

    baseline: Baseline | None
    records: Records | None = None
    golden: Records | None = None
    groups: Groups = None
    absence: str = ""

    def is_whole(self, key: str) -> bool:
        """Return whether no file of the condition was absent when it was read."""
        if self.baseline is None or key not in self.baseline.entries:
            return True
        return (
            not self.absence and self.records is not None and (self.groups is not None or not self.baseline.data.groups)
        )


def read_stored(directory: Path, baseline: Baseline | None, key: str, *, with_golden: bool = True) -> Stored:
    """Return what is stored of the condition `key`.

    An update removes the files that it replaced. If a file that the baseline names is absent, the baseline is read
    again, and counts if it has changed.

    Args:
        directory: the folder of the baselines.
        baseline: as it was read before.
        key: of the entry.
        with_golden: read the golden reference, too.

    Raises:
        BaselineError: a file is damaged, or does not belong to the baseline; a golden reference is absent.
    """
    stored: Stored | BaselineError
    for _ in range(_TRIES):
        stored = _attempt(directory, baseline, key, with_golden=with_golden)
        if isinstance(stored, Stored) and stored.is_whole(key):
            return stored
        again = None if baseline is None else read_baseline(directory, baseline.name)
        if again is None or (
            again == baseline and (isinstance(stored, BaselineError) or missing_files(directory, again, [key]))
        ):
            break
        baseline = again
    if isinstance(stored, BaselineError):
        raise stored
    return stored


def _attempt(directory: Path, baseline: Baseline | None, key: str, *, with_golden: bool) -> Stored | BaselineError:
    """What is stored, or why it cannot be read."""
    entry = baseline.entries.get(key) if baseline else None
    if baseline is None or entry is None:
        return Stored(baseline=baseline)
    if absent := absence(directory, baseline, key):
        return Stored(baseline=baseline, absence=absent)
    try:
        return Stored(
            baseline=baseline,
            records=read_records(directory, baseline, entry),
            golden=read_golden(directory, baseline, entry) if with_golden else None,
            groups=read_groups(directory, baseline),
        )
    except BaselineError as error:
        return error

"""Reading the reference of one condition in one consistent version, even while another process writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.sample_files import absence, missing_files
from pytest_failaware.baselines.samples import read_golden, read_golden_seeds, read_records, read_seeds
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.reference import Reference

_TRIES: Final = 20  # a try fails only if another process has finished an update since the last try


def read_reference(
    directory: Path, name: str, key: str, *, baseline: Baseline | None, with_golden: bool = True
) -> Reference:
    """Return the stored reference of one condition.

    An update removes the files that it replaced. If a file of the baseline is absent, the baseline is read again, and
    the new version is used if it differs.

    Args:
        directory: the folder of the baselines.
        name: the name of the baseline.
        key: the key of the condition.
        baseline: the baseline as it was read before; None if there was no file.
        with_golden: read the golden reference, too.

    Raises:
        BaselineError: a file is damaged, or does not belong to the baseline; a golden reference is absent.
    """
    reference: Reference | BaselineError
    for _ in range(_TRIES):
        reference = _attempt(directory, Reference(name=name, key=key, baseline=baseline), with_golden=with_golden)
        if isinstance(reference, Reference) and _is_whole(reference):
            return reference
        again = read_baseline(directory, name)
        if again is None or (
            again == baseline and (isinstance(reference, BaselineError) or missing_files(directory, again, [key]))
        ):
            break
        baseline = again
    if isinstance(reference, BaselineError):
        raise reference
    return reference


def _is_whole(reference: Reference) -> bool:
    """Return whether all files of the condition were there when it was read."""
    return reference.stored is None or (not reference.absence and reference.records is not None)


def _attempt(directory: Path, reference: Reference, *, with_golden: bool) -> Reference | BaselineError:
    """Return the stored reference, or the error of reading it."""
    if reference.stored is None:
        return reference
    baseline, entry = reference.stored
    if absent := absence(directory, baseline, reference.key):
        return replace(reference, absence=absent)
    try:
        records = read_records(directory, baseline, entry)
        seeds = read_seeds(directory, baseline, entry)
        golden = read_golden(directory, baseline, entry) if with_golden else None
        golden_seeds = read_golden_seeds(directory, baseline, entry) if with_golden else ()
    except BaselineError as error:
        return error
    if records is None or seeds is None:  # another process has removed a file
        return reference
    return replace(reference, records=records, seeds=seeds, golden=golden, golden_seeds=golden_seeds)

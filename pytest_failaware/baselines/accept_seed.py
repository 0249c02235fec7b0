"""Accepting the values of a report as one more seed of a recipe, or in place of a seed."""

from __future__ import annotations

from pathlib import Path

from pytest_failaware.baselines.accept import Accepted
from pytest_failaware.baselines.entries import RuledMeasurement
from pytest_failaware.baselines.file import baseline_path, read_baseline
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.recipe import seed_of
from pytest_failaware.baselines.seed_plan import SeedChange
from pytest_failaware.baselines.update import change_seeds
from pytest_failaware.core.baseline import BaselineEntry
from pytest_failaware.core.errors import FailAwareError


def accept_seed(
    accepted: Accepted,
    directory: Path,
    name: str,
    *,
    number: int | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> UpdateOutcome:
    """Store the measurements of one baseline as a seed.

    The run of the report must have judged this seed against seeds that are still stored. Seeds that were added since
    then do no harm, so the reports of several trainings can be accepted one after the other.

    Args:
        accepted: the measurements of the report.
        directory: the folder of the baselines.
        name: the baseline.
        number: the seed to replace; None to add one.
        reason: the reason that the history of the entries keeps; a seed that nothing judged needs one.
        dry_run: write nothing and only return the outcome.

    Raises:
        FailAwareError: the report has no values of the baseline, or judged them against other values.
        OSError: a file cannot be written.
    """
    if name not in accepted.measured:
        raise FailAwareError(
            f"{name}: the report has no values of this baseline; give the report of a run of its gates"
        )
    measured = accepted.measured[name]
    for item in measured:
        _check_reference(directory, name, item, accepted, reason)
    return change_seeds(directory, name, SeedChange(measured=measured, number=number, reason=reason), dry_run=dry_run)


def _check_reference(directory: Path, name: str, item: RuledMeasurement, accepted: Accepted, reason: str) -> None:
    """Refuse a measurement that was judged against a seed that is not stored any more, or against nothing."""
    path, baseline, key = baseline_path(directory, name), read_baseline(directory, name), item[0].condition.key
    compared = accepted.references[name, key].records_sha256
    entry = baseline.entries.get(key) if baseline else None
    if compared and baseline is None:
        raise FailAwareError(
            f"{path}: there is no such baseline, but the run compared with it; give its folder with --baseline-dir"
        )
    if entry is None or _is_stored(entry, item):
        return
    if not compared and not reason:
        raise FailAwareError(
            f"{path}: conditions.{key}: the run of this report had no baseline, so nothing judged this seed; run the "
            'gate again, or, if its training was sound, add --reason="why"'
        )
    if compared and not set(compared.split("+")) <= set(entry.identity.split("+")):
        raise FailAwareError(
            f"{path}: conditions.{key} has changed since the run of this report; run the gate again, so that its "
            "values are judged against these"
        )


def _is_stored(entry: BaselineEntry, item: RuledMeasurement) -> bool:
    return seed_of(*item).records_sha256 in entry.identity.split("+")

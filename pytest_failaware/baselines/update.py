"""Updates of stored baselines with new measurements, under the lock of their folder, each with one commit point."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from pytest_failaware.baselines.entries import RuledMeasurement
from pytest_failaware.baselines.file import baseline_path, read_baseline
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.plan import Plan
from pytest_failaware.baselines.sample_files import remove_leftovers
from pytest_failaware.baselines.seed_plan import SeedChange, plan_seeds, seed_refusal
from pytest_failaware.baselines.update_plan import Update, is_refused, plan_renaming, plan_update
from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.files import locked, replace_in_order
from pytest_failaware.core.request import UpdateMode, Writing


def update_baselines(
    directory: Path, pending: Sequence[JudgedItem], obsolete: Mapping[str, Sequence[str]], writing: Writing
) -> Iterator[tuple[str, UpdateOutcome]]:
    """Write the baselines and yield the name and the outcome of each.

    Args:
        directory: the folder of the baselines.
        pending: the items whose values to write.
        obsolete: the entries to delete, by baseline.
        writing: the options of the update.

    Raises:
        FailAwareError: a stored baseline cannot be read.
        OSError: a file cannot be written.
    """
    drop = obsolete if writing.prune else {}
    for name in dict.fromkeys([*(item.result.baseline for item in pending), *drop]):
        items = [item for item in pending if item.result.baseline == name]
        measured = [(item.measurement, item.rule) for item in items if item.measurement]
        if writing.update is UpdateMode.SEED:
            change = SeedChange(measured=measured, reason=writing.reason)
            yield name, change_seeds(directory, name, change, dry_run=writing.dry_run)
            continue
        yield (
            name,
            update_baseline(
                directory,
                name,
                measured,
                tests={item.declared for item in items},
                drop=drop.get(name, ()),
                reason=writing.reason,
                reset_golden=writing.reset_golden,
                dry_run=writing.dry_run,
            ),
        )


def update_baseline(
    directory: Path,
    name: str,
    measured: Sequence[RuledMeasurement],
    *,
    tests: Collection[Collection[str]] = (),
    drop: Collection[str] = (),
    reason: str = "",
    reset_golden: bool = False,
    dry_run: bool = False,
) -> UpdateOutcome:
    """Merge measurements of one data set into the baseline `name`, and delete the entries in `drop`.

    An entry does not change if its predictions and flags are the same and its scores differ by at most 1e-4, unless the
    measurement adds logits. If the measurement has no logits, the entry keeps its stored logits. An update with other
    data or another preprocessing, or without groups if the file has groups, is refused unless it covers every entry of
    the file. So is one after which the entries of a marked test would have different rules.

    The folder is locked while the file is read, changed and replaced, so that processes that update other entries lose
    nothing. The YAML is replaced last: if an update is interrupted, the baseline is either the old or the new one. The
    next update removes the leftovers of a killed update. If the YAML is a link, its target is written.

    Args:
        directory: the folder of the baselines.
        name: the name of the baseline.
        measured: the measurements to store, of at most one kind of data and model.
        tests: the keys of all conditions of each marked test that measured something.
        drop: keys of the entries to delete.
        reason: the reason that the history of the changed entries keeps.
        reset_golden: make the stored values the golden reference; otherwise the first values stay golden.
        dry_run: write nothing and only return the outcome.

    Raises:
        BaselineError: the stored baseline cannot be read, an entry to delete does not exist, or the new file could not
            be read.
        OSError: a file cannot be written; the baseline is either the old or the new one.
    """
    change = Update(measured=measured, tests=tests, drop=drop, reason=reason, reset_golden=reset_golden)

    def renaming_of(old: Baseline | None) -> Plan | None:
        return plan_renaming(directory, old, measured, lambda preview: is_refused(directory, preview, change))

    return _changed(
        directory, name, renaming_of, lambda old: plan_update(directory, old, name, change), dry_run=dry_run
    )


def change_seeds(directory: Path, name: str, change: SeedChange, *, dry_run: bool = False) -> UpdateOutcome:
    """Add, replace or drop one seed of a baseline, in all its conditions at once; the other seeds keep their files.

    A measured seed needs every condition of the baseline, the same data, preprocessing, groups and rule. If it repeats
    a stored seed, nothing is written. If there is no baseline, it becomes the first seed. The lock, the commit and the
    errors are those of `update_baseline`.

    Args:
        directory: the folder of the baselines.
        name: the name of the baseline.
        change: what to change.
        dry_run: write nothing and only return the outcome.
    """
    first = Update(measured=change.measured, tests=(), drop=(), reason=change.reason, reset_golden=False)

    def renaming_of(old: Baseline | None) -> Plan | None:
        return plan_renaming(directory, old, change.measured, lambda preview: bool(seed_refusal(preview, change)))

    def plan_of(old: Baseline | None) -> Plan:
        return plan_update(directory, None, name, first) if old is None else plan_seeds(directory, old, change)

    return _changed(directory, name, renaming_of, plan_of, dry_run=dry_run)


def _changed(
    directory: Path,
    name: str,
    renaming_of: Callable[[Baseline | None], Plan | None],
    plan_of: Callable[[Baseline | None], Plan],
    *,
    dry_run: bool,
) -> UpdateOutcome:
    """Carry out a plan under the lock, after new names of classes; a dry run only returns the outcome."""
    home = baseline_path(directory, name).resolve().parent
    if dry_run:
        with locked(home) if home.is_dir() else nullcontext():
            old = read_baseline(directory, name)
            return (renaming_of(old) or plan_of(old)).outcome
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        old = read_baseline(directory, name)
        if renaming := renaming_of(old):
            _carry_out(renaming, directory, name, home, old)
            old = renaming.baseline
        plan = plan_of(old)
        _carry_out(plan, directory, name, home, old)
    return replace(plan.outcome, renamed=renaming.outcome.renamed) if renaming else plan.outcome


def _carry_out(plan: Plan, directory: Path, name: str, home: Path, old: Baseline | None) -> None:
    try:
        if plan.contents:
            replace_in_order(plan.contents)
    except BaseException:  # also Ctrl-C; it is raised again after the clean-up
        remove_leftovers(directory, name, home, old, read_baseline(directory, name))
        raise
    if plan.baseline is not None:
        remove_leftovers(directory, name, home, old, plan.baseline)

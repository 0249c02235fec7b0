"""What the commands of `python -m pytest_failaware` do: each takes the parsed arguments and yields lines."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.accept import accept, read_report
from pytest_failaware.errors import BaselineError, choices
from pytest_failaware.judge.baseline import baseline_names, baseline_path, read_baseline
from pytest_failaware.judge.metrics import DEFAULT_GATES, METRICS, Metric, cell_rates
from pytest_failaware.judge.power import FEW_FLIPS, MANY_FLIPS, is_at_chance, smallest_drop
from pytest_failaware.judge.samples import read_records
from pytest_failaware.judge.update import update_baseline
from pytest_failaware.report.terminal import aligned, heading, percent
from pytest_failaware.schema import Baseline, BaselineEntry, Policy
from pytest_failaware.updates import outcome_sentence

_NONE: Final = "-"


def show_baseline(given: Namespace) -> Iterator[str]:
    """A baseline as a table: one row per condition, and what its numbers belong to."""
    baseline = _open(given.name, given.baseline_dir)
    data = baseline.data
    yield f"{baseline.name}: {data.samples:,} images, {len(data.classes)} classes; preprocess {baseline.preprocessing}"
    names = list(next((cell_rates(entry.cells) for entry in baseline.entries.values()), {}))
    rows = [
        (key, *(percent(rate) for rate in cell_rates(entry.cells).values()), entry.model.sha256[:8])
        for key, entry in baseline.entries.items()
    ]
    yield from aligned([("condition", *map(heading, names), "model"), *rows], left=(0,))
    for key, entry in baseline.entries.items():
        yield from (f"{key}: {change.reason} (model {change.model_sha256[:8]})" for change in entry.history)


def compare_baselines(given: Namespace) -> Iterator[str]:
    """What differs between two baselines: data, entries, rates, models and environments."""
    before, after = _open(given.before, given.baseline_dir), _open(given.after, given.baseline_dir)
    lines = [*_file_differences(before, after), *_entry_differences(before, after)]
    given.differs = bool(lines)
    yield from lines or ["no difference"]


def plan_gates(given: Namespace) -> Iterator[str]:
    """The smallest drop that each default gate of a baseline's conditions can see, without running a model."""
    baseline, directory = _open(given.name, given.baseline_dir), _directory(given.name, given.baseline_dir)
    level = float(Policy.BEYOND_TOLERANCE.alpha) / max(1, len(baseline.entries) * len(DEFAULT_GATES))
    yield (
        f"drops found in 80 % of all cases by beyond_tolerance, {len(baseline.entries)} conditions x "
        f"{len(DEFAULT_GATES)} gates, tolerance included"
    )
    rows = [
        (key, name, *row)
        for key, entry in baseline.entries.items()
        for name in DEFAULT_GATES
        for row in [_plan_row(METRICS[name], entry, level, given.samples)]
    ]
    headings = ("condition", "gate", "counted on", f"{FEW_FLIPS:.1%} flips", f"{MANY_FLIPS:.0%} flips")
    yield from aligned([headings, *rows], left=(0, 1))
    for key, entry in baseline.entries.items():
        records = read_records(directory, baseline, entry)
        if records is not None and is_at_chance(records):
            yield f"{key}: the baseline is at chance, so there is nothing to lose; remove the condition or weaken it"


def _plan_row(metric: Metric, entry: BaselineEntry, level: float, samples: int | None) -> tuple[str, str, str]:
    """How many samples a gate counts on, and the smallest drops at few and at many flips."""
    among = metric.estimate(entry.cells).denominator
    n = among if samples is None else round(among * samples / entry.cells.samples)
    drops = (smallest_drop(n, flips, level, float(metric.tolerance)) for flips in (FEW_FLIPS, MANY_FLIPS))
    few, many = (f"{100 * drop:.2f} pt" for drop in drops)
    return f"{n:,}", few, many


def accept_report(given: Namespace) -> Iterator[str]:
    """Write the baselines from a CI run's report."""
    accepted, refused = read_report(given.report), []
    yield from (f"left out: {sentence}" for sentence in accepted.left_out)
    for name, outcome in accept(accepted, given.baseline_dir, reason=given.reason, dry_run=given.dry_run):
        yield from outcome.diff.splitlines() if given.dry_run else ()
        yield outcome_sentence(name, given.baseline_dir, outcome, dry_run=given.dry_run)
        refused += [name] if outcome.refused else []
    if refused:
        raise BaselineError(f"not everything was written: {', '.join(refused)}")


def prune_entries(given: Namespace) -> Iterator[str]:
    """Delete entries and their sample files."""
    baseline = _open(given.name, given.baseline_dir)
    directory = _directory(given.name, given.baseline_dir)
    drop = tuple(dict.fromkeys(given.conditions))
    outcome = update_baseline(directory, baseline.name, [], drop=drop, dry_run=given.dry_run)
    if given.dry_run:
        yield from outcome.diff.splitlines()
    yield outcome_sentence(baseline.name, directory, outcome, dry_run=given.dry_run)


# ---- opening -------------------------------------------------------------------------------------------------------


def _open(name: str, directory: Path) -> Baseline:
    """A baseline by its name in the folder, or by the path of its file."""
    folder = _directory(name, directory)
    stem = Path(name).name.removesuffix(".yaml")
    found = read_baseline(folder, stem)
    if found is None:
        known = baseline_names(folder)
        hint = choices(stem, known) if known else "give --baseline-dir, or the path of a .yaml file"
        raise BaselineError(f"{baseline_path(folder, stem)}: no such baseline; {hint}")
    return found


def _directory(name: str, directory: Path) -> Path:
    return Path(name).parent if name.endswith(".yaml") else directory


# ---- comparing -----------------------------------------------------------------------------------------------------


def _file_differences(before: Baseline, after: Baseline) -> Iterator[str]:
    if before.data != after.data:
        same = "the same" if before.data.classes == after.data.classes else "other"
        yield (
            f"data: {before.data.samples:,} images {before.data.fingerprint[:15]} -> {after.data.samples:,} images "
            f"{after.data.fingerprint[:15]}, {same} classes"
        )
    if before.preprocessing != after.preprocessing:
        yield f"preprocessing: {before.preprocessing} -> {after.preprocessing}"


def _entry_differences(before: Baseline, after: Baseline) -> Iterator[str]:
    rows = []
    for key in sorted({*before.entries, *after.entries}):
        old, new = before.entries.get(key), after.entries.get(key)
        if old is None or new is None:
            rows.append((key, "entry", _NONE if old is None else "stored", _NONE if new is None else "stored", ""))
        else:
            rows += [(key, *row) for row in _differences(old, new)]
    if rows:
        yield from aligned([("condition", "what", "before", "after", "change"), *rows], left=(0, 1))


def _differences(old: BaselineEntry, new: BaselineEntry) -> Iterator[tuple[str, str, str, str]]:
    rates = cell_rates(new.cells)
    for name, rate in cell_rates(old.cells).items():
        if rate.fraction != rates[name].fraction:
            known = rate.value is not None and rates[name].value is not None
            change = f"{100 * ((rates[name].value or 0) - (rate.value or 0)):+.2f} pt" if known else ""
            yield name, percent(rate), percent(rates[name]), change
    facts = [_facts(old), _facts(new)]
    for name in dict.fromkeys([*facts[0], *facts[1]]):
        one, other = (side.get(name, _NONE) for side in facts)
        if one != other:
            yield name, one, other, ""


def _facts(entry: BaselineEntry) -> dict[str, str]:
    return {
        "rule": entry.rule,
        "seed": _NONE if entry.seed is None else str(entry.seed),
        "implementation": str(entry.condition.implementation),
        "parameters": ", ".join(f"{name}={value!r}" for name, value in entry.condition.parameters) or _NONE,
        "model": entry.model.sha256[:8],
        "architecture": entry.model.architecture or _NONE,
        **entry.environment,
        "outcome of samples": entry.records_sha256[:15],
    }

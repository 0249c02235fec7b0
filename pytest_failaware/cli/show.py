"""`show` and `diff`: what stands in the baselines."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.file import parse_baseline
from pytest_failaware.baselines.opening import open_baseline, stored_records
from pytest_failaware.config.lists import names_of
from pytest_failaware.core.baseline import Baseline, BaselineEntry, Change
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.estimates import percent
from pytest_failaware.core.git import git
from pytest_failaware.core.layout import aligned
from pytest_failaware.core.measurement import in_groups
from pytest_failaware.core.metric import OneSided
from pytest_failaware.judge.metrics.names import one_sided_metric
from pytest_failaware.judge.metrics.rates import FOUNDING_RATES, cell_rates
from pytest_failaware.report.words import heading, spelled

_NONE: Final = "-"


def show_baseline(given: Namespace) -> Iterator[str]:
    """A baseline as a table: one row per condition, and what its numbers belong to."""
    baseline = open_baseline(given.name, given.baseline_dir)
    data = baseline.data
    size = f"{data.samples:,} images{in_groups(data)}, {len(data.classes)} classes"
    chosen = [name for name in dict.fromkeys(names_of(given.metrics)) if name not in FOUNDING_RATES]
    named = [one_sided_metric(name, "--metrics") for name in chosen]
    yield f"{baseline.name}: {size}; preprocess {baseline.preprocessing}"
    rows = []
    for key, entry in baseline.entries.items():
        rates = cell_rates(entry.cells)
        shown = [percent(rates[name]) for name in FOUNDING_RATES]
        rows.append((key, *shown, *_others(given, baseline, entry, named), entry.model.sha256[:8]))
    headings = [*map(heading, FOUNDING_RATES), *(heading(metric.name) for metric in named)]
    yield from aligned([("condition", *headings, "model"), *rows], left=(0,))
    for key, entry in baseline.entries.items():
        yield from (f"{key}: {_change(change)}" for change in entry.history)


def _change(change: Change) -> str:
    """An accepted change in a line."""
    reset = ", golden reset" if change.golden_reset else ""
    return f"{change.reason} (model {change.model_sha256[:8]}{reset})"


def _others(given: Namespace, baseline: Baseline, entry: BaselineEntry, named: Sequence[OneSided]) -> Iterator[str]:
    """The metrics that were asked for, from the counts or from the stored outcome of every sample."""
    rates = cell_rates(entry.cells)
    if any(metric.name not in rates for metric in named):
        records = stored_records(given, baseline, entry.condition.key)
    for metric in named:
        if metric.name in rates:
            yield spelled(rates[metric.name])
        elif records is None:
            yield "no sample file"
        else:
            value = metric.measure(records, entry.rule.flags_of(records))
            yield "no logits" if value.lacks_logits else spelled(value)


def compare_baselines(given: Namespace) -> Iterator[str]:
    """What differs between two baselines: data, entries, rates, models and environments."""
    before, after = (_side(name, given.baseline_dir) for name in (given.before, given.after))
    lines = [*_file_differences(before, after), *_entry_differences(before, after)]
    given.failed = bool(lines)
    yield from lines or ["no difference"]


def _side(name: str, directory: Path) -> Baseline:
    """A baseline by its name or path, or as it is in a git revision: `HEAD:baselines/cifar.yaml`."""
    revision, colon, path = name.partition(":")
    if not (revision and colon and path.endswith(".yaml")) or Path(name).exists():
        return open_baseline(name, directory)
    content = git(Path.cwd(), "show", "--end-of-options", name)
    if content is None and Path(path).is_file() and _is_commit(revision):
        raise BaselineError(f"{name}: {revision} has no such file: not committed yet; commit {path} first")
    if content is None:
        raise BaselineError(f"{name}: git has no such file; give it as git show does, as in HEAD:baselines/cifar.yaml")
    try:
        return parse_baseline(content.decode("utf-8"), name, Path(path).stem)
    except UnicodeDecodeError as error:
        raise BaselineError(f"{name}: is no text ({error}); give the .yaml file of a baseline") from error


def _is_commit(revision: str) -> bool:
    words = ("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    return git(Path.cwd(), *words) is not None


def _file_differences(before: Baseline, after: Baseline) -> Iterator[str]:
    if before.data != after.data:
        same = "the same" if before.data.classes == after.data.classes else "other"
        yield (
            f"data: {before.data.samples:,} images {before.data.fingerprint[:15]} -> {after.data.samples:,} images "
            f"{after.data.fingerprint[:15]}, {same} classes"
        )
        if before.data.skipped != after.data.skipped:
            yield f"bad images left out: {before.data.skipped} -> {after.data.skipped}"
    if before.data.groups != after.data.groups:
        yield f"groups of the images: {before.data.groups:,} -> {after.data.groups:,}"
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
    before, rates = cell_rates(old.cells), cell_rates(new.cells)
    for name in FOUNDING_RATES:
        rate = before[name]
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
        "rule": str(entry.rule),
        "seed": _NONE if entry.seed is None else str(entry.seed),
        "implementation": str(entry.condition.implementation),
        "parameters": ", ".join(f"{name}={value!r}" for name, value in entry.condition.parameters) or _NONE,
        "model": entry.model.sha256[:8],
        "architecture": entry.model.architecture or _NONE,
        **entry.environment,
        "outcome of samples": entry.records_sha256[:15],
    }

"""The command `diff`: list what differs between two baselines."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.opening import open_baseline
from pytest_failaware.baselines.reading import parse_baseline
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.estimates import percent
from pytest_failaware.core.git import git
from pytest_failaware.core.layout import aligned
from pytest_failaware.judge.metrics.rates import FOUNDING_RATES, cell_rates

_NONE: Final = "-"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "before", metavar="A", help="a baseline's name, the path of its .yaml file, or a git revision: HEAD:PATH.yaml"
    )
    parser.add_argument("after", metavar="B", help="another one")
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Yield what differs between two baselines: data, entries, rates, models and environments."""
    before, after = (_side(name, options.baseline_dir) for name in (options.before, options.after))
    lines = [*_file_differences(before, after), *_entry_differences(before, after)]
    options.failed = bool(lines)
    yield from lines or ["no difference"]


def _side(name: str, directory: Path) -> Baseline:
    """Return a baseline by its name or path, or from a git revision, as in `HEAD:baselines/cifar.yaml`."""
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
        old_text, new_text = (side.get(name, _NONE) for side in facts)
        if old_text != new_text:
            yield name, old_text, new_text, ""


def _facts(entry: BaselineEntry) -> dict[str, str]:
    return {
        "rule": str(entry.rule),
        **({"rule of golden": str(entry.golden.rule)} if entry.golden else {}),
        "seed": _NONE if entry.seed is None else str(entry.seed),
        "implementation": str(entry.condition.implementation),
        "parameters": ", ".join(f"{name}={value!r}" for name, value in entry.condition.settings.items()) or _NONE,
        "model": entry.model.sha256[:8],
        "architecture": entry.model.architecture or _NONE,
        **entry.environment,
        "outcome of samples": entry.records_sha256[:15],
        **_seeds(entry),
    }


def _seeds(entry: BaselineEntry) -> dict[str, str]:
    """Return the further seeds of a recipe, each by its model and the outcome of its samples."""
    return {
        f"seed {number}": f"model {seed.model_sha256[:8]}, {seed.records_sha256[:15]}"
        for number, seed in enumerate(entry.seeds, start=2)
    }

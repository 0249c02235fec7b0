"""The command `seeds`: list the seeds of a recipe, drop one, or replace one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from pytest_failaware.baselines.accept import read_report
from pytest_failaware.baselines.accept_seed import accept_seed
from pytest_failaware.baselines.ignored import ignored_sentence
from pytest_failaware.baselines.opening import directory_of, open_baseline
from pytest_failaware.baselines.outcome import UpdateOutcome, outcome_sentence
from pytest_failaware.baselines.seed_plan import SeedChange
from pytest_failaware.baselines.sentences import ONE_SEED, nearest, too_few_seeds
from pytest_failaware.baselines.update import change_seeds
from pytest_failaware.cli.ci import refuse_on_ci, refuse_without_reason
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.errors import BaselineError, ConfigError
from pytest_failaware.core.estimates import Score, percent
from pytest_failaware.core.layout import aligned
from pytest_failaware.judge.metrics.rates import FOUNDING_RATES, cell_rates
from pytest_failaware.report.words import heading, spelled


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--drop", metavar="N", type=int, help="remove seed N; the others keep their files")
    change.add_argument(
        "--replace", metavar=("N", "report.json"), nargs=2, help="put the model of a report in the place of seed N"
    )
    parser.add_argument("--reason", metavar="TEXT", default="", help="stored in the history of the entries")
    parser.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Yield the seeds as a table, or change one and yield a sentence that says so."""
    baseline, directory = (
        open_baseline(options.name, options.baseline_dir),
        directory_of(options.name, options.baseline_dir),
    )
    if options.drop is None and options.replace is None:
        if options.reason or options.dry_run:
            raise ConfigError("--reason and --dry-run: nothing to change; add --drop N or --replace N report.json")
        yield from _table(baseline)
        return
    refuse_on_ci(options)
    refuse_without_reason(options)
    outcome = _changed(options, baseline.name, directory)
    if options.dry_run:
        yield from outcome.diff.splitlines()
    yield from filter(None, [ignored_sentence(directory, baseline.name)])
    yield outcome_sentence(baseline.name, directory, outcome, dry_run=options.dry_run, prefix="--")
    if outcome.refused:
        raise BaselineError(f"nothing was written: {baseline.name}")


def _changed(options: Namespace, name: str, directory: Path) -> UpdateOutcome:
    """Drop or replace a seed."""
    if options.drop is not None:
        return change_seeds(
            directory, name, SeedChange(number=options.drop, reason=options.reason), dry_run=options.dry_run
        )
    number, report = options.replace
    if not number.isdecimal():
        raise ConfigError(f"--replace: {number!r} is no number of a seed; give its number and a report, as in 2 r.json")
    accepted = read_report(Path(report), reason=options.reason, is_seed=True)
    return accept_seed(accepted, directory, name, number=int(number), reason=options.reason, dry_run=options.dry_run)


def _table(baseline: Baseline) -> Iterator[str]:
    """Yield the seeds of each condition, with their rates and their models."""
    count = baseline.seed_count
    how_many = ONE_SEED if count == 1 else too_few_seeds(count) or nearest(count, baseline.nearest_seed + 1)
    yield f"{baseline.name}: {how_many}"
    rows = []
    for key, entry in baseline.entries.items():
        for number, seed in enumerate(entry.all_seeds, start=1):
            rates = cell_rates(seed.cells)
            shown = [percent(rates[name]) for name in FOUNDING_RATES]
            rows.append((key, str(number), *shown, seed.model_sha256[:8]))
        if count > 1:
            rows.append((key, "mean", *_means(entry), ""))
    yield from aligned([("condition", "seed", *map(heading, FOUNDING_RATES), "model"), *rows], left=(0,))


def _means(entry: BaselineEntry) -> Iterator[str]:
    """Yield the mean of each rate over the seeds; a seed without a value is left out."""
    rates = [cell_rates(seed.cells) for seed in entry.all_seeds]
    for name in FOUNDING_RATES:
        values = [value for of_seed in rates if (value := of_seed[name].value) is not None]
        yield spelled(Score(value=fmean(values) if values else None, is_rate=True))

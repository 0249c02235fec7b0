"""The command `prune`: delete entries of a baseline."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from pytest_failaware.baselines.opening import directory_of, open_baseline
from pytest_failaware.baselines.outcome import outcome_sentence
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.cli.ci import refuse_on_ci
from pytest_failaware.cli.folder import add_baseline_dir


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    parser.add_argument("conditions", metavar="CONDITION", nargs="+", help="as spelled in the baseline")
    parser.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Delete entries and their sample files, and yield a sentence that says so."""
    refuse_on_ci(options)
    baseline = open_baseline(options.name, options.baseline_dir)
    directory = directory_of(options.name, options.baseline_dir)
    drop = tuple(dict.fromkeys(options.conditions))
    outcome = update_baseline(directory, baseline.name, [], drop=drop, dry_run=options.dry_run)
    if options.dry_run:
        yield from outcome.diff.splitlines()
    yield outcome_sentence(baseline.name, directory, outcome, dry_run=options.dry_run)

"""The command `accept`: store the values of a CI run in the baselines."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from pytest_failaware.baselines.accept import Accepted, accept, read_report
from pytest_failaware.baselines.accept_seed import accept_seed
from pytest_failaware.baselines.file import baseline_names
from pytest_failaware.baselines.ignored import ignored_sentence
from pytest_failaware.baselines.outcome import UpdateOutcome, outcome_sentence
from pytest_failaware.baselines.sentences import RETRAINS
from pytest_failaware.cli.ci import refuse_on_ci, refuse_without_reason
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.core.errors import BaselineError, ConfigError


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("report", metavar="report.json", type=Path, help="what --failaware-report=report.json wrote")
    parser.add_argument("--reason", metavar="TEXT", default="", help="stored in the history of the changed entries")
    parser.add_argument(
        "--reset-golden", action="store_true", help="measure drift from these values on; needs --reason"
    )
    parser.add_argument(
        "--add-seed", action="store_true", help="store the values as one more seed of the recipe, beside those stored"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Write the baselines from the report of a CI run, and yield a sentence on each."""
    refuse_on_ci(options)
    if options.reset_golden and options.add_seed:
        raise ConfigError(
            "--reset-golden and --add-seed exclude each other: the golden reference stays beside a new seed; remove one"
        )
    if options.reset_golden and not options.reason:
        raise ConfigError('--reset-golden: forgets what drift was measured against; add --reason="why that is right"')
    refuse_without_reason(options)
    accepted = read_report(
        options.report, reason=options.reason, reset_golden=options.reset_golden, is_seed=options.add_seed
    )
    refused = list(accepted.refused)
    yield from (f"left out: {sentence}" for sentence in accepted.left_out)
    yield from accepted.refused.values()
    known, is_first = baseline_names(options.baseline_dir), False
    for name, outcome in _outcomes(options, accepted):
        yield from outcome.diff.splitlines() if options.dry_run else ()
        yield from filter(None, [ignored_sentence(options.baseline_dir, name)])
        yield outcome_sentence(name, options.baseline_dir, outcome, dry_run=options.dry_run, prefix="--")
        refused += [name] if outcome.refused or outcome.lacking else []
        is_first |= bool(outcome.recorded) and name not in known
    if is_first:
        yield RETRAINS
    if refused:
        raise BaselineError(f"not everything was written: {', '.join(refused)}")


def _outcomes(options: Namespace, accepted: Accepted) -> Iterator[tuple[str, UpdateOutcome]]:
    """Write each baseline and yield its name and the outcome."""
    if options.add_seed:
        for name in accepted.measured:
            yield (
                name,
                accept_seed(accepted, options.baseline_dir, name, reason=options.reason, dry_run=options.dry_run),
            )
        return
    yield from accept(
        accepted,
        options.baseline_dir,
        reason=options.reason,
        reset_golden=options.reset_golden,
        dry_run=options.dry_run,
    )

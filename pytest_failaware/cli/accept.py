"""The command `accept`: store the values of a CI run in the baselines."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.accept import accept, read_report
from pytest_failaware.baselines.ignored import ignored_sentence
from pytest_failaware.baselines.outcome import outcome_sentence
from pytest_failaware.cli.ci import ini_with, refuse_on_ci
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.config.options import PREFIX
from pytest_failaware.config.writing import check_reason
from pytest_failaware.core.errors import BaselineError, ConfigError

_REQUIRED: Final = f"{PREFIX}require_reason"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("report", metavar="report.json", type=Path, help="what --failaware-report=report.json wrote")
    parser.add_argument("--reason", metavar="TEXT", default="", help="stored in the history of the changed entries")
    parser.add_argument(
        "--reset-golden", action="store_true", help="measure drift from these values on; needs --reason"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Write the baselines from the report of a CI run, and yield a sentence on each."""
    refuse_on_ci(options)
    check_reason("--reason", options.reason)
    if options.reset_golden and not options.reason:
        raise ConfigError('--reset-golden: forgets what drift was measured against; add --reason="why that is right"')
    if not options.reason and (ini := ini_with(_REQUIRED)):
        raise ConfigError(f'{ini}: {_REQUIRED} = true: updates need a reason here; add --reason="why they change"')
    accepted = read_report(options.report, reason=options.reason, reset_golden=options.reset_golden)
    refused = list(accepted.refused)
    yield from (f"left out: {sentence}" for sentence in accepted.left_out)
    yield from accepted.refused.values()
    for name, outcome in accept(
        accepted,
        options.baseline_dir,
        reason=options.reason,
        reset_golden=options.reset_golden,
        dry_run=options.dry_run,
    ):
        yield from outcome.diff.splitlines() if options.dry_run else ()
        yield from filter(None, [ignored_sentence(options.baseline_dir, name)])
        yield outcome_sentence(name, options.baseline_dir, outcome, dry_run=options.dry_run, prefix="--")
        refused += [name] if outcome.refused or outcome.lacking else []
    if refused:
        raise BaselineError(f"not everything was written: {', '.join(refused)}")

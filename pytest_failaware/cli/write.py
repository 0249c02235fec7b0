"""`accept` and `prune`: what the baselines become."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.accept import accept, read_report
from pytest_failaware.baselines.ignored import ignored_sentence
from pytest_failaware.baselines.opening import directory_of, open_baseline
from pytest_failaware.baselines.outcome import outcome_sentence
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.config.baseline_folder import ini_of
from pytest_failaware.config.options import PREFIX, Given, Surroundings
from pytest_failaware.core.errors import BaselineError, ConfigError

UPDATE_IN_CI: Final = f"{PREFIX}update_in_ci"
_REQUIRED: Final = f"{PREFIX}require_reason"


def accept_report(given: Namespace) -> Iterator[str]:
    """Write the baselines from a CI run's report."""
    _refuse_on_ci(given)
    if given.reset_golden and not given.reason:
        raise ConfigError('--reset-golden: forgets what drift was measured against; add --reason="why that is right"')
    if not given.reason and (ini := _switched_on(_REQUIRED)):
        raise ConfigError(f'{ini}: {_REQUIRED} = true: updates need a reason here; add --reason="why they change"')
    accepted = read_report(given.report, reason=given.reason, reset_golden=given.reset_golden)
    refused = list(accepted.refused)
    yield from (f"left out: {sentence}" for sentence in accepted.left_out)
    yield from accepted.refused.values()
    for name, outcome in accept(
        accepted, given.baseline_dir, reason=given.reason, reset_golden=given.reset_golden, dry_run=given.dry_run
    ):
        yield from outcome.diff.splitlines() if given.dry_run else ()
        yield from filter(None, [ignored_sentence(given.baseline_dir, name)])
        yield outcome_sentence(name, given.baseline_dir, outcome, dry_run=given.dry_run, prefix="--")
        refused += [name] if outcome.refused or outcome.lacking else []
    if refused:
        raise BaselineError(f"not everything was written: {', '.join(refused)}")


def prune_entries(given: Namespace) -> Iterator[str]:
    """Delete entries and their sample files."""
    _refuse_on_ci(given)
    baseline = open_baseline(given.name, given.baseline_dir)
    directory = directory_of(given.name, given.baseline_dir)
    drop = tuple(dict.fromkeys(given.conditions))
    outcome = update_baseline(directory, baseline.name, [], drop=drop, dry_run=given.dry_run)
    if given.dry_run:
        yield from outcome.diff.splitlines()
    yield outcome_sentence(baseline.name, directory, outcome, dry_run=given.dry_run)


def _refuse_on_ci(given: Namespace) -> None:
    """Refuse to write on a CI server unless the ini allows it: the same rule as for pytest's update options.

    Raises:
        ConfigError: naming the variable and the key.
    """
    here = Path.cwd()
    server = Surroundings(environ=os.environ, invocation_dir=here, ini_dir=here).ci_server
    if not server or given.dry_run or _switched_on(UPDATE_IN_CI):
        return
    raise ConfigError(
        f"this is a CI server ({server} is set), where baselines are not written: call it where somebody reviews the "
        f"change, or set {UPDATE_IN_CI} = true in the ini"
    )


def _switched_on(key: str) -> str:
    """The name of the ini in which a key is switched on, "" if none does."""
    ini, table = ini_of(Path.cwd())
    if ini is None:
        return ""
    text = str(table.get(key) or "")
    wanted = Given(text=text, where=f"{key} = {text}", place=ini.name, base=ini.parent)
    return ini.name if wanted.switch() else ""

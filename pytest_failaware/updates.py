"""What a run does to the baselines: the entries of its items, and the deletion of those that no test uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_failaware.ledger import Entry
from pytest_failaware.report.document import measurement_from_plain
from pytest_failaware.schema import Writing

if TYPE_CHECKING:
    from pytest_failaware.judge.entries import Measured
    from pytest_failaware.judge.update import UpdateOutcome

_NAMED: Final = 12  # entries


def update_baselines(
    directory: Path, pending: Sequence[Entry], obsolete: Mapping[str, Sequence[str]], writing: Writing
) -> Iterator[tuple[str, UpdateOutcome]]:
    """Write one baseline after another; each one's name and what happened to it.

    Args:
        directory: the folder of the baselines.
        pending: what items attached whose values are to be written.
        obsolete: the entries to delete, by baseline.
        writing: how to write.

    Raises:
        FailAwareError: a stored baseline cannot be read.
        OSError: a file cannot be written.
    """
    from pytest_failaware.judge.update import update_baseline

    drop = obsolete if writing.prune else {}
    for name in dict.fromkeys([*(entry["result"]["baseline"] for entry in pending), *drop]):
        measured = [_measured(entry) for entry in pending if entry["result"]["baseline"] == name]
        yield (
            name,
            update_baseline(
                directory,
                name,
                measured,
                drop=drop.get(name, ()),
                reason=writing.reason,
                reset_golden=writing.reset_golden,
                dry_run=writing.dry_run,
            ),
        )


def _measured(entry: Entry) -> Measured:
    from pytest_failaware.judge.rule import FailureRule

    return measurement_from_plain(entry["measurement"]), FailureRule.parse(entry["rule"])


def outcome_sentence(name: str, directory: Path, outcome: UpdateOutcome, *, dry_run: bool = False) -> str:
    """What happened to one baseline's files."""
    if outcome.refused:
        return f"baseline {name!r} NOT written: {outcome.refused}"
    done = {
        "recorded": outcome.recorded,
        "updated": outcome.updated,
        "pruned": outcome.pruned,
        "unchanged": outcome.unchanged,
        "groups of the samples": (outcome.regrouped,) if outcome.regrouped else (),
        "drift is measured anew for": outcome.golden_anew,
        "no logits any more for": outcome.without_logits,
    }
    said = "; ".join(f"{verb} {_named(keys)}" for verb, keys in done.items() if keys)
    changed = outcome.recorded or outcome.updated or outcome.pruned or outcome.regrouped
    if dry_run:
        return f"{directory / name}.yaml: {said}; dry run, nothing written"
    return f"{directory / name}.yaml: {said}; " + ("review and commit it" if changed else "nothing written")


def _named(keys: Sequence[str]) -> str:
    """The entries by name; many are counted, and the diff of the file names them."""
    return ", ".join(keys) if len(keys) <= _NAMED else f"{len(keys)} entries"

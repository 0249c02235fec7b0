"""What a run does to the baselines: the entries of its items, and the deletion of those that no test uses."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.core.request import REASON, RESET, UpdateMode, Writing
from pytest_failaware.core.result import ItemResult

if TYPE_CHECKING:
    from pytest_failaware.baselines.merge import UpdateOutcome

_NAMED: Final = 12  # entries


def update_baselines(
    directory: Path, pending: Sequence[JudgedItem], obsolete: Mapping[str, Sequence[str]], writing: Writing
) -> Iterator[tuple[str, UpdateOutcome]]:
    """Write one baseline after another; each one's name and what happened to it.

    Args:
        directory: the folder of the baselines.
        pending: the items whose values are to be written.
        obsolete: the entries to delete, by baseline.
        writing: how to write.

    Raises:
        FailAwareError: a stored baseline cannot be read.
        OSError: a file cannot be written.
    """
    from pytest_failaware.baselines.update import update_baseline

    drop = obsolete if writing.prune else {}
    for name in dict.fromkeys([*(item.result.baseline for item in pending), *drop]):
        measured = [
            (item.measurement, item.rule) for item in pending if item.measurement and item.result.baseline == name
        ]
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


def refused_updates(results: Sequence[ItemResult], writing: Writing) -> dict[str, str]:
    """Why this run must not write a baseline at all, by its name: values that need an option that was not given."""
    if writing.update is UpdateMode.NOTHING:
        return {}
    from pytest_failaware.judge.acceptance import lacking

    doubtful: dict[str, list[ItemResult]] = defaultdict(list)
    options: dict[str, set[str]] = defaultdict(set)
    for result in results:
        if lacked := lacking(result, writing):
            doubtful[result.baseline].append(result)
            options[result.baseline].update(lacked)
    return {
        name: _not_written(name, _doubt(some), options[name], "--failaware-") + nothing_else(_ready(results, name))
        for name, some in doubtful.items()
    }


def _ready(results: Sequence[ItemResult], name: str) -> list[str]:
    """The conditions of a baseline whose values this run was to write."""
    return [one.stats.condition for one in results if one.baseline == name and one.verdict.is_written]


def nothing_else(keys: Sequence[str]) -> str:
    """That a refused baseline keeps its other values too: it never mixes those of two models."""
    return f"; not written either: {_named(keys)}" if keys else ""


def drift_refusal(name: str, keys: Sequence[str], options: Collection[str], prefix: str) -> str:
    """That a baseline is not written since conditions of it drifted."""
    return _not_written(name, f"{_drifted(keys)}; if that is meant,", options, prefix)


def _drifted(keys: Sequence[str]) -> str:
    return f"the new values of {_named(keys)} drifted from the golden reference"


def _doubt(results: Sequence[ItemResult]) -> str:
    """Why values must not be stored as they are, and what to do if they are right."""
    if any(result.has_new_alarm for result in results):
        return "the condition clean gives an ALARM; correct the set-up, or, if the values are right nonetheless,"
    if keys := [result.stats.condition for result in results if result.stored or result.ends_golden]:
        return _incomparable(keys, ends_golden=any(result.ends_golden for result in results))
    drifted = [result.stats.condition for result in results if result.has_drifted]
    worse = [result.stats.condition for result in results if not result.has_drifted]
    found = [_drifted(drifted)] if drifted else []
    found += [f"the new values of {_named(worse)} are worse than the stored ones"] if worse else []
    return f"{' and '.join(found)}; if that is meant,"


def _incomparable(keys: Sequence[str], *, ends_golden: bool) -> str:
    golden = ", and their golden reference, from which drift is measured, cannot stay" if ends_golden else ""
    return (
        f"the stored values of {_named(keys)} cannot be compared with the new ones{golden}; look at both, and if the "
        "change is meant,"
    )


def _not_written(name: str, doubt: str, options: Collection[str], prefix: str) -> str:
    """That a baseline is written only with options that were not given."""
    typed = {RESET: f"{prefix}{RESET}", REASON: f'{prefix}{REASON}="why"'}
    return f"baseline {name!r} NOT written: {doubt} add {' '.join(typed[one] for one in typed if one in options)}"


def outcome_sentence(
    name: str, directory: Path, outcome: UpdateOutcome, *, dry_run: bool = False, prefix: str = "--failaware-"
) -> str:
    """What happened to one baseline's files; `prefix` stands before the names of options."""
    if outcome.lacking:
        keys = list(dict.fromkeys(key for keys in outcome.lacking.values() for key in keys))
        doubt = _incomparable(keys, ends_golden=RESET in outcome.lacking)
        return _not_written(name, doubt, outcome.lacking, prefix)
    if outcome.refused:
        return f"baseline {name!r} NOT written: {outcome.refused}"
    done = {
        "recorded": outcome.recorded,
        "updated": outcome.updated,
        "pruned": outcome.pruned,
        "unchanged": outcome.unchanged,
        "classes renamed": outcome.renamed,
        "groups of the samples": (outcome.regrouped,) if outcome.regrouped else (),
        "drift is measured anew for": outcome.golden_anew,
        "no logits any more for": outcome.without_logits,
    }
    said = "; ".join(f"{verb} {_named(keys)}" for verb, keys in done.items() if keys)
    changed = outcome.recorded or outcome.updated or outcome.pruned or outcome.regrouped or outcome.renamed
    if dry_run:
        return f"{directory / name}.yaml: {said}; dry run, nothing written"
    file = directory / f"{name}.yaml"
    both = shlex.join([str(file), str(directory / name)])
    return f"{file}: {said}; " + (f"review and commit it: git add {both}" if changed else "nothing written")


def _named(keys: Sequence[str]) -> str:
    """The entries by name; many are counted, and the diff of the file names them."""
    return ", ".join(keys) if len(keys) <= _NAMED else f"{len(keys)} entries"

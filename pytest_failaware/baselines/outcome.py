"""What an update of a baseline did, and the sentence that says so."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_failaware.baselines.refusals import incomparable, named, not_written
from pytest_failaware.core.request import RESET


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOutcome:
    """What an update did, by condition key.

    `refused` says why it did nothing; `lacking` names the options without which it did nothing, each with the keys that
    need it. `diff` says how the YAML file changes.

    For the keys in `golden_anew` drift is measured from the values stored now; for those in `without_logits` the logits
    that were stored are gone.
    """

    recorded: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    regrouped: str = ""  # how many groups the same samples were in and are in now, where that changed
    pruned: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()  # classes, as failaware_rename spells them
    golden_anew: tuple[str, ...] = ()
    without_logits: tuple[str, ...] = ()
    refused: str = ""
    lacking: Mapping[str, Sequence[str]] = field(default_factory=dict)
    diff: str = field(default="", compare=False)


def outcome_sentence(
    name: str, directory: Path, outcome: UpdateOutcome, *, dry_run: bool = False, prefix: str = "--failaware-"
) -> str:
    """What happened to one baseline's files; `prefix` stands before the names of options."""
    if outcome.lacking:
        keys = list(dict.fromkeys(key for keys in outcome.lacking.values() for key in keys))
        doubt = incomparable(keys, ends_golden=RESET in outcome.lacking)
        return not_written(name, doubt, outcome.lacking, prefix)
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
    said = "; ".join(f"{verb} {named(keys)}" for verb, keys in done.items() if keys)
    changed = outcome.recorded or outcome.updated or outcome.pruned or outcome.regrouped or outcome.renamed
    if dry_run:
        return f"{directory / name}.yaml: {said}; dry run, nothing written"
    file = directory / f"{name}.yaml"
    both = shlex.join([str(file), str(directory / name)])
    return f"{file}: {said}; " + (f"review and commit it: git add {both}" if changed else "nothing written")

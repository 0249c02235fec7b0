"""The outcome of an update of a baseline, and the sentence on it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_failaware.baselines.doubts import Doubt, incomparable
from pytest_failaware.baselines.sentences import named, not_written, refused, too_few_seeds
from pytest_failaware.core.request import RESET


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOutcome:
    """The outcome of an update, by condition key.

    `refused` says why the update wrote nothing; `lacking` names the missing options, each with the keys that need it.
    `diff` is the change of the YAML file.

    The keys in `golden_anew` have a new golden reference: the values stored now. The keys in `without_logits` lost
    their stored logits.
    """

    recorded: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    regrouped: str = ""  # the number of groups before and now, if the groups of the same samples changed
    pruned: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()  # classes, as failaware_rename spells them
    golden_anew: tuple[str, ...] = ()
    seed: str = ""  # what happened to a seed of a recipe
    seeds: int = 0  # how many seeds the baseline holds after a change of a seed
    repeated_seed: int = 0  # the number of the stored seed that the run measured again
    dropped_seeds: int = 0  # how many seeds of a recipe an update replaces by one
    without_logits: tuple[str, ...] = ()
    refused: str = ""
    lacking: Mapping[str, Sequence[str]] = field(default_factory=dict)
    diff: str = field(default="", compare=False)


def outcome_sentence(
    name: str, directory: Path, outcome: UpdateOutcome, *, dry_run: bool = False, prefix: str = "--failaware-"
) -> str:
    """Return a sentence on the files of one baseline; `prefix` precedes the names of options."""
    if outcome.lacking:
        keys = list(dict.fromkeys(key for keys in outcome.lacking.values() for key in keys))
        doubts = dict(incomparable(keys, ends_golden=RESET in outcome.lacking)) if keys else {}
        if outcome.dropped_seeds:
            doubts[Doubt.DROPS_SEEDS] = [str(outcome.dropped_seeds)]
        return not_written(name, doubts, outcome.lacking, prefix)
    if outcome.refused:
        return refused(name, outcome.refused)
    done = {
        "recorded": outcome.recorded,
        "updated": outcome.updated,
        "pruned": outcome.pruned,
        "unchanged": outcome.unchanged,
        "classes renamed": outcome.renamed,
        "groups of the samples": (outcome.regrouped,) if outcome.regrouped else (),
        "": tuple(filter(None, (outcome.seed, too_few_seeds(outcome.seeds)))),
        "this run repeats seed": (str(outcome.repeated_seed),) if outcome.repeated_seed else (),
        "seeds of the recipe that this run replaces:": (str(outcome.dropped_seeds),) if outcome.dropped_seeds else (),
        "drift starts from the new values for": outcome.golden_anew,
        "no logits any more for": outcome.without_logits,
    }
    changes = "; ".join(f"{verb} {named(keys)}".strip() for verb, keys in done.items() if keys)
    changed = any((outcome.recorded, outcome.updated, outcome.pruned, outcome.regrouped, outcome.renamed, outcome.seed))
    if dry_run:
        return f"{directory / name}.yaml: {changes}; dry run, nothing written"
    file = directory / f"{name}.yaml"
    both = shlex.join([str(file), str(directory / name)])
    return f"{file}: {changes}; " + (f"review and commit it: git add {both}" if changed else "nothing written")

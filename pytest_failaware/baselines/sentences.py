"""Every sentence on what an update writes, and on why it writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from pytest_failaware.baselines.doubts import Doubt, Doubts
from pytest_failaware.core.baseline import FEWEST_SEEDS
from pytest_failaware.core.request import REASON, RESET
from pytest_failaware.core.rule import FailureRule

_NAMED: Final = 12  # entries

OTHER_SUBJECTS: Final = "its items measured different models or data; give each its own baseline"
BODY_FAILED: Final = "its body or teardown failed, or the run was limited or overridden"
OUTSIDE_BOUND: Final = "outside a minimum or maximum"


def named(keys: Sequence[str]) -> str:
    """Return the names of the entries, or their number if there are many: the diff of the file names them."""
    return ", ".join(keys) if len(keys) <= _NAMED else f"{len(keys)} entries"


# ---- an update that does not fit ---------------------------------------------------------------------------------


def gated_twice(key: str) -> str:
    """Say that two tests would store one entry in different ways."""
    return f"two tests gate {key} with other rules or seeds; give each its own baseline"


def other_data(stale: Sequence[str]) -> str:
    """Say that the entries in `stale` would not fit the data of the file."""
    return (
        f"data or preprocessing differ from the file's, and {', '.join(stale)} would go on describing the old; "
        "update every condition in one run"
    )


def lost_groups(groups: int, stale: Sequence[str]) -> str:
    """Say that the entries in `stale` would lose their groups."""
    return (
        f"its samples come in {groups:,} groups and this run has none, which {', '.join(stale)} would "
        "lose, too; name the groups, as with --failaware-group, or update every condition in one run"
    )


def torn_rules(key: str, rule: FailureRule, former: Sequence[str], former_rule: FailureRule) -> str:
    """Say that the entries in `former` would keep the former rule of the test that gates them and `key`."""
    return (
        f"the rule of {key} would be {rule}, and {named(former)} of the same test would keep {former_rule}; store all "
        "conditions of the test from one run"
    )


# ---- seeds of a recipe -------------------------------------------------------------------------------------------

RETRAINS: Final = (
    "a retrain with another seed will differ from the recorded values by chance; store further seeds of the recipe "
    f"with --failaware-add-seed, at least {FEWEST_SEEDS} in all, and a retrain is judged by their spread"
)
ONE_SEED: Final = "one seed; store further seeds of its recipe with --failaware-add-seed"
ONLY_SEED: Final = "it holds one seed, which cannot be dropped; delete its files if no test uses it"
SEVERAL_MODELS: Final = (
    "its entries are those of several models, and a recipe has the same seeds in every condition; store one model in "
    "all conditions first, with --failaware-update-baselines"
)
OTHER_DATA_OF_SEED: Final = (
    "data or preprocessing differ from the file's, and all seeds of a recipe need the same; measure this seed as the "
    "others were"
)
OTHER_GROUPS_OF_SEED: Final = (
    "the groups of its samples differ from those of this run, and all seeds of a recipe need the same; name the same "
    "groups, as with --failaware-group"
)


def lacks_conditions(missing: Sequence[str]) -> str:
    """Say that a run does not have the values of every condition for a further seed."""
    return (
        f"a seed needs every condition, and this run has none to store for {named(missing)}; run all marked tests of "
        "the baseline, and store them together"
    )


def new_conditions(keys: Sequence[str], seeds: int) -> str:
    """Say that stored seeds have no values of a condition."""
    if seeds == 1:
        return f"it has no entry for {named(keys)} yet; record it with --failaware-update-new first"
    return (
        f"its {seeds} seeds have no values for {named(keys)}; record the recipe again with all conditions: one "
        "seed with --failaware-update-baselines and a reason, the others with --failaware-add-seed"
    )


def partial_recipe(seeds: int, stale: Sequence[str]) -> str:
    """Say that an update must replace all conditions of a recipe."""
    return (
        f"it holds {seeds} seeds, which a run replaces in every condition or in none, and this run has no values for "
        f"{named(stale)}; update every condition in one run"
    )


def made_otherwise(key: str, made: Mapping[str, tuple[object, object]]) -> str:
    """Say that a condition was made otherwise for this seed than for the stored seeds."""
    what = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in made.items())
    return f"{key} was made otherwise than for its stored seeds ({what}); measure this seed as the others were"


def other_rule(key: str, stored: FailureRule, rule: FailureRule) -> str:
    """Say that a seed was judged under another rule than the stored seeds."""
    return (
        f"the rule of {key} is {stored}, and this run has {rule}; all seeds need one rule: restore it, or record the "
        "recipe again with --failaware-update-baselines and a reason"
    )


def known_model(number: int, name: str) -> str:
    """Say that a stored seed is the same model with other results."""
    return (
        f"this model is seed {number} already, and it was measured with other results; compare the settings of both "
        f"runs, or replace that seed: python -m pytest_failaware seeds {name} --replace {number} report.json"
    )


def no_such_seed(number: int, seeds: int) -> str:
    """Say that a baseline has no seed of this number."""
    held = "one seed" if seeds == 1 else f"seeds 1 to {seeds}"
    return f"there is no seed {number}; it holds {held}"


def seed_changed(number: int | None, seeds: int, *, is_dropped: bool) -> str:
    """Say what happened to a seed; `seeds` counts those before the change, `number` is None for a new seed."""
    if number is None:
        return f"seed {seeds + 1} added"
    return f"seed {number} of {seeds} {'dropped' if is_dropped else 'replaced'}"


def nearest(seeds: int, number: int) -> str:
    """Say how many seeds there are, and which one is compared sample by sample."""
    return f"{seeds} seeds; seed {number} is the nearest to their mean, with which samples and classes are compared"


def open_seed(name: str, conditions: Sequence[str]) -> str:
    """Say that a seed was stored although a loss is possible: each such seed lets the next one be worse."""
    return (
        f"{name}.yaml: the seed is inconclusive under {named(conditions)}; was its training sound? Each weak seed lets "
        "the next one be weaker; seeds --drop takes it out again"
    )


def too_few_seeds(seeds: int) -> str:
    """Say that a baseline does not have enough seeds to judge by their spread; "" for one seed and for enough."""
    if not 1 < seeds < FEWEST_SEEDS:
        return ""
    return f"{seeds} of at least {FEWEST_SEEDS} seeds, so a candidate is judged against the first"


def refused(name: str, why: str) -> str:
    """Say that a baseline is not written because the measurements do not fit it."""
    return f"baseline {name!r} NOT written: {why}"


# ---- an update that lacks an option ------------------------------------------------------------------------------


def not_written(name: str, doubts: Doubts, options: Collection[str], prefix: str, *, others: Sequence[str] = ()) -> str:
    """Say that a baseline is written only with the missing options.

    Args:
        name: the name of the baseline.
        doubts: why its values need an option.
        options: the missing options.
        prefix: what precedes the names of options.
        others: the conditions without a doubt, which are not written either: a baseline never mixes the values of two
            models.
    """
    typed = {RESET: f"{prefix}{RESET}", REASON: f'{prefix}{REASON}="why"'}
    needed = " ".join(text for option, text in typed.items() if option in options)
    also = f"; not written either: {named(others)}" if others else ""
    return f"{refused(name, _doubtful(doubts))} add {needed}{also}"


def _doubtful(doubts: Doubts) -> str:
    """Say why values are not stored, and what to do if they are right."""
    parts = [_doubtful_part(doubt, keys) for doubt, keys in doubts.items()]
    return " and ".join(parts) + _IF_MEANT[next(iter(doubts))]


def _doubtful_part(doubt: Doubt, keys: Sequence[str]) -> str:
    match doubt:
        case Doubt.ALARM:
            return "the condition clean gives an ALARM"
        case Doubt.INCOMPARABLE:
            return f"the stored values of {named(keys)} cannot be compared with the new ones"
        case Doubt.ENDS_GOLDEN:
            unlike = _doubtful_part(Doubt.INCOMPARABLE, keys)
            return f"{unlike}, and their golden reference, from which drift is measured, cannot stay"
        case Doubt.DRIFTED:
            return f"the new values of {named(keys)} drifted from the golden reference"
        case Doubt.WORSE:
            return f"the new values of {named(keys)} are worse than the stored ones"
        case Doubt.RED_SEED:
            return f"this seed fails the gates of {named(keys)}"
        case Doubt.DROPS_SEEDS:
            return f"this run would replace the {keys[0]} seeds of a recipe by one"


_IF_MEANT: Final = {
    Doubt.ALARM: "; correct the set-up, or, if the values are right nonetheless,",
    Doubt.INCOMPARABLE: "; look at both, and if the change is meant,",
    Doubt.ENDS_GOLDEN: "; look at both, and if the change is meant,",
    Doubt.DRIFTED: "; if that is meant,",
    Doubt.WORSE: "; if that is meant,",
    Doubt.RED_SEED: "; find out why, or, if its training was sound,",
    Doubt.DROPS_SEEDS: "; to keep them, use --failaware-add-seed; if that is meant,",
}
"""The second half of the sentence, before the options."""


def needs_reason(doubt: Doubt, alarm: str, options: str) -> str:
    """Say that a result of a report is accepted only with these options; `alarm` is the text of its alarm."""
    match doubt:
        case Doubt.ALARM:
            return f"ALARM: {alarm}; if the values are right nonetheless, add {options}"
        case Doubt.WORSE:
            return f"is worse than what was stored; if that is meant, add {options}"
        case Doubt.RED_SEED:
            return f"fails its gates; find out why, or, if the training of this seed was sound, add {options}"
        case _:
            return (
                "could not be compared with what was stored; look at both values in the report of the run, and if the "
                f"change is meant, add {options}"
            )

"""What a candidate is compared with if the baseline is a recipe: all its seeds, and one of them sample by sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_failaware.core.baseline import BaselineEntry
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.records import Records
from pytest_failaware.core.reference import Reference
from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.sentences import recipe as words


def centred(reference: Reference, number: int | None, gate: Gate) -> Reference:
    """Return the reference whose first seed is the one that single samples are compared with.

    It is the seed `number` that the candidate equals, or else the nearest seed. Further seeds are left only if they
    judge: not if the candidate equals a seed, if the policy compares two models, or if the recipe has too few seeds.
    """
    seeds = reference.recipe
    if not seeds:
        return replace(reference, seeds=())
    judges = number is None and gate.policy is Policy.BEYOND_TOLERANCE
    first = _nearest(reference) if number is None else number
    others = (*seeds[:first], *seeds[first + 1 :]) if judges else ()
    return replace(_with_first(reference, first), records=seeds[first], seeds=others)


def how_judged(reference: Reference, number: int | None, gate: Gate) -> Iterator[str]:
    """Yield a sentence on what a recipe is for the judgement; nothing if its seeds are too few to judge."""
    count, nearest = len(reference.recipe), _nearest(reference)
    if not count or reference.stored is None:
        return
    if number is not None:
        yield words.is_seed(number + 1, count)
    elif gate.policy is Policy.BEYOND_TOLERANCE:
        model = reference.stored.entry.model_hashes[nearest]
        yield words.judged_by(count, nearest + 1, model)
    else:
        yield words.nearest_alone(gate.policy.value, count, nearest + 1)


def equal_seed(reference: Reference, now: Records, gate: Gate) -> int | None:
    """Return the number of the seed that the candidate equals sample by sample under the same rule, None if none."""
    if reference.rule != gate.rule:
        return None
    pairs = (pair(seed, now) for seed in reference.recipe)
    equal = (number for number, both in enumerate(pairs) if records_equal(both.before, both.now, gate.rule))
    return next(equal, None)


def _nearest(reference: Reference) -> int:
    return 0 if reference.baseline is None else reference.baseline.nearest_seed


def _with_first(reference: Reference, number: int) -> Reference:
    """Return the reference whose entry has the values of another seed."""
    if reference.stored is None or not number:
        return reference
    baseline, entry = reference.stored
    return replace(
        reference, baseline=replace(baseline, entries={**baseline.entries, reference.key: _as_seed(entry, number)})
    )


def _as_seed(entry: BaselineEntry, number: int) -> BaselineEntry:
    seed = entry.all_seeds[number]
    model = replace(entry.model, sha256=seed.model_sha256)
    return replace(entry, cells=seed.cells, records_sha256=seed.records_sha256, model=model)

"""Why measurements are not stored in a baseline: they do not fit, or an option is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pytest_failaware.baselines import sentences
from pytest_failaware.baselines.doubts import Doubt, Doubts, doubts_about
from pytest_failaware.baselines.entries import RuledMeasurement, ends_golden
from pytest_failaware.baselines.sample_files import missing_files
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.request import REASON, RESET, UpdateMode, Writing
from pytest_failaware.core.result import ItemResult
from pytest_failaware.judge.acceptance import lacking as lacking_options
from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.groups import same_groups


def refusal(
    old: Baseline | None,
    measured: Sequence[RuledMeasurement],
    fresh: Mapping[str, RuledMeasurement],
    drop: Collection[str],
) -> str:
    """Return why nothing can be stored; "" if everything can."""
    if not measured:
        return ""
    provenance = measured[0][0].provenance
    samples = measured[0][0].samples
    if any(other.provenance != provenance or not same_groups(other.samples, samples) for other, _ in measured):
        return sentences.OTHER_SUBJECTS
    if torn := [item[0].condition.key for item in measured if not _agree(item, fresh[item[0].condition.key])]:
        return sentences.gated_twice(torn[0])
    stale = [key for key in old.entries if key not in fresh and key not in drop] if old else []
    if old is None or not stale:
        return ""
    if (old.data, old.preprocessing) != (provenance.data, provenance.preprocessing):
        return sentences.other_data(stale)
    if 0 < old.data.groups < old.data.samples and samples.groups is None:
        return sentences.lost_groups(old.data.groups, stale)
    return ""


def recipe_refusal(old: Baseline, fresh: Mapping[str, RuledMeasurement], drop: Collection[str]) -> str:
    """Return why an update cannot replace the seeds of a recipe: it does not have every condition; else ""."""
    stale = [key for key in old.entries if key not in fresh and key not in drop]
    if not stale:
        return ""
    further = [key for key in fresh if key not in old.entries]
    return (
        sentences.new_conditions(further, old.seed_count)
        if further
        else sentences.partial_recipe(old.seed_count, stale)
    )


def torn_rules(
    old: Baseline | None,
    fresh: Mapping[str, RuledMeasurement],
    drop: Collection[str],
    tests: Collection[Collection[str]],
) -> str:
    """Return why a changed rule cannot be stored: other entries of its test would keep the former rule; else "".

    Args:
        old: the stored baseline.
        fresh: the measurements to store, by condition key.
        drop: keys of the entries to delete.
        tests: the keys of all conditions of each marked test.
    """
    known = old.entries if old else {}
    for keys in tests:
        changed = [key for key in keys if key in fresh and (key not in known or known[key].rule != fresh[key][1])]
        kept = {key: known[key].rule for key in keys if key in known and key not in fresh and key not in drop}
        for key in changed:
            former = [other for other, rule in kept.items() if rule != fresh[key][1]]
            if former:
                return sentences.torn_rules(key, fresh[key][1], former, kept[former[0]])
    return ""


def lacking(
    directory: Path, old: Baseline | None, fresh: Mapping[str, RuledMeasurement], *, reason: str, reset_golden: bool
) -> dict[str, list[str]]:
    """Return the missing options without which new values must not replace stored values, with their entries.

    New values cannot be compared if the images, the preprocessing or absent sample files differ, so a person must give
    a reason. If the golden reference ends, a person must ask for its reset.
    """
    known = {key: measurement for key, (measurement, _) in fresh.items() if old is not None and key in old.entries}
    if old is None:
        return {}
    ending = [key for key, measurement in known.items() if ends_golden(directory, old, measurement)]
    unlike = [key for key in known if key in ending or missing_files(directory, old, [key])]
    needed = {RESET: [] if reset_golden else ending, REASON: [] if reason else unlike}
    return {option: keys for option, keys in needed.items() if keys}


def _agree(one: RuledMeasurement, other: RuledMeasurement) -> bool:
    """Return whether two items that gate the same condition of a baseline would store the same entry."""
    (first, rule), (second, other_rule) = one, other
    return (rule, first.seed) == (other_rule, second.seed) and records_equal(first.records, second.records, rule)


# ---- options that a run lacks ------------------------------------------------------------------------------------


def refused_updates(results: Sequence[ItemResult], writing: Writing) -> dict[str, str]:
    """Return by name why this run must not write a baseline: some of its values need a missing option."""
    if writing.update is UpdateMode.NOTHING:
        return {}
    doubtful: dict[str, list[ItemResult]] = defaultdict(list)
    options: dict[str, set[str]] = defaultdict(set)
    for result in results:
        if lacked := lacking_options(result, writing):
            doubtful[result.baseline].append(result)
            options[result.baseline].update(lacked)
    return {
        name: sentences.not_written(
            name, _doubts(some, writing.update), options[name], "--failaware-", others=_ready(results, name)
        )
        for name, some in doubtful.items()
    }


def _doubts(results: Sequence[ItemResult], update: UpdateMode) -> Doubts:
    """Return the doubts about results; a further seed that fails its gates is red, whatever it fails."""
    doubts = doubts_about(results)
    if update is not UpdateMode.SEED or Doubt.ALARM in doubts:
        return doubts
    return {Doubt.RED_SEED: [result.stats.condition for result in results]}


def _ready(results: Sequence[ItemResult], name: str) -> list[str]:
    """Return the conditions of a baseline whose values this run was asked to write."""
    return [result.stats.condition for result in results if result.baseline == name and result.verdict.is_written]

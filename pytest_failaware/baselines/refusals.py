"""Sentences on why measurements are not stored in a baseline: they do not fit, or an option is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from pytest_failaware.baselines.entries import RuledMeasurement, ends_golden
from pytest_failaware.baselines.sample_files import missing_files
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.request import REASON, RESET, UpdateMode, Writing
from pytest_failaware.core.result import ItemResult
from pytest_failaware.judge.acceptance import lacking as lacking_options
from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.groups import same_groups

_NAMED: Final = 12  # entries


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
        return "its items measured different models or data; give each its own baseline"
    if torn := [item[0].condition.key for item in measured if not _agree(item, fresh[item[0].condition.key])]:
        return f"two tests gate {torn[0]} with other rules or seeds; give each its own baseline"
    stale = [key for key in old.entries if key not in fresh and key not in drop] if old else []
    if old is None or not stale:
        return ""
    if (old.data, old.preprocessing) != (provenance.data, provenance.preprocessing):
        return (
            f"data or preprocessing differ from the file's, and {', '.join(stale)} would go on describing the old; "
            "update every condition in one run"
        )
    if 0 < old.data.groups < old.data.samples and samples.groups is None:
        return (
            f"its samples come in {old.data.groups:,} groups and this run has none, which {', '.join(stale)} would "
            "lose, too; name the groups, as with --failaware-group, or update every condition in one run"
        )
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
        name: not_written(name, _doubt(some), options[name], "--failaware-") + nothing_else(_ready(results, name))
        for name, some in doubtful.items()
    }


def _ready(results: Sequence[ItemResult], name: str) -> list[str]:
    """Return the conditions of a baseline whose values this run was asked to write."""
    return [result.stats.condition for result in results if result.baseline == name and result.verdict.is_written]


def nothing_else(keys: Sequence[str]) -> str:
    """Say that a refused baseline keeps its other values, too: it never mixes the values of two models."""
    return f"; not written either: {named(keys)}" if keys else ""


def drift_refusal(name: str, keys: Sequence[str], options: Collection[str], prefix: str) -> str:
    """Say that a baseline is not written because conditions drifted."""
    return not_written(name, f"{_drifted(keys)}; if that is meant,", options, prefix)


def _drifted(keys: Sequence[str]) -> str:
    return f"the new values of {named(keys)} drifted from the golden reference"


def _doubt(results: Sequence[ItemResult]) -> str:
    """Return why values are not stored, and what to do if they are right."""
    if any(result.has_new_alarm for result in results):
        return "the condition clean gives an ALARM; correct the set-up, or, if the values are right nonetheless,"
    if keys := [result.stats.condition for result in results if result.stored or result.ends_golden]:
        return incomparable(keys, ends_golden=any(result.ends_golden for result in results))
    drifted = [result.stats.condition for result in results if result.has_drifted]
    worse = [result.stats.condition for result in results if not result.has_drifted]
    doubts = [_drifted(drifted)] if drifted else []
    doubts += [f"the new values of {named(worse)} are worse than the stored ones"] if worse else []
    return f"{' and '.join(doubts)}; if that is meant,"


def incomparable(keys: Sequence[str], *, ends_golden: bool) -> str:
    """Return why values that cannot be compared with the stored values are not written."""
    golden = ", and their golden reference, from which drift is measured, cannot stay" if ends_golden else ""
    return (
        f"the stored values of {named(keys)} cannot be compared with the new ones{golden}; look at both, and if the "
        "change is meant,"
    )


def not_written(name: str, doubt: str, options: Collection[str], prefix: str) -> str:
    """Say that a baseline is written only with the missing options."""
    typed = {RESET: f"{prefix}{RESET}", REASON: f'{prefix}{REASON}="why"'}
    needed = " ".join(text for option, text in typed.items() if option in options)
    return f"baseline {name!r} NOT written: {doubt} add {needed}"


def named(keys: Sequence[str]) -> str:
    """Return the names of the entries, or their number if there are many: the diff of the file names them."""
    return ", ".join(keys) if len(keys) <= _NAMED else f"{len(keys)} entries"

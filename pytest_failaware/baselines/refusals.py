"""Why measurements cannot be stored in a baseline: sentences, "" where they can."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pytest_failaware.baselines.entries import RuledMeasurement
from pytest_failaware.baselines.golden import ends_golden
from pytest_failaware.baselines.samples import missing_files
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.request import REASON, RESET
from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.groups import same_groups


def refusal(
    old: Baseline | None,
    measured: Sequence[RuledMeasurement],
    fresh: Mapping[str, RuledMeasurement],
    drop: Collection[str],
) -> str:
    """Why nothing can be stored, "" where it can."""
    if not measured:
        return ""
    provenance = measured[0][0].provenance
    samples = measured[0][0].samples
    if any(one.provenance != provenance or not same_groups(one.samples, samples) for one, _ in measured):
        return "its items measured different models or data; give each a baseline of its own"
    if torn := [one.condition.key for one, rule in measured if not _agree((one, rule), fresh[one.condition.key])]:
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
            f"its samples come in {old.data.groups:,} groups and this run tells none, which {', '.join(stale)} would "
            "lose, too; name the groups, as with --failaware-group, or update every condition in one run"
        )
    return ""


def lacking(
    directory: Path, old: Baseline | None, fresh: Mapping[str, RuledMeasurement], *, reason: str, reset_golden: bool
) -> dict[str, list[str]]:
    """The options without which new values must not replace the stored ones, with the entries that need each.

    Values of other images, of another preprocessing or over absent sample files cannot be compared with the stored
    ones, so that nothing but a person's reason speaks for them. Where golden ends, its reset has to be meant.
    """
    known = {key: one for key, (one, _) in fresh.items() if old is not None and key in old.entries}
    if old is None:
        return {}
    ending = [key for key, one in known.items() if ends_golden(directory, old, one)]
    incomparable = [key for key in known if key in ending or missing_files(directory, old, [key])]
    needed = {RESET: [] if reset_golden else ending, REASON: [] if reason else incomparable}
    return {option: keys for option, keys in needed.items() if keys}


def _agree(one: RuledMeasurement, other: RuledMeasurement) -> bool:
    """Whether two items that gate one condition of one baseline would store the same entry."""
    (first, rule), (second, other_rule) = one, other
    return (rule, first.seed) == (other_rule, second.seed) and records_equal(first.records, second.records, rule)

"""Why measurements cannot be stored in a baseline: sentences, "" where they can."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pytest_failaware.judge.comparability import records_equal
from pytest_failaware.judge.entries import Measured
from pytest_failaware.judge.groups import same_groups
from pytest_failaware.schema import Baseline


def refusal(
    old: Baseline | None, measured: Sequence[Measured], fresh: Mapping[str, Measured], drop: Collection[str]
) -> str:
    """Why nothing can be stored, "" where it can."""
    if not measured:
        return ""
    provenance = measured[0][0].provenance
    groups = measured[0][0].groups
    if any(one.provenance != provenance or not same_groups(one.groups, groups) for one, _ in measured):
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
    if 0 < old.data.groups < old.data.samples and groups is None:
        return (
            f"its images come in {old.data.groups:,} groups and this run tells none, which {', '.join(stale)} would "
            "lose, too; name the groups, as with --failaware-group, or update every condition in one run"
        )
    return ""


def _agree(one: Measured, other: Measured) -> bool:
    """Whether two items that gate one condition of one baseline would store the same entry."""
    (first, rule), (second, other_rule) = one, other
    return (rule, first.seed) == (other_rule, second.seed) and records_equal(first.records, second.records, rule)

"""One item of a marked test, ready to be judged again under another rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.records import CONFIDENCE_AT, ENTROPY_AT, Records
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.remedy import RemedyKind
from pytest_failaware.core.result import Comparison, CoverageWay, ItemResult
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import lacking_rules
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.remedy.case import (
    CONFIDENT_ACCURACY,
    CONFIDENT_CORRECT_RATE,
    SILENT_FAILURE_RATE,
    Case,
)
from pytest_failaware.judge.verdict import TERMS, Terms, judge

_FLAGGED: Final = np.float32(1e30)
"""An entropy that every entropy threshold flags."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Tested:
    """What the judge of an item got, and all that it needs to judge the item again."""

    measurement: Measurement
    reference: Reference
    gate: Gate
    terms: Terms = TERMS

    def case(self) -> Case | None:
        """Return the samples of both sides for the search; None without stored records."""
        stored, before = self.reference.rule, self.reference.nearest
        if stored is None or before is None:
            return None
        both = pair(before, self.measurement.records)
        gate = self.gate.against_recipe if self.reference.recipe else self.gate
        names = (CONFIDENT_ACCURACY, CONFIDENT_CORRECT_RATE, SILENT_FAILURE_RATE)
        return Case(
            key=self.measurement.condition.key,
            before=outcomes_of(both.before, stored),
            now=both.now,
            rule=gate.rule,
            tolerance={name: float(gate.allowed(name)) for name in names},
        )

    def under(self, kind: RemedyKind, rule: FailureRule) -> ItemResult:
        """Return the result of the item if the configured rule were this one."""
        records = self.measurement.records
        if kind is RemedyKind.TEMPERATURE:
            records = with_flags_at(records, rule)
        measurement = replace(self.measurement, records=records)
        return judge(measurement, self.reference, replace(self.gate, rule=rule), self.terms)


def leaves_none_red(tested: Sequence[Tested], kind: RemedyKind, rule: FailureRule) -> bool:
    """Return whether no gate of these items is red if the configured rule were this one."""
    results = [item.under(kind, rule) for item in tested]
    return not any(result.verdict.fails or _needs_the_new_way(result) for result in results)


def _needs_the_new_way(result: ItemResult) -> bool:
    """Return whether the ranking would be red without the way of the configured rule.

    That way has the order of a temperature's scores, which need logits. Without it the ranking can only look worse, so
    a remedy that is green without it is green.
    """
    return any(
        comparison.evidence is not None
        and comparison.evidence.ways
        and max(way.p_beyond for way in comparison.evidence.ways if way.way is not CoverageWay.NEW_RULE)
        < comparison.evidence.level
        for comparison in result.comparisons
        if isinstance(comparison, Comparison)
    )


def with_flags_at(records: Records, rule: FailureRule) -> Records:
    """Return the records with scores at the temperature of a rule that give its flags, if they lack these scores.

    Without logits the flags are known and the scores are not: a trusted sample gets a confidence of 1 and an entropy of
    0, and a flagged one the opposite.
    """
    up_to = rule.trusted_up_to(records)
    if up_to is None or rule.temperature == 1 or not lacking_rules(records, [rule]):
        return records
    trusted = up_to >= np.float32(rule.temperature)
    columns = {
        f"{CONFIDENCE_AT}{rule.temperature!r}": np.where(trusted, np.float32(1), np.float32(0)),
        f"{ENTROPY_AT}{rule.temperature!r}": np.where(trusted, np.float32(0), _FLAGGED),
    }
    return replace(records, rule_columns={**records.rule_columns, **columns})

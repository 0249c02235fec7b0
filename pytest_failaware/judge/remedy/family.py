"""The families of rules among which a remedy is searched; each has one number, and 1 is the configured rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.remedy import RemedyKind
from pytest_failaware.core.rule import TEMPERATURES, FailureRule
from pytest_failaware.judge.outcomes import Mask
from pytest_failaware.judge.remedy.case import Case

Index = NDArray[np.intp]

_SCALES: Final = 1.01 ** np.arange(-51.0, 52)  # 0.6 to 1.66
_TEMPERATURES: Final = 1.02 ** np.arange(-46.0, 47)  # 0.4 to 2.5
_DIGITS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Family:
    """The rules of one kind, in an order in which each flags all that the one before flags.

    `factors` are ascending, and `rules` are those of the factors.
    """

    kind: RemedyKind
    factors: NDArray[np.float64]
    rules: tuple[FailureRule, ...]

    def trusted_before(self, case: Case) -> Index:
        """Return before which rule of the family each sample stops being trusted, (N,), 0..len(rules)."""
        if self.kind is RemedyKind.TEMPERATURE:
            return _first_below(self.rules, case.rule.trusted_up_to(case.now))
        confidence, entropy = case.now.scores_at(case.rule.temperature)
        by_confidence = _first_below(self.rules, confidence, "confidence")
        return np.minimum(by_confidence, _first_below(self.rules, entropy, "entropy"))


def families(cases: Sequence[Case]) -> list[Family]:
    """Return the families that these conditions allow; without temperatures of trust, the entropy part alone."""
    rule = cases[0].rule
    found = [_family(RemedyKind.RULE, rule, _SCALES)]
    if all(rule.trusted_up_to(case.now) is not None for case in cases):
        found.append(_family(RemedyKind.TEMPERATURE, rule, _TEMPERATURES))
    elif rule.entropy is not None and rule.confidence is not None:
        found.append(_family(RemedyKind.ENTROPY, rule, _SCALES))
    return found


def trusted_under(case: Case, kind: RemedyKind, rule: FailureRule) -> Mask:
    """Return the samples that a rule of a family trusts, (N,); a temperature needs no logits."""
    family = Family(kind=kind, factors=np.ones(1), rules=(rule,))
    return family.trusted_before(case) > 0


def rounded(rule: FailureRule, kind: RemedyKind) -> FailureRule:
    """Return the rule with three significant digits in the numbers that a remedy changes."""
    if kind is RemedyKind.TEMPERATURE:
        return rule.at(_rounded(rule.temperature))
    entropy = None if rule.entropy is None else _rounded(rule.entropy)
    if kind is RemedyKind.ENTROPY:
        return replace(rule, entropy=entropy)
    return replace(rule, confidence=None if rule.confidence is None else _rounded(rule.confidence), entropy=entropy)


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def _family(kind: RemedyKind, rule: FailureRule, factors: NDArray[np.float64]) -> Family:
    if kind is RemedyKind.TEMPERATURE:
        low, high = TEMPERATURES
        factors = factors[(low <= factors * rule.temperature) & (factors * rule.temperature <= high)]
    return Family(kind=kind, factors=factors, rules=tuple(_at(kind, rule, float(factor)) for factor in factors))


def _at(kind: RemedyKind, rule: FailureRule, factor: float) -> FailureRule:
    if kind is RemedyKind.TEMPERATURE:
        return rule.at(rule.temperature * factor)
    scaled = rule.scaled(factor)
    return scaled if kind is RemedyKind.RULE else replace(scaled, confidence=rule.confidence)


def _first_below(rules: Sequence[FailureRule], score: NDArray[np.float32] | None, part: str = "temperature") -> Index:
    """Return by how many of the rules, the first ones, the part trusts each score, (N,); compared as flags are."""
    assert score is not None  # `families` asks for temperatures of trust only if there are some
    thresholds = [getattr(rule, part) for rule in rules]
    if thresholds[0] is None:
        return np.full(len(score), len(rules))
    with np.errstate(over="ignore", under="ignore"):
        limits = np.array(thresholds).astype(np.float32)
    if part == "entropy":  # trusted if entropy <= limit, and the limits fall
        return len(rules) - np.searchsorted(limits[::-1], score, side="left")
    return np.searchsorted(limits, score, side="right")  # trusted if score >= limit, and the limits rise

"""The columns that a rule needs beside the normal scores: scores at its temperature, and temperatures of trust.

They are computed while the logits are there, so that no later step needs logits.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import CONFIDENCE_AT, ENTROPY_AT, TRUSTED_UP_TO, Records
from pytest_failaware.core.rule import TEMPERATURES, FailureRule
from pytest_failaware.core.scores import Scores, is_answered, log_softmax, scores_of

Floats = NDArray[np.float64]
Rules = Collection[FailureRule]
"""The rules whose columns records need: the configured rule, and those of the stored sides."""

_NEWTON_STEPS: Final = 12
_MOST_STEPS: Final = 50
_PRECISION: Final = 1e-9
"""The last step of ln T, far below the precision of float32."""
_AT_END: Final = 1e-7
"""How close to the lowest or highest temperature a root counts as none."""
_MASKED: Final = -1e30
"""A logit of -inf, in a sum in which its probability is 0."""


def rule_columns(logits: NDArray[np.floating[Any]], rules: Rules) -> dict[str, NDArray[np.float32]]:
    """Return the columns of these rules from logits (N, K), (N,) float32 each, by name.

    Without an answer the confidence is 0, the entropy that of equal logits, and no temperature gives trust.
    """
    answered = is_answered(logits)
    usable = np.where(answered[:, None], logits, 0).astype(np.float64)
    columns: dict[str, NDArray[np.float32]] = {}
    for temperature in sorted({rule.temperature for rule in rules} - {1.0}):
        scores = scores_of(log_softmax(usable / temperature))
        columns[f"{CONFIDENCE_AT}{temperature!r}"] = np.where(answered, scores.confidence, np.float32(0))
        columns[f"{ENTROPY_AT}{temperature!r}"] = scores.entropy
    at_one = scores_of(log_softmax(usable))
    for rule in sorted({rule.at(1.0) for rule in rules}, key=str):
        columns[rule.trust_column] = np.where(answered, _trusted_up_to(usable, at_one, rule), np.float32(0))
    return columns


def with_rules(records: Records, rules: Rules) -> Records:
    """Return the records with the columns of these rules that they lack, as far as kept logits give them."""
    missing = lacking_rules(records, rules)
    if records.logits is None or not missing:
        return records
    columns = rule_columns(records.logits, missing)
    unanswered = records.confidence == 0
    for name in columns:
        if not name.startswith(ENTROPY_AT):
            columns[name][unanswered] = 0
    return replace(records, rule_columns={**records.rule_columns, **columns})


def lacking_rules(records: Records, rules: Rules) -> list[FailureRule]:
    """Return the rules of which the records lack a column."""
    return [rule for rule in rules if not set(_names(rule)) <= records.rule_columns.keys()]


def rules_in(records: Records) -> list[FailureRule]:
    """Return the rules whose columns the records hold: the thresholds at 1, and one rule for each temperature."""
    texts = [name.removeprefix(TRUSTED_UP_TO) for name in records.rule_columns if name.startswith(TRUSTED_UP_TO)]
    degrees = [name.removeprefix(ENTROPY_AT) for name in records.rule_columns if name.startswith(ENTROPY_AT)]
    rules = [FailureRule.parse(text) for text in texts]
    return [*rules, *(rules[0].at(float(text)) for text in degrees if rules)]


def of_rules(records: Records, rules: Rules) -> Records:
    """Return the records with only the columns of these rules, so that they do not depend on earlier runs."""
    names = {name for rule in rules for name in _names(rule)}
    kept = {name: column for name, column in records.rule_columns.items() if name in names}
    return replace(records, rule_columns=kept)


def score_columns(records: Records, rule: FailureRule) -> Records:
    """Return the records with only the scores at the temperature of a rule, as a baseline stores them."""
    kept = of_rules(records, [rule])
    scores = {name: column for name, column in kept.rule_columns.items() if name != rule.trust_column}
    return replace(kept, rule_columns=scores)


def _names(rule: FailureRule) -> tuple[str, ...]:
    """Return the names of the columns of a rule."""
    if rule.temperature == 1:
        return (rule.trust_column,)
    return rule.trust_column, f"{CONFIDENCE_AT}{rule.temperature!r}", f"{ENTROPY_AT}{rule.temperature!r}"


@np.errstate(all="ignore")  # IEEE results, even if the process lets numpy raise errors
def _trusted_up_to(logits: Floats, scores: Scores, rule: FailureRule) -> NDArray[np.float32]:
    """Return the largest temperature at which the thresholds trust each sample, (N,); `scores` are those at 1.

    A higher temperature lowers the confidence and raises the entropy, so a sample is trusted up to one temperature. It
    is 0 if the lowest temperature of a rule gives no trust, and infinite if the highest one does.
    """
    shifted = np.maximum(logits - logits.max(axis=1, keepdims=True), _MASKED)
    found: Floats = np.exp(_roots(shifted, rule))
    found[found < TEMPERATURES[0] * (1 + _AT_END)] = 0
    found[found > TEMPERATURES[1] * (1 - _AT_END)] = np.inf
    below_one, one = np.nextafter(np.float32(1), np.float32(0)), np.float32(1)
    column = found.astype(np.float32)
    flagged = rule.flags(confidence=scores.confidence, entropy=scores.entropy)
    exact: NDArray[np.float32] = np.where(flagged, np.minimum(column, below_one), np.maximum(column, one))
    return exact  # at T = 1 exactly as the normal scores say


def _roots(shifted: Floats, rule: FailureRule) -> Floats:
    """Return ln T at which the excess is 0, (N,), an end of the interval if there is none.

    Newton's method; a step out of the interval becomes a bisection, and so do late steps, for rows on which Newton's
    method is slow. Only the rows whose root is not yet known are computed again.
    """
    low, high = (np.full(len(shifted), math.log(end)) for end in TEMPERATURES)
    root: Floats = (low + high) / 2
    rows = np.arange(len(shifted))
    for step in range(_MOST_STEPS):
        at = root[rows]
        excess, slope = _excess(shifted, at, rule)
        low[rows], high[rows] = np.where(excess >= 0, at, low[rows]), np.where(excess >= 0, high[rows], at)
        new = at - excess / slope
        outside = ~((low[rows] < new) & (new < high[rows])) | (step >= _NEWTON_STEPS)  # also if it is not a number
        new[outside] = ((low[rows] + high[rows]) / 2)[outside]
        root[rows] = new
        going = np.abs(new - at) > _PRECISION
        if not going.all():
            shifted, rows = shifted[going], rows[going]
        if not len(rows):
            break
    return root


def _excess(shifted: Floats, log_temperature: Floats, rule: FailureRule) -> tuple[Floats, Floats]:
    """Return how far each sample is from a flag at ln T, at least 0 if it is trusted, and the derivative by ln T.

    The largest logit of each row is 0, so with z = shifted / T, w = exp(z) and means weighted by w: ln confidence is
    -ln(sum w), with the derivative mean(z), and the entropy is ln(sum w) - mean(z), with the derivative var(z).
    """
    z = shifted * np.exp(-log_temperature)[:, None]
    weight = np.exp(z)
    total = weight.sum(axis=1)
    log_total, mean = np.log(total), np.einsum("nk,nk->n", weight, z) / total
    excess, slope = np.full(len(z), np.inf), np.zeros(len(z))
    if rule.confidence is not None:
        excess, slope = -log_total - math.log(_rounded(rule.confidence, 0)), mean
    if rule.entropy is not None:
        left = _rounded(rule.entropy, np.inf) - (log_total - mean)
        spread = np.einsum("nk,nk,nk->n", weight, z, z) / total - mean * mean
        is_less = left < excess
        excess, slope = np.where(is_less, left, excess), np.where(is_less, -spread, slope)
    return excess, slope


def _rounded(threshold: float, towards: float) -> float:
    """Return the last number that float32 rounds to the threshold, so that float64 compares as float32 does."""
    here = np.float32(threshold)
    return (float(here) + float(np.nextafter(here, np.float32(towards)))) / 2

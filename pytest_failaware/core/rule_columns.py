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
from pytest_failaware.core.scores import is_answered, log_softmax, scores_of

Floats = NDArray[np.float64]
Rules = Collection[FailureRule]
"""The rules whose columns records need: the configured rule, and those of the stored sides."""

_HALVINGS: Final = 28
"""Of the range of ln T; the last interval is 1.4e-7 wide, about the precision of float32."""
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
    for rule in sorted({rule.at(1.0) for rule in rules}, key=str):
        columns[rule.trust_column] = np.where(answered, _trusted_up_to(usable, rule), np.float32(0))
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
    return replace(
        of_rules(records, [rule]),
        rule_columns={
            name: column for name, column in of_rules(records, [rule]).rule_columns.items() if name != rule.trust_column
        },
    )


def _names(rule: FailureRule) -> tuple[str, ...]:
    """Return the names of the columns of a rule."""
    if rule.temperature == 1:
        return (rule.trust_column,)
    return rule.trust_column, f"{CONFIDENCE_AT}{rule.temperature!r}", f"{ENTROPY_AT}{rule.temperature!r}"


@np.errstate(all="ignore")  # IEEE results, even if the process lets numpy raise errors
def _trusted_up_to(logits: Floats, rule: FailureRule) -> NDArray[np.float32]:
    """Return the largest temperature at which the thresholds trust each sample, (N,).

    A higher temperature lowers the confidence and raises the entropy, so a sample is trusted up to one temperature,
    which is found by bisection of ln T. It is 0 if the lowest temperature of a rule gives no trust, and infinite if the
    highest one does.
    """
    shifted = np.maximum(logits - logits.max(axis=1, keepdims=True), _MASKED)
    low, high = (np.full(len(logits), math.log(end)) for end in TEMPERATURES)
    never, always = ~_is_trusted(shifted, low, rule), _is_trusted(shifted, high, rule)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        trusted = _is_trusted(shifted, middle, rule)
        low, high = np.where(trusted, middle, low), np.where(trusted, high, middle)
    found = np.exp(low).astype(np.float32)
    found[always], found[never] = np.inf, 0
    scores = scores_of(log_softmax(logits))
    now = ~rule.flags(confidence=scores.confidence, entropy=scores.entropy)
    below_one = np.nextafter(np.float32(1), np.float32(0))
    exact: NDArray[np.float32] = np.where(now, np.maximum(found, np.float32(1)), np.minimum(found, below_one))
    return exact  # at T = 1 exactly as the normal scores say


def _is_trusted(shifted: Floats, log_temperature: Floats, rule: FailureRule) -> NDArray[np.bool_]:
    """Return which samples the thresholds trust at a temperature each; the largest logit of each row is 0."""
    z = shifted * np.exp(-log_temperature)[:, None]
    weight = np.exp(z)
    total = weight.sum(axis=1)
    entropy = np.log(total) - np.einsum("nk,nk->n", weight, z) / total
    return ~rule.flags(confidence=(1 / total).astype(np.float32), entropy=entropy.astype(np.float32))

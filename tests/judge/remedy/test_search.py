"""The search for remedies: rules of a family, the proof on held-out halves, and the rule that is shipped."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from remedy_cases import RULE, TOLERANCE, logits_of, records

from pytest_failaware.core.remedy import RemedyKind
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.outcomes import Mask, outcomes_of
from pytest_failaware.judge.remedy.case import Case, first_half
from pytest_failaware.judge.remedy.family import Family, families, rounded, trusted_under
from pytest_failaware.judge.remedy.proof import least_z, promise_z
from pytest_failaware.judge.remedy.search import fitted, held_out_z, remedies
from pytest_failaware.judge.significance.ratios import PairedRatio, ratio_z
from pytest_failaware.judge.significance.units import Units


def case(scale: float, count: int = 2000, seed: int = 0, *, with_columns: bool = True) -> Case:
    """Return a condition whose candidate has the baseline's logits times `scale`."""
    logits, labels = logits_of(count, seed)
    before = records(logits, labels, RULE)
    now = records(logits * scale, labels, *([RULE] if with_columns else []))
    return Case(key=f"c{seed}", before=outcomes_of(before, RULE), now=now, rule=RULE, tolerance=TOLERANCE)


def grouped(one: Case, size: int) -> Case:
    """Return the condition with its samples in groups of this size."""
    samples = one.now.samples.in_groups((np.arange(len(one.now)) // size).astype(np.uint32))
    return replace(one, now=replace(one.now, samples=samples))


def plain_z(one: Case, trusted: Mask, rows: Mask) -> float:
    """Return the least z of both promises of one condition, by `ratio_z` for each."""
    units = Units.of(one.now.samples.take(np.flatnonzero(rows)))
    then, now = one.before.trusted[rows], trusted[rows]
    good, new_good = one.before.right[rows] & then, one.now.correct[rows] & now
    every = np.ones(len(then))
    if not then.any() or not now.any():
        return -math.inf
    sides = [(then, now, 0.005), (every, every, 0.05)]
    return min(
        -ratio_z(
            PairedRatio(
                before=(good.astype(float), old.astype(float)),
                now=(new_good.astype(float), new.astype(float)),
                units=units,
            ),
            margin,
        )
        for old, new, margin in sides
    )


def plain_choice(cases: list[Case], family: Family, halves: list[Mask], scale: float) -> FailureRule:
    """Return the rule nearest to the configured one with enough proof, from the flags of each rule."""
    found = []
    for factor, rule in zip(family.factors, family.rules, strict=True):
        z = min(
            plain_z(one, trusted_under(one, family.kind, rule), half) for one, half in zip(cases, halves, strict=True)
        )
        found.append((scale * z >= 1.96 + 1.5, abs(math.log(factor)), z, rule))
    enough = [entry for entry in found if entry[0]]
    return min(enough, key=lambda entry: entry[1])[3] if enough else max(found, key=lambda entry: entry[2])[3]


def test_five_samples_by_hand():
    """The z of five samples under one rule is minus the statistic of the ratio, computed by hand in its docstring."""
    one = case(1.0, count=5)
    before = replace(
        one.before,
        right=np.array([True, True, True, False, False]),
        trusted=np.array([True, True, True, True, False]),
    )
    prediction = np.where([True, False, False, False, True], one.now.label, one.now.label + 1).astype(np.uint16)
    one = replace(one, before=before, now=replace(one.now, prediction=prediction))
    one = replace(one, tolerance={**TOLERANCE, "confident_accuracy": 0.0})
    z = promise_z(one, "confident_accuracy", np.array([1, 1, 1, 0, 1]), 1, np.ones(5, dtype=np.bool_))
    assert -0.6285 == pytest.approx(z[0], abs=5e-5)


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("size", [0, 1, 4])
def test_z_agrees_with_the_ratio_test_of_each_rule(scale: float, size: int):
    """The z of all rules at once, from counts, is that of the ratio test of each rule alone, with groups too."""
    one = case(scale, count=400)
    one = grouped(one, size) if size else one
    half = first_half(one.now.samples)
    for family in families([one]):
        z = least_z([one], [family.trusted_before(one)], len(family.rules), [half])
        plain = [plain_z(one, trusted_under(one, family.kind, rule), half) for rule in family.rules]
        assert z == pytest.approx(plain, abs=1e-9)


def test_rules_of_a_family_trust_what_their_flags_say():
    """Each rule of a family trusts exactly the samples that it does not flag; a temperature up to its precision."""
    one = case(1.3)
    logits, _ = logits_of(2000, 0)
    for family in families([one]):
        index = family.trusted_before(one)
        for number in range(0, len(family.rules), 7):
            rule = family.rules[number]
            flagged = rule.flag_logits(logits * 1.3)
            assert np.array_equal(index > number, ~flagged), rule


@pytest.mark.parametrize("scale", [1.5, 0.75])
def test_the_search_is_that_of_plain_loops(scale: float):
    """The held-out z and the shipped rule are those of loops over rules, samples and halves."""
    cases = [case(scale, count=800, seed=seed) for seed in (0, 1)]
    for family in families(cases):
        halves = [first_half(one.now.samples) for one in cases]
        chosen = [plain_choice(cases, family, side, math.sqrt(2)) for side in (halves, [~half for half in halves])]
        pooled = [
            np.where(half, *(trusted_under(one, family.kind, rule) for rule in reversed(chosen)))
            for one, half in zip(cases, halves, strict=True)
        ]
        everything = [np.ones_like(half) for half in halves]
        expected = min(
            plain_z(one, trusted, rows) for one, trusted, rows in zip(cases, pooled, everything, strict=True)
        )
        indexes = [family.trusted_before(one) for one in cases]
        assert held_out_z(cases, family, indexes) == pytest.approx(expected)
        shipped = fitted(least_z(cases, indexes, len(family.rules), everything), family, 1.0)
        assert family.rules[shipped] == plain_choice(cases, family, everything, 1.0)


@pytest.mark.parametrize("scale", [1.5, 1 / 1.5])
def test_a_temperature_undoes_a_scale(scale: float):
    """Logits times a factor are mended by one temperature near that factor, proven, and named with three digits."""
    cases = [case(scale, count=5000, seed=seed) for seed in range(2)]
    found = {remedy.kind: remedy for remedy in remedies(cases, lambda kind, rule: True)}
    remedy = found[RemedyKind.TEMPERATURE]
    assert remedy.is_proven
    assert remedy.rule.temperature == pytest.approx(scale, rel=0.15)
    assert f"{remedy.rule.temperature:.3g}" == repr(remedy.rule.temperature)
    assert {"c0", "c1"} == set(remedy.price)
    assert all(abs(points) < 5 for points in remedy.price.values())


def test_proven_remedies_come_first_then_those_that_keep_more():
    """Of two proven remedies the one with more trusted and right answers is named first."""
    found = remedies([case(1 / 1.5, count=5000, seed=seed) for seed in range(2)], lambda kind, rule: True)
    keys = [(not remedy.is_proven, -sum(remedy.price.values())) for remedy in found]
    assert 2 == len(found)
    assert sorted(keys) == keys


def test_without_temperatures_of_trust_the_entropy_part_is_scaled():
    """Records without temperatures of trust get remedies by thresholds alone."""
    one = case(1.5, with_columns=False)
    assert [RemedyKind.RULE, RemedyKind.ENTROPY] == [family.kind for family in families([one])]
    assert all(rule.confidence == RULE.confidence for rule in families([one])[1].rules)


def test_a_red_gate_refuses_a_remedy():
    """A remedy that leaves a gate red is not named, even if the halves prove it."""
    assert [] == remedies([case(1.5, count=5000)], lambda kind, rule: False)


def test_halves_keep_groups_whole():
    """All samples of a group belong to the same half, and about half of the samples belong to each."""
    one = grouped(case(1.0), 5)
    half = first_half(one.now.samples).reshape(-1, 5)
    assert np.all(half == half[:, :1])
    assert 0.4 < half.mean() < 0.6
    assert 0.45 < first_half(case(1.0).now.samples).mean() < 0.55


def test_numbers_are_rounded_to_three_digits():
    """Only the numbers that a remedy changes are rounded."""
    rule = FailureRule(confidence=0.61234, entropy=1.23456, temperature=1.23456)
    assert FailureRule(confidence=0.612, entropy=1.23, temperature=1.23456) == rounded(rule, RemedyKind.RULE)
    assert rule.at(1.23) == rounded(rule, RemedyKind.TEMPERATURE)
    assert replace(rule, entropy=1.23) == rounded(rule, RemedyKind.ENTROPY)


def test_nothing_trusted_before_is_judged_by_silent_failures():
    """Where the baseline trusts nothing, a remedy must not add silent failures."""
    one = case(1.0)
    nothing = replace(one, before=replace(one.before, trusted=np.zeros(2000, dtype=np.bool_)))
    assert ("silent_failure_rate", "confident_correct_rate") == nothing.promises
    family = families([nothing])[0]
    z = least_z([nothing], [family.trusted_before(nothing)], len(family.rules), [np.ones(2000, dtype=np.bool_)])
    assert z[-1] > z[0]

"""The pooled verdict: one test on the mean of each sample's scores over all conditions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from five import measurement_of
from numpy.typing import NDArray

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.condition import Condition, ConditionKind
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.pooled import Reached, Share
from pytest_failaware.core.result import Comparison, CoverageWay, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.evidence import normal_p
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.pooled import pooled, share_of
from pytest_failaware.judge.power import common_losses
from pytest_failaware.judge.recipe import evidence as of_recipe
from pytest_failaware.judge.recipe.means import RecipeMean
from pytest_failaware.judge.recipe.spreads import recipe_of
from pytest_failaware.judge.sides import sides_of
from pytest_failaware.judge.significance.units import Units

RULE = FailureRule()
KEYS = ["clean", *(f"fog:{severity}" for severity in range(1, 6))]


def gate_of(conditions: int, **more: object) -> Gate:
    """Return a gate on so many conditions."""
    return build_gate({"conditions": KEYS[:conditions], **more})


def shares(pairs: Sequence[tuple[str, str]], groups: NDArray[np.uint32] | None = None) -> list[Share]:
    """Return what conditions add that are given as letters before and now."""
    return [_share(key, *letters, groups) for key, letters in zip(KEYS, pairs, strict=False)]


def _share(key: str, before: str, now: str, groups: NDArray[np.uint32] | None) -> Share:
    old, new = (measurement_of(letters).records for letters in (before, now))
    new = dataclasses.replace(new, samples=new.samples.in_groups(groups))
    return share_of(sides_of(pair(old, new), RULE, RULE), key)


def accuracy(found: Sequence[Share], gate: Gate) -> Comparison:
    """Return the comparison of the mean accuracy."""
    return next(comparison for comparison in pooled(found, gate) if comparison.metric == "accuracy")


def p_of(found: Sequence[Share], gate: Gate) -> float:
    """Return the p of a fall of the mean accuracy beyond the tolerance."""
    evidence = accuracy(found, gate).evidence
    assert evidence is not None
    return evidence.p_beyond


def test_five_samples_by_hand() -> None:
    """Scores of -2/3, 0, 1/3, 0 and -1/3 and a tolerance of 0.1 give z = (1/6) / sqrt(7/12)."""
    found = shares([("RRRRR", "WRRRR"), ("RRWRR", "WRRRW"), ("RRRRR", "RRRRR")])
    comparison = accuracy(found, gate_of(3, tolerance=0.1))

    scores = [-2 / 3 + 0.1, 0.1, 1 / 3 + 0.1, 0.1, -1 / 3 + 0.1]
    z = -sum(scores) / math.sqrt(max(sum(score**2 for score in scores), 5 * 0.1 * (1 / 3 - 0.1)))
    assert (14, 12) == (comparison.reference.numerator, comparison.current.numerator)  # type: ignore[union-attr]
    assert pytest.approx((1 / 6) / math.sqrt(7 / 12)) == z
    assert pytest.approx(normal_p(z)) == p_of(found, gate_of(3, tolerance=0.1))


def test_the_variance_has_a_floor() -> None:
    """If each sample changes in no condition, the margin alone gives the variance: m (1/K - m) n."""
    found = shares([("R" * 100, "R" * 100)] * 4)

    z = -100 * 0.005 / math.sqrt(100 * 0.005 * (1 / 4 - 0.005))
    assert pytest.approx(normal_p(z)) == p_of(found, gate_of(4))


def test_equal_conditions_give_the_test_of_one() -> None:
    """If all conditions have the same outcomes, z is that of a single condition, for accuracy and for the ranking."""
    rng = np.random.default_rng(3)
    before, now = drawn(rng, 400, 0.15), drawn(rng, 400, 0.25)
    for comparison in pooled(shares([(before, now)] * 4), gate_of(4)):
        change, trusted = _columns(before, now, comparison.metric)
        scores = (change + 0.005 * trusted) / trusted.sum()
        assert comparison.evidence is not None
        assert pytest.approx(normal_p(-scores.sum() / math.sqrt((scores**2).sum()))) == comparison.evidence.p_beyond


def _columns(before: str, now: str, metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each sample's change and whether it counts before, for one condition, from the way by the thresholds."""
    share = shares([(before, now)])[0]
    if metric == "accuracy":
        return share.right_now.astype(float) - share.right_before, np.ones(len(before))
    way = share.ways[0]
    good, q = share.right_before & share.trusted_before, way.right_at_threshold
    entered = way.trusted.astype(float) - share.trusted_before
    return way.right.astype(float) - good - q * entered, share.trusted_before.astype(float)


def drawn(rng: np.random.Generator, samples: int, wrong: float) -> str:
    """Return letters of samples, of which four in five are trusted."""
    return "".join(rng.choice(list("RrWw"), samples, p=[0.8 - wrong / 2, 0.2 - wrong / 2, wrong / 2, wrong / 2]))


def test_order_plays_no_part() -> None:
    """Another order of conditions or of samples changes nothing."""
    rng = np.random.default_rng(4)
    pairs = [(drawn(rng, 300, 0.2), drawn(rng, 300, 0.2 + 0.02 * more)) for more in range(4)]
    known = {one.metric: one for one in pooled(shares(pairs), gate_of(4))}
    backwards = {one.metric: one for one in pooled(shares(pairs[::-1]), gate_of(4))}

    order = rng.permutation(300)
    mixed = [tuple("".join(letters[row] for row in order) for letters in both) for both in pairs]
    assert pytest.approx(p_of(shares(pairs), gate_of(4))) == p_of(shares(mixed), gate_of(4))  # type: ignore[arg-type]
    for metric, comparison in known.items():
        other = backwards[metric]
        assert comparison.evidence is not None
        assert other.evidence is not None
        assert pytest.approx(comparison.evidence.p_beyond) == other.evidence.p_beyond
        assert (comparison.reference, comparison.current) == (other.reference, other.current)


@pytest.mark.parametrize("groups", [None, 40])
def test_it_agrees_with_a_plain_loop(groups: int | None) -> None:
    """A loop over units and conditions gives the same p, for accuracy and for the ranking."""
    rng = np.random.default_rng(5)
    pairs = [(drawn(rng, 200, 0.1), drawn(rng, 200, 0.3)) for _ in range(3)]
    numbers = None if groups is None else rng.integers(0, groups, 200).astype(np.uint32)
    for comparison in pooled(shares(pairs, numbers), gate_of(3)):
        by_unit: dict[int, float] = {}
        trusted_before = []
        for before, now in pairs:
            change, counted = _columns(before, now, comparison.metric)
            trusted_before.append(counted.sum())
            for sample in range(200):
                unit = sample if numbers is None else int(numbers[sample])
                part = (change[sample] + 0.005 * counted[sample]) / counted.sum() / 3
                by_unit[unit] = by_unit.get(unit, 0.0) + part
        counted_on = 3 / sum(1 / count for count in trusted_before)
        least = 0.005 * (1 / 3 - 0.005) / min(counted_on, len(by_unit))
        z = -sum(by_unit.values()) / math.sqrt(max(sum(part**2 for part in by_unit.values()), least))
        assert comparison.evidence is not None
        assert pytest.approx(normal_p(z)) == comparison.evidence.p_beyond


LOSS = ("R" * 900 + "W" * 100, "R" * 885 + "W" * 115)
"""A loss of 1.5 points."""


@pytest.mark.parametrize(("policy", "verdict"), [("beyond_tolerance", Verdict.PASSED), ("any_drop", Verdict.REGRESSED)])
def test_the_policy_decides(policy: str, verdict: Verdict) -> None:
    """A loss of 1.5 points of 1,000 in the same 15 samples is proven, and not proven to be beyond half a point."""
    assert verdict is accuracy(shares([LOSS] * 4), gate_of(4, policy=policy)).verdict


def test_a_common_loss_that_no_condition_shows() -> None:
    """Losses of other samples in each condition add up: 1.5 points in each of four conditions are red together."""
    lost = [("R" * 1000, "R" * start + "W" * 15 + "R" * (985 - start)) for start in (0, 15, 30, 45)]
    found, gate = shares(lost), gate_of(4)
    alone = shares(lost[:1])[0]

    assert Verdict.REGRESSED is accuracy(found, gate).verdict
    assert 15 == (~alone.right_now).sum()
    assert gate.levels.gate < normal_p((15 - 5) / math.sqrt(15))
    assert Verdict.PASSED is accuracy(found, gate_of(4, tolerance="0.015")).verdict


@pytest.mark.parametrize(
    ("more", "metrics"),
    [
        ({}, ("accuracy", "confident_accuracy_at_coverage")),
        ({"metrics": ["accuracy", "silent_failure_rate"]}, ("accuracy",)),
        ({"metrics": ["confident_accuracy"]}, ()),
        ({"policy": "non_inferiority"}, ()),
        ({"policy": "equivalence"}, ()),
    ],
)
def test_which_metrics_are_pooled(more: dict[str, object], metrics: tuple[str, ...]) -> None:
    """Accuracy and the ranking are pooled if they gate and the policy proves drops."""
    assert metrics == gate_of(3, **more).pooled
    assert () == gate_of(2, **more).pooled


def test_a_way_counts_only_if_all_conditions_have_it() -> None:
    """Without the temperatures of one condition the ranking is judged by scaled thresholds alone, and says so."""
    rng = np.random.default_rng(6)
    found = shares([(drawn(rng, 300, 0.1), drawn(rng, 300, 0.1)) for _ in range(3)])
    both = [dataclasses.replace(share, ways=(*share.ways, _temperature(share))) for share in found]
    one_less = [found[0], *both[1:]]

    assert ["", ""] == [comparison.note for comparison in pooled(both, gate_of(3))]
    assert "scaled thresholds alone" in list(pooled(one_less, gate_of(3)))[1].note


def _temperature(share: Share) -> Reached:
    return dataclasses.replace(share.ways[0], way=CoverageWay.TEMPERATURE)


def test_conditions_without_a_ranking() -> None:
    """A condition in which the baseline trusts nothing is left out of the ranking; with fewer than three it is none."""
    nothing, some = ("r" * 50, "r" * 50), ("R" * 50, "R" * 50)

    of_four = list(pooled(shares([some, some, some, nothing]), gate_of(4)))
    assert "the mean of 3 of 4 conditions" in of_four[1].note
    assert ["accuracy"] == [one.metric for one in pooled(shares([some, some, nothing, nothing]), gate_of(4))]


@pytest.mark.parametrize(("conditions", "seen"), [(4, 0.0138), (20, 0.0090), (95, 0.0069)])
def test_the_formula_of_plan_agrees_with_the_simulation(conditions: int, seen: float) -> None:
    """For 5,000 samples and 10 % flips the common loss of the formula is that of benchmarks/RESULTS.md."""
    keys = [f"k{number}" for number in range(conditions)]
    declared = tuple(Condition(name=key, key=key, kind=ConditionKind.OTHER) for key in keys)
    gate = dataclasses.replace(gate_of(3), conditions=declared)
    found = common_losses(gate, 5000)

    assert found is not None
    assert seen == pytest.approx(found[1], abs=0.001)
    assert common_losses(gate_of(2), 5000) is None


# ---- against a recipe ------------------------------------------------------------------------------------------------


def against_seeds(pairs: Sequence[tuple[Sequence[str], str]], groups: NDArray[np.uint32] | None = None) -> list[Share]:
    """Return what conditions add that are given as the letters of each seed, and those of the candidate."""
    found = []
    for key, (seeds, now) in zip(KEYS, pairs, strict=False):
        records = [measurement_of(letters).records for letters in seeds]
        new = measurement_of(now).records
        new = dataclasses.replace(new, samples=new.samples.in_groups(groups))
        recipe = recipe_of(records, new, RULE)
        found.append(share_of(sides_of(pair(records[0], new), RULE, RULE, recipe), key))
    return found


def seeds_of(rng: np.random.Generator, samples: int, wrong: float) -> tuple[list[str], str]:
    """Return four seeds and a candidate of the same recipe."""
    return [drawn(rng, samples, wrong) for _ in range(4)], drawn(rng, samples, wrong)


def test_equal_conditions_give_the_t_of_one() -> None:
    """If all conditions are equal, the mean has the values, the chance and the prior of one condition."""
    condition = seeds_of(np.random.default_rng(8), 300, 0.2)
    for comparison in pooled(against_seeds([condition] * 3), gate_of(3, tolerance=0)):
        records = [measurement_of(letters).records for letters in condition[0]]
        now = measurement_of(condition[1]).records
        sides = sides_of(pair(records[0], now), RULE, RULE, recipe_of(records, now, RULE))
        before, current, evidence = of_recipe.tested(gate_of(3).table[comparison.metric], sides, Decimal(0), 0.01)

        assert evidence is not None
        assert comparison.evidence is not None
        assert pytest.approx(evidence.p_beyond) == comparison.evidence.p_beyond
        assert pytest.approx(before.value) == comparison.reference.value
        assert pytest.approx(current.value) == comparison.current.value


def test_the_t_of_a_mean_agrees_with_plain_numpy() -> None:
    """The statistic of the mean accuracy is that of a loop over seeds and conditions, with groups."""
    rng = np.random.default_rng(9)
    pairs, groups = [seeds_of(rng, 120, 0.2) for _ in range(3)], rng.integers(0, 30, 120).astype(np.uint32)
    comparison = accuracy(against_seeds(pairs, groups), gate_of(3))
    right = np.array([[[letter in "Rr" for letter in seed] for seed in seeds] for seeds, _ in pairs], dtype=float)
    now = np.mean([letter in "Rr" for _, letters in pairs for letter in letters])
    values = right.mean(axis=(0, 2))
    sums = np.array([np.bincount(groups, weights=row) for row in right.mean(axis=0)]) / 120

    assert comparison.evidence is not None
    assert comparison.evidence.seeds is not None
    assert pytest.approx(values.mean()) == comparison.reference.value
    assert pytest.approx(now) == comparison.current.value
    assert pytest.approx((values.min(), values.max())) == (
        comparison.evidence.seeds.low,
        comparison.evidence.seeds.high,
    )
    samples = Samples(ids=np.arange(120, dtype=np.uint64), labels=np.zeros(120, dtype=np.uint16), groups=groups)
    spread = RecipeMean.of_accuracy(against_seeds(pairs, groups), Units.of(samples)).spread
    assert pytest.approx(sums.var(axis=0, ddof=1).sum()) == spread.chance
    assert pytest.approx(values) == list(spread.values)


def test_one_more_seed_passes_where_a_single_seed_would_not() -> None:
    """A candidate within the spread of its recipe passes; against the best seed alone it is red."""
    rng = np.random.default_rng(10)
    pairs = []
    for _ in range(4):
        seeds = [drawn(rng, 600, wrong) for wrong in (0.12, 0.14, 0.16, 0.18)]
        pairs.append((seeds, drawn(rng, 600, 0.17)))
    alone = shares([(seeds[0], now) for seeds, now in pairs])

    assert Verdict.PASSED is accuracy(against_seeds(pairs), gate_of(4)).verdict
    assert Verdict.REGRESSED is accuracy(alone, gate_of(4)).verdict
    worse = [(seeds, drawn(rng, 600, 0.38)) for seeds, _ in pairs]
    assert Verdict.REGRESSED is accuracy(against_seeds(worse), gate_of(4)).verdict

"""The judgement of a candidate against the seeds of its recipe."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from five import RULE, in_groups, measurement_of, with_columns
from scipy import stats
from seeds import (
    SAMPLES,
    against_seeds,
    baseline_with,
    drawn_letters,
    evidence_of,
    honest,
    nearest_in,
    only,
    recipe_of,
    spread_of,
)

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.estimates import Score
from pytest_failaware.core.result import CLASS_GUARD, Comparison, CoverageWay, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.recipe.spreads import recipe_of as outcomes_of_seeds
from pytest_failaware.judge.significance.moderated import shared_prior
from pytest_failaware.judge.verdict import judge

RANKING = "confident_accuracy_at_coverage"


def test_an_honest_seed_passes_and_a_faulty_one_regresses() -> None:
    """One more seed of the recipe passes; one that loses 8 % of its right answers is regressed."""
    seeds = honest(5)
    good, bad = against_seeds(drawn_letters(50), *seeds), against_seeds(drawn_letters(50, lost=0.08), *seeds)

    assert (Verdict.PASSED, Verdict.REGRESSED) == (good.verdict, bad.verdict)
    assert Verdict.REGRESSED is only(bad, "accuracy").verdict
    assert any(note.startswith("judged against the 5 seeds of its recipe") for note in good.notes)


def test_accuracy_by_another_implementation() -> None:
    """The mean, the spread, chance and p of accuracy are those of the formulas, written with numpy and scipy.stats."""
    letters, now = honest(5), drawn_letters(50, lost=0.05)
    right = np.array([[letter in "Rr" for letter in seed] for seed in letters], dtype=float)
    values, value = right.mean(axis=1), np.mean([letter in "Rr" for letter in now])
    chance = right.var(axis=0, ddof=1).sum() / SAMPLES**2
    seeds = [measurement_of(seed).records for seed in letters]
    recipe = outcomes_of_seeds(seeds, measurement_of(now).records, RULE)
    prior = shared_prior([spread for name, spread in recipe.spreads.items() if name != "accuracy"], 4)
    shared = (prior.degrees * prior.ratio * chance + 4 * values.var(ddof=1)) / (prior.degrees + 4)
    moderated = max(chance, shared)
    t = (values.mean() - value - 0.005) / np.sqrt(moderated * 1.2 + 0.005 * 0.995 / SAMPLES)
    result = against_seeds(now, *letters)
    evidence, spread = evidence_of(result, "accuracy"), spread_of(result, "accuracy")

    assert stats.t.sf(t, 4 + prior.degrees) == pytest.approx(evidence.p_beyond)
    assert values.mean() == pytest.approx(only(result, "accuracy").reference.value)
    assert (5, values.min(), values.max()) == (spread.count, spread.low, spread.high)
    assert moderated / chance == pytest.approx(spread.over_chance)


def test_chance_of_confident_accuracy_by_hand() -> None:
    """Three seeds of five samples: C (y - R) / mean(sum C), with R the mean of the ratios, summed over the samples."""
    letters = ["RRWrw", "RWRrw", "RRrWw"]
    counted = np.array([[letter in "RW" for letter in seed] for seed in letters], dtype=float)
    good = np.array([[letter == "R" for letter in seed] for seed in letters], dtype=float)
    ratios = good.sum(axis=1) / counted.sum(axis=1)
    scores = (good - ratios.mean() * counted) / counted.sum(axis=1).mean()
    records = [measurement_of(seed).records for seed in letters]
    spread = outcomes_of_seeds(records, records[0], RULE).spreads["confident_accuracy"]

    assert scores.var(axis=0, ddof=1).sum() == pytest.approx(spread.chance)
    assert tuple(ratios) == pytest.approx(spread.values)
    assert counted.sum(axis=1).mean() == spread.counted


def test_other_metrics_share_their_ratio() -> None:
    """The prior of a metric comes from the other default metrics, so one metric that gates alone has it, too."""
    seeds, now = honest(3), drawn_letters(50, lost=0.03)
    alone, together = against_seeds(now, *seeds, metrics=["accuracy"]), against_seeds(now, *seeds)

    assert evidence_of(alone, "accuracy").p_beyond == evidence_of(together, "accuracy").p_beyond


def test_every_rate_has_half_a_point() -> None:
    """Against a recipe confident_correct_rate has 0.005, too; a typed tolerance holds, even the usual 0.05."""
    now, seeds, name = drawn_letters(50), honest(5), "confident_correct_rate"
    usual, typed = against_seeds(now, *seeds), against_seeds(now, *seeds, tolerance={name: 0.05})
    plain = against_seeds(now, *seeds, tolerance=0.02)

    assert [Decimal("0.005")] * 4 == [judged.allowed for judged in usual.comparisons if isinstance(judged, Comparison)]
    assert Decimal("0.05") == only(typed, name).allowed == only(against_seeds(now, *seeds[:2]), name).allowed
    assert (Decimal("0.02"), Decimal("0.005")) == (only(plain, "accuracy").allowed, only(plain, name).allowed)


def test_two_seeds_are_judged_as_the_first() -> None:
    """With fewer than three seeds the further ones change nothing."""
    seeds, now = honest(2), drawn_letters(50, lost=0.03)
    alone, two = against_seeds(now, seeds[0]), against_seeds(now, *seeds)

    assert alone.comparisons == two.comparisons
    assert () == alone.notes == two.notes


@pytest.mark.parametrize("policy", ["any_drop", "non_inferiority", "equivalence"])
def test_other_policies_compare_with_the_nearest_seed(policy: str) -> None:
    """A policy that compares two models compares with the nearest seed alone, and the result says which one."""
    seeds, now = honest(5), drawn_letters(50, lost=0.03)
    number = nearest_in(recipe_of([measurement_of(letters) for letters in seeds]))
    judged, sentence = against_seeds(now, *seeds, policy=policy), f"{policy} compares two models: judged against seed"

    assert against_seeds(now, seeds[number], policy=policy).comparisons == judged.comparisons
    assert (f"{sentence} {number + 1} of 5, the nearest to their mean",) == judged.notes


def test_the_nearest_seed_by_hand() -> None:
    """The counts are 1 2 1 1, 2 1 1 1 and 3 0 1 1, on average 2 1 1 1: the second seed is the nearest."""
    seeds = [measurement_of(letters) for letters in ("RWWrw", "RRWrw", "RRRrw")]
    reference = recipe_of(seeds)

    assert 1 == nearest_in(reference)
    assert reference.nearest is seeds[1].records


def test_equally_near_seeds_are_ordered_by_their_hash() -> None:
    """Of equal seeds the one with the smallest hash is the nearest, in whatever order they are stored."""
    baseline = baseline_with(recipe_of([measurement_of()] * 3))
    entry = baseline.entries["clean"]
    first, last = replace(entry.seeds[0], records_sha256="sha256:0"), replace(entry.seeds[1], records_sha256="sha256:")

    assert 2 == replace(baseline, entries={"clean": replace(entry, seeds=(first, last))}).nearest_seed


def test_clean_chooses_the_nearest_seed_of_every_condition() -> None:
    """The seed that clean chooses is the nearest under every condition, whatever their counts."""
    clean = recipe_of([measurement_of(letters) for letters in ("RRRrw", "RRWrw", "RWWrw")])
    blur = recipe_of([measurement_of(letters, "blur") for letters in ("RRWrw", "RRRrw", "RWWrw")])
    baseline = baseline_with(blur, clean)

    assert (0, 1) == (nearest_in(blur), baseline.nearest_seed)
    assert replace(blur, baseline=baseline).nearest is blur.seeds[0]


def test_a_stored_seed_is_unchanged() -> None:
    """A candidate that equals a seed sample by sample passes as unchanged, even the worst seed."""
    seeds = [*honest(4), drawn_letters(9, lost=0.3)]
    same = against_seeds(seeds[4], *seeds)

    assert Verdict.UNCHANGED is same.verdict
    assert ("identical to seed 5 of the 5 of its recipe",) == same.notes
    assert same.change is not None
    assert 0 == same.change.changed_predictions


def test_a_stored_seed_under_another_rule_is_judged() -> None:
    """Equal records under a changed rule are not unchanged."""
    seeds = honest(3)

    assert against_seeds(seeds[1], *seeds, rule=FailureRule(confidence=0.9, entropy=1.0)).verdict.fails


def test_single_samples_are_compared_with_the_nearest_seed() -> None:
    """Flips count from the nearest seed, here the second one; the likely causes name the first model."""
    reference = recipe_of([measurement_of(letters) for letters in ("RRRRw", "RRWrw", "RRWrw", "RWWrw")])
    result = judge(measurement_of("WWWWW", model="sha256:new"), reference, build_gate({}))

    assert 1 == nearest_in(reference)
    assert result.change is not None
    assert 3 == result.change.negative_flips
    assert "model sha256:m -> sha256:n" in result.causes


def test_the_coverage_is_the_rounded_mean() -> None:
    """Seeds that trust 3, 4, 4 and 3 samples have the coverage 4, and each side is ranked by its own trust."""
    judged = only(against_seeds("RRRRR", "RRWrw", "RRWWr", "RWRRw", "RWRrw"), RANKING)

    assert "4/4" == f"{judged.current.numerator}/{judged.current.denominator}"  # type: ignore[union-attr]  # an estimate
    assert isinstance(judged.reference, Score)
    assert (3 / 4 + 2 / 4 + 3 / 4 + 3 / 4) / 4 == pytest.approx(judged.reference.value, abs=0.13)


def test_the_ranking_is_judged_in_all_ways_that_all_sides_have() -> None:
    """With temperatures of trust on all sides there are two ways, else one; p is the larger one."""
    seeds, now = [measurement_of(letters) for letters in honest(3)], measurement_of(drawn_letters(50))
    column = {RULE.trust_column: np.linspace(0.5, 2, SAMPLES, dtype=np.float32)}
    *knowing, last = [replace(side, records=with_columns(side.records, **column)) for side in (*seeds, now)]
    both, lacking = (evidence_of(judge(side, recipe_of(knowing), build_gate({})), RANKING) for side in (last, now))

    assert [CoverageWay.THRESHOLDS, CoverageWay.TEMPERATURE] == [way.way for way in both.ways]
    assert max(way.p_beyond for way in both.ways) == both.p_beyond
    assert [CoverageWay.THRESHOLDS] == [way.way for way in lacking.ways]


def test_a_seed_that_trusts_nothing_is_left_out_of_the_ratio() -> None:
    """Three other seeds have a confident accuracy and judge; with two others the nearest seed does."""
    silent, seeds = drawn_letters(7).lower(), honest(3)
    with_two = only(against_seeds(drawn_letters(50), silent, *seeds[:2]), "confident_accuracy")

    assert 3 == spread_of(against_seeds(drawn_letters(50), silent, *seeds), "confident_accuracy").count
    assert with_two.evidence is None or with_two.evidence.seeds is None
    assert "judged against the nearest seed: fewer than 3 seeds have a value" in with_two.note


def test_a_recipe_that_trusts_hardly_anything_is_judged_by_silent_failures() -> None:
    """If the seeds trust fewer than one in a hundred on average, silent_failure_rate judges instead."""
    silent = [drawn_letters(seed).lower() for seed in range(3)]
    names = [judged.metric for judged in against_seeds(drawn_letters(50).lower(), *silent).comparisons]

    assert ["accuracy", "silent_failure_rate", "confident_correct_rate"] == names


FOUR = ["clean", "gaussian_noise", "blur", "low_light"]


def test_seeds_that_trust_hardly_anything_hide_no_loss() -> None:
    """Without trusted answers, the other rates over all samples say how much more seeds differ than chance."""
    silent = [drawn_letters(seed).lower() for seed in range(3)]
    result = against_seeds(drawn_letters(50, lost=0.3).lower(), *silent, conditions=FOUR)

    assert Verdict.REGRESSED is result.verdict


def test_equal_seeds_hide_no_loss() -> None:
    """Three seeds that are right everywhere do not turn a loss of six points into chance."""
    result = against_seeds("W" * 18 + "R" * 282, *["R" * 300] * 3, conditions=FOUR)

    assert Verdict.REGRESSED is result.verdict


def test_a_coverage_that_rounds_to_nothing_is_no_promise() -> None:
    """One trusted sample in one of three seeds is a coverage of 0: nothing is ranked, and nothing breaks."""
    seeds = [measurement_of(letters).records for letters in ("R" + "r" * 9, "r" * 10, "r" * 10)]
    recipe = outcomes_of_seeds(seeds, measurement_of("r" * 10).records, RULE)

    assert (0, False) == (recipe.coverage, recipe.makes_promise)


def weakened(letters: str, ninths: int) -> str:
    """Return letters that are wrong in so many ninths of the samples of the first class."""
    return "".join("W" if index % 27 < 3 * ninths and not index % 3 else letter for index, letter in enumerate(letters))


def test_a_class_is_lost_only_if_no_seed_explains_it() -> None:
    """A class that is weak in some seeds is no loss in a candidate; a class that is steady in all seeds is one."""
    gate = build_gate({"metrics": ["accuracy"], "tolerance": 0.9})
    weak = [measurement_of(weakened(seed, lost)) for seed, lost in zip(honest(5), (0, 4, 1, 6, 4), strict=True)]
    steady = [measurement_of(seed) for seed in honest(5)]
    now = measurement_of(weakened(drawn_letters(50), 6))
    guards = [
        CLASS_GUARD in [judged.metric for judged in judge(now, recipe_of(seeds), gate).comparisons]
        for seeds in (weak[:1], weak, steady)
    ]

    assert [True, False, True] == guards


def test_a_lost_class_of_many_is_red_against_three_seeds() -> None:
    """The loss of one of three classes is red against every seed, however few these are."""
    gate = build_gate({"metrics": ["accuracy"], "tolerance": 0.9, "conditions": FOUR})
    now = measurement_of(weakened(drawn_letters(50, samples=90), 9))
    result = judge(now, recipe_of([measurement_of(drawn_letters(seed, samples=90)) for seed in range(3)]), gate)

    assert [CLASS_GUARD] == [judged.metric for judged in result.comparisons if judged.verdict.fails]


def test_drift_is_judged_by_the_golden_recipe() -> None:
    """A recipe that got slowly worse is still near itself, and has drifted from the golden seeds."""
    golden = [measurement_of(letters) for letters in honest(5)]
    worse = [measurement_of(drawn_letters(seed, lost=0.08)) for seed in range(10, 15)]
    now, gate = measurement_of(drawn_letters(50, lost=0.08)), build_gate({"class_guard": "off"})
    by_seeds = []
    for seeds in (golden, golden[:1]):
        result = judge(now, recipe_of(worse, golden=seeds), gate)
        assert Verdict.DRIFTED is result.verdict
        drifted = [judged for judged in result.comparisons if judged.verdict is Verdict.DRIFTED]
        by_seeds.append({judged.evidence is not None and judged.evidence.seeds is not None for judged in drifted})

    assert [{True}, {False}] == by_seeds


def test_a_score_is_judged_by_its_spread() -> None:
    """A score metric has a value for each seed, and chance is that of its jackknife."""
    good, bad = (
        against_seeds(drawn_letters(50, lost=lost), *honest(4), metrics=["brier"], tolerance={"brier": 0.02})
        for lost in (0.0, 0.5)
    )
    spread = spread_of(good, "brier")

    assert (Verdict.PASSED, Verdict.REGRESSED) == (good.verdict, bad.verdict)
    assert spread.low <= float(only(good, "brier").reference.value or 0) <= spread.high


def test_a_metric_that_is_worse_in_both_directions() -> None:
    """A rate without a better direction is red if it rises as well as if it falls."""
    seeds = honest(5)
    flagged = "".join("r" if letter == "R" and index % 3 else letter for index, letter in enumerate(seeds[0]))
    trusted = seeds[0].replace("r", "R").replace("w", "W")
    results = [against_seeds(now, *seeds, metrics=["failure_rate"]) for now in (flagged, trusted)]

    assert [Verdict.REGRESSED] * 2 == [only(result, "failure_rate").verdict for result in results]


def test_groups_widen_chance() -> None:
    """Samples in groups of 20 that are equal count as one, so chance is 20 times larger, and the margin costs more."""
    letters = ["".join(letter * 20 for letter in drawn_letters(seed, samples=100)) for seed in range(3)]
    grouped = [in_groups(measurement_of(seed), np.repeat(np.arange(100, dtype=np.uint32), 20)) for seed in letters]
    free = [measurement_of(seed) for seed in letters]
    of_groups, alone = (
        outcomes_of_seeds([seed.records for seed in seeds], seeds[0].records, RULE).spreads["accuracy"]
        for seeds in (grouped, free)
    )

    assert 20 * alone.chance == pytest.approx(of_groups.chance)
    assert (2000, 100) == (alone.counted, of_groups.counted)


def test_the_order_of_the_seeds_plays_no_part() -> None:
    """Any order of the seeds gives the same p."""
    seeds, now = honest(4), drawn_letters(50, lost=0.02)
    orders = (seeds, seeds[::-1], [seeds[2], seeds[0], seeds[3], seeds[1]])
    p = [evidence_of(against_seeds(now, *order), "accuracy").p_beyond for order in orders]

    assert [p[0]] * 3 == pytest.approx(p, rel=1e-9)

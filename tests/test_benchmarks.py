"""The simulations in benchmarks/ with fewer draws, so that each run of the tests checks the claims of RESULTS.md."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import columns
import drift
import false_alarms
import family
import jackknifed
import numpy as np
import pooled
import power
import preprocessing
import pytest
import remedies
import retrain
import risk_control
import seed_sets
import states
import transitions
import truths
import type_one
from five import measurement_of
from population import Population
from seeds import baseline_with, drawn_letters, recipe_of

from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.gate import Policy
from pytest_failaware.core.remedy import RemedyKind
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.coverage import reached
from pytest_failaware.judge.evidence import paired
from pytest_failaware.judge.metrics.rates import AT_COVERAGE, METRICS
from pytest_failaware.judge.metrics.scores import SCORE_METRICS
from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.judge.sides import under_one_rule
from pytest_failaware.judge.significance.jackknife import deal
from pytest_failaware.judge.significance.means import mean_z, paired_mean
from pytest_failaware.judge.significance.paired import normal_p
from pytest_failaware.judge.significance.ratios import PairedRatio, ratio_z
from pytest_failaware.judge.significance.units import Units
from pytest_failaware.judge.verdict import TERMS

# ---- every single test ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", list(type_one.cases()), ids=lambda case: case.label)
def test_no_test_rejects_more_often_than_its_level(case: type_one.Case) -> None:
    """With 500 samples no test rejects more often than 1.3 times its level plus three standard errors."""
    found = type_one.over_nominal(case, 500, case.worth(20_000, 500))

    assert [share for share, error in found if share > 1.3 + 3 * error] == []


def test_metrics_that_jump_are_judged_by_the_package() -> None:
    """The limits of the jackknife are simulated with the package itself."""
    p = jackknifed.by_package("ece", 200, np.random.default_rng(2), 3)

    assert 3 == len(p)
    assert (p > 0.001).all()


def test_copies_that_count_as_independent_prove_too_much() -> None:
    """If each image counted twice, a test at 0.05 would be red twice as often; so the simulation can fail."""
    share, error = type_one.over_nominal(next(type_one.limits()), 500, 4000)[0]

    assert share > 2 + 3 * error


def test_the_simulated_ratio_is_the_one_that_gates() -> None:
    """The statistic computed from counts of transitions equals the one computed from the columns."""
    random = np.random.default_rng(3)
    counts = random.multinomial(200, transitions.transitions(0.9, 0.895, 0.84, 0.78).ravel(), size=20)
    for margin in (0.0, 0.005):
        for row, z in zip(counts, transitions.ratio_z(counts, margin), strict=True):
            before, now = (np.repeat(states, row) for states in (np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)))
            old, new = ((transitions.RIGHT[side], transitions.TRUSTED[side]) for side in (before, now))
            units = Units(of_sample=np.arange(200), first=np.arange(200), are_groups=False)
            assert ratio_z(PairedRatio(before=old, now=new, units=units), margin) == pytest.approx(z, abs=1e-12)


LAYOUTS = [None, truths.GROUPS[0], *truths.COPIES]


def side(trust: np.ndarray, right: np.ndarray, groups: np.ndarray | None = None) -> Outcomes:
    """Outcomes under a rule that trusts what is above the cut, of samples whose order is that of their ids."""
    blank = states.outcomes((~right).astype(np.int64), groups)
    return replace(blank, right=right, trust=trust, trusted=trust > truths.CUT)


def ranked(outcomes: Outcomes) -> Outcomes:
    """The same outcomes with the trust as confidence, which score metrics rank by."""
    return replace(outcomes, records=replace(outcomes.records, confidence=outcomes.trust))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("margin", [0.0, 0.005])
def test_the_columns_compute_what_gates(layout: truths.Layout | None, margin: float) -> None:
    """For many draws at once a ratio and the ranking in two ways have the p of the package."""
    pair = truths.drawn(np.random.default_rng(5), 6, 200, layout=layout)
    groups = None if layout is None else layout.group_of(200).astype(np.uint32)
    ratio = columns.ratio_z(*pair.masks("confident_accuracy"), margin, pair.starts)
    ways = [pair.new_trust, np.round(pair.new_trust, 1)]
    ranked = columns.coverage_z(pair.masks("confident_accuracy")[0], pair.new_right, ways, margin, pair.starts)
    for draw in range(6):
        before = side(pair.trust[draw], pair.right[draw], groups)
        now = side(pair.new_trust[draw], pair.new_right[draw], groups)
        now = replace(now, trusted_up_to=ways[1][draw].astype(np.float32))
        sides, tolerance = under_one_rule(before, now), Decimal(str(margin))
        plain = paired(METRICS["confident_accuracy"], sides, tolerance, 0.01)[2]
        both = paired(AT_COVERAGE, sides, tolerance, 0.01)[2]
        assert plain is not None
        assert both is not None
        assert normal_p(ratio[draw]) == pytest.approx(plain.p_beyond, rel=1e-9)
        expected = [normal_p(z) for z in ranked[:, draw]]
        assert expected == pytest.approx([way.p_beyond for way in both.ways], rel=1e-9)
        assert both.p_beyond == max(way.p_beyond for way in both.ways)


@pytest.mark.parametrize("name", jackknifed.AREAS)
@pytest.mark.parametrize("layout", LAYOUTS[:2], ids=str)
def test_the_columns_compute_the_jackknife(name: str, layout: truths.Layout | None) -> None:
    """For many draws at once an area has the p of the package, with the harm of the surest answer."""
    pair = truths.drawn(np.random.default_rng(6), 3, 250)
    groups = None if layout is None else layout.group_of(250).astype(np.uint32)
    part = deal(Samples(ids=np.arange(250, dtype=np.uint64), labels=np.zeros(250, dtype=np.uint16), groups=groups))
    drops, harm = jackknifed.drops_of(name, pair, part), columns.harm(pair.new_trust, pair.new_right)[name]
    beyond, within = columns.jackknife_p(drops, 0.004, harm)
    for draw in range(3):
        before = ranked(side(pair.trust[draw], pair.right[draw], groups))
        now = ranked(side(pair.new_trust[draw], pair.new_right[draw], groups))
        evidence = paired(SCORE_METRICS[name], under_one_rule(before, now), Decimal("0.004"), 0.01)[2]
        assert evidence is not None
        assert (beyond[draw], within[draw]) == pytest.approx((evidence.p_beyond, evidence.p_within), rel=1e-6)


# ---- a whole marked test -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [Policy.BEYOND_TOLERANCE, Policy.ANY_DROP])
@pytest.mark.parametrize("n", [500, 2000])
def test_equal_models_hardly_ever_fail(policy: Policy, n: int) -> None:
    """At most 1 % of marked tests (plus 3 standard errors) fail for equal models, with 5 to 15 % of answers flipped."""
    found, _ = false_alarms.share(60, 1, false_alarms.any_alarm(false_alarms.GATES[policy], n))

    assert found <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / 60)


def test_a_drop_of_the_tolerance_hardly_ever_passes_for_none() -> None:
    """non_inferiority and equivalence pass a loss at the limit in at most 5 % of draws (plus 3 standard errors)."""
    gate = false_alarms.GATES[Policy.NON_INFERIORITY]
    for draw in (false_alarms.wrong_pass(gate, 2000), false_alarms.changed_too_many(2000)):
        assert false_alarms.share(300, 1, draw)[0] <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("policy", list(family.POLICIES))
def test_the_family_of_a_marked_test_is_hardly_ever_red(policy: Policy, is_shared: bool) -> None:
    """With guard and golden reference at most 1 % of runs of equal models (plus 3 standard errors) are red."""
    population, runs = Population(1000), 15
    found = family.shares(population, 300, runs, family.POLICIES[policy], is_shared=is_shared)

    assert found["any"] <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / runs)


def test_a_lost_class_makes_a_run_red() -> None:
    """The simulated run can be red: by a gate and by the guard, if the candidate answers one class wrongly."""
    population, random = Population(1000), np.random.default_rng(1)
    gate = family.POLICIES[Policy.BEYOND_TOLERANCE]
    golden, stored, now = population.models(0, *population.rows(random, 1000))
    wrong = np.where(now.label == 3, 4, now.prediction).astype(np.uint16)
    runs = [[golden, stored, now], [golden, stored, replace(now, prediction=wrong)]]
    equal, broken = (family.reds([family.judged(gate.conditions[0], models, gate)]) for models in runs)

    assert set() == equal
    assert {"any", "a gate", "class guard", "drift"} == broken


def test_the_tables_of_power() -> None:
    """Each drop and number of samples has a row, and the ranking loses power if both ways must prove it."""
    population = Population(1000)
    rows = power.drop_lines(population, 3)
    true, red = power.ranking_power(*power.jittered(population, 1.0), 1000, 20, 0.01)

    assert len(power.DROPS) * len(power.SIZES) == len(rows) - 1
    assert true > 0.01
    assert red["both ways"] <= min(red["thresholds"], red["temperature"])
    assert (6.25e-4, pytest.approx(4e-4)) == power.levels(4)


def test_real_drops_are_found() -> None:
    """A drop of three points on 10,000 images is found in more than 90 % of the draws."""
    gate = false_alarms.GATES[Policy.BEYOND_TOLERANCE]
    assert false_alarms.share(30, 1, false_alarms.found_drop(gate, 10_000, 0.03))[0] > 0.9


# ---- many updates, and real retrains -------------------------------------------------------------------------------


@pytest.mark.parametrize(("truth", "least", "most"), [("no drift", 0, 1), ("-0.3 pt in one condition", 9, 10)])
def test_the_default_budget_stops_drift_and_nothing_else(truth: str, least: int, most: int) -> None:
    """The default budget stops a small steady loss and does not stop updates without a loss."""
    random = np.random.default_rng(2)
    updates = [drift.stopped_at(random, 2000, drift.TRUTHS[truth], [TERMS.drift_budget])[0] for _ in range(10)]

    assert least <= sum(update <= drift.UPDATES for update in updates) <= most


@pytest.mark.filterwarnings("ignore::pytest_failaware.FailAwareWarning")  # true of networks after one epoch
def test_the_retrain_experiment_runs(tmp_path: Path) -> None:
    """The retrain experiment prints a row for each way to judge, and an unchanged model never fails."""
    folder = tmp_path / "networks"
    folder.mkdir()
    honest = [retrain.trained(retrain.Recipe(epochs=1), seed, folder) for seed in (0, 1)]
    wrong = [retrain.trained(retrain.Recipe(epochs=1, wrong_labels=0.05), 0)]
    text = "\n".join(retrain.lines({"honest": honest, "5 % of the labels wrong": wrong}))

    assert all(name in text for name in retrain.WAYS)
    assert not any(way.red(*honest[:1] * 2) for way in retrain.WAYS.values())
    assert all(way.red(*honest) for way in retrain.WAYS.values())


def test_retrains_against_sets_of_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against three seeds an honest network passes and a bad one is red; the power of the bad one is predicted."""
    monkeypatch.setattr(seed_sets, "HONEST", 2)
    monkeypatch.setattr(seed_sets, "FAULTY", 2)
    monkeypatch.setattr(seed_sets, "PREDICTED", 3)
    networks = {
        "honest": [network(drawn_letters(seed, samples=1000)) for seed in range(5)],
        "bad": [network(drawn_letters(9, samples=1000, lost=0.2))],
    }
    lines = list(seed_sets.lines(networks, retrain.default_gate()))

    assert ["honest", "3", "2", *["0.0%"] * 8] == lines[2].split()
    assert ["bad", "3", "2", "100.0%"] == lines[3].split()[:4]
    assert any(line.startswith("bad") and "largest difference of all gates" in line for line in lines)


def network(letters: str) -> seed_sets.Network:
    """Return what is measured of a network that gives the same answers under every condition."""
    measured = {key: measurement_of(letters, key) for key in DEFAULT_CONDITIONS}
    baseline = baseline_with(*(recipe_of([measurement]) for measurement in measured.values()))
    return {key: (measurement, baseline) for key, measurement in measured.items()}


def test_the_trainings_of_the_retrain_experiment(tmp_path: Path) -> None:
    """Weights stay in the folder and are not trained again; a share of the labels is wrong for each seed."""
    first, again = (retrain.model_of(retrain.Recipe(epochs=1), 0, tmp_path).state_dict() for _ in range(2))
    labels = retrain.train.tensors(retrain.digits.train_set())[1]

    assert 1 == len(list(tmp_path.iterdir()))
    assert all(first[name].equal(again[name]) for name in first)
    assert 45 == (retrain.mislabelled(labels, 0.05, 1) != labels).sum()


def test_the_gates_of_the_retrain_experiment() -> None:
    """The former gates have their former level, and the default gates, named one by one, theirs."""
    former, default = retrain.GATES

    assert pytest.approx(0.01 / 16) == former.levels.gate
    assert pytest.approx(4e-4) == default.levels.gate


# ---- remedies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("promise", remedies.PROMISES)
def test_on_the_bound_no_rule_is_enough(promise: str) -> None:
    """Counted rule by rule, the best scaled rule that keeps one promise loses just the tolerance of the other."""
    whole = remedies.population("5 % turned wrong", remedies.ALONE, remedies.Change(broken=0.05), seed=1)
    bound = whole.on_the_bound(RemedyKind.RULE, promise)
    case, (other,) = bound.cases[0], {*remedies.PROMISES} - {promise}
    right, now, losses = case.before.right, case.now.correct, []
    for rule in bound.families[RemedyKind.RULE].rules:
        trusted = ~rule.flags_of(case.now)
        before, after = (right & case.before.trusted).sum(), (now & trusted).sum()
        fallen = before / case.before.trusted.sum() - after / trusted.sum(), (before - after) / len(now)
        losses.append(dict(zip(remedies.PROMISES, fallen, strict=True)))

    kept = [loss[promise] for loss in losses if loss[other] <= case.tolerance[other]]
    assert case.tolerance[promise] == pytest.approx(min(kept))
    assert 0 < case.tolerance[promise]


def test_a_remedy_that_is_not_enough_is_hardly_ever_proven() -> None:
    """On the bound at most 2.5 % of 100 draws prove a remedy (plus 3 standard errors); of a scaled model most do."""
    whole = remedies.population("1 % turned wrong", remedies.FOUR, remedies.Change(broken=0.01), seed=1)
    on_bound = {kind: whole.on_the_bound(kind, "confident_accuracy") for kind in remedies.KINDS}
    scaled = remedies.population("logits x 1.5", remedies.ALONE, remedies.Change(scale=1.5), seed=2)

    assert remedies.proven(on_bound, 1000, 100, seed=3).mean(axis=0).max() <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / 100)
    assert remedies.proven(dict.fromkeys(remedies.KINDS, scaled), 1000, 20, seed=4).mean(axis=0).min() > 0.5


# ---- wrong preprocessing -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits_seen() -> tuple[preprocessing.Trained, list[preprocessing.Cell]]:
    """Return the example's checkpoint and its result with every preprocessing."""
    one = next(preprocessing.of_digits()).few
    return one, list(preprocessing.cells(one))


Seen = tuple[preprocessing.Trained, list[preprocessing.Cell]]


def test_wrong_preprocessing_of_the_digits_is_reported(digits_seen: Seen) -> None:
    """Each wrong preprocessing that halves the accuracy is reported, and no right one is."""
    cells = digits_seen[1]
    mistakes = [cell for cell in cells if cell.kind.is_mistake and cell.is_halved]
    honest = [cell for cell in cells if not cell.kind.is_mistake and not cell.is_halved]

    assert 3 <= len(mistakes)
    assert [] == [cell.label for cell in mistakes if not cell.is_reported]
    assert [] == [cell.label for cell in honest if cell.is_reported]


def test_the_table_of_wrong_preprocessing(digits_seen: Seen) -> None:
    """The table in RESULTS.md has the networks of the script and the numbers of the example's checkpoint."""
    text = (Path(preprocessing.__file__).parent / "RESULTS.md").read_text(encoding="utf-8")
    lines = text.partition(preprocessing.HEAD)[2].partition("\n\n")[0].strip().splitlines()
    rows = {name.strip(): columns for _, name, _, *columns in (line.split("|") for line in lines)}
    known = {f"tuned: {recipe.name}" for recipe in preprocessing.TUNED}
    known |= {recipe.name for recipe in preprocessing.HELD_OUT}
    checkpoints = ("digits", "digits_worse", "resnet18_cifar10", "resnet18_cifar10_earlier")
    known |= {f"tuned: {name}.pth" for name in checkpoints}
    known |= {"all tuned", "all held out"}
    row = preprocessing.row_of(*digits_seen)

    assert row.split("|")[3:] == rows[row.split("|")[1].strip()]
    assert known == set(rows)


# ---- chosen thresholds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("population", list(risk_control.POPULATIONS))
def test_the_true_risk_of_chosen_thresholds_is_kept(population: str) -> None:
    """Chosen thresholds exceed the target in at most 5 % of splits; thresholds by the observed risk do so often."""
    of = risk_control.population(*risk_control.POPULATIONS[population])

    assert risk_control.outcome(of, risk_control.WAYS["both"], 500, 200)[0] <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)
    assert risk_control.outcome(of, risk_control.WAYS["observed risk"], 500, 50)[0] > 0.3


def test_images_of_a_group_do_not_count_as_many() -> None:
    """A threshold chosen on all images of equal groups breaks the promised risk; one image of each group keeps it.

    With one image of each of 100 groups, at most 5 % of 200 splits (plus 3 standard errors) break the risk.
    """
    of = risk_control.population(*risk_control.POPULATIONS["88 % right, a good ranking"]).together(risk_control.SIZE, 1)
    all_images, one_of_each = risk_control.GROUPED_WAYS.values()

    assert risk_control.outcome(of, all_images, 2000, 200)[0] > 0.1
    kept, coverage = risk_control.outcome(of, one_of_each, 2000, 200)
    assert kept <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)
    assert coverage > 0.5


def test_a_fixed_sequence_trusts_more_than_a_binary_search() -> None:
    """A fixed sequence trusts at least two points more images than a binary search, on average over 100 splits."""
    of = risk_control.population(*risk_control.POPULATIONS["88 % right, a good ranking"])
    ours, theirs = (risk_control.outcome(of, risk_control.WAYS[way], 500, 100)[1] for way in ("both", "binary search"))

    assert ours > theirs + 0.02


# ---- the pooled verdict ----------------------------------------------------------------------------------------------


def test_the_columns_compute_the_pooled_verdict() -> None:
    """For many draws at once the mean accuracy and the mean ranking have the z of the package, with groups too."""
    layout = truths.GROUPS[0]
    units = Units.of(Samples(ids=np.arange(60), labels=np.zeros(60), groups=layout.group_of(60).astype(np.uint32)))
    pairs = [truths.drawn(np.random.default_rng(seed), 3, 60, layout=layout) for seed in range(4)]
    before = [pair.masks("confident_accuracy")[0] for pair in pairs]
    parts = [
        columns.coverage_parts(old, pair.new_right, pair.new_trust, 0.005)
        for old, pair in zip(before, pairs, strict=True)
    ]
    harmonic = 4 / sum(1 / old[1].sum(axis=1) for old in before)
    found = columns.mean_z(np.mean(parts, axis=0), 0.005, 4, harmonic, pairs[0].starts)
    for draw in range(3):
        rates, at_threshold = [], []
        for pair in pairs:
            sides = under_one_rule(
                side(pair.trust[draw], pair.right[draw]), side(pair.new_trust[draw], pair.new_right[draw])
            )
            way = next(reached(sides))
            good = (sides.before.right & sides.before.trusted).astype(float), sides.before.trusted.astype(float)
            rates.append(
                PairedRatio(before=good, now=(way.right.astype(float), way.trusted.astype(float)), units=units)
            )
            at_threshold.append(way.right_at_threshold)
        assert found[draw] == pytest.approx(mean_z(paired_mean(rates, at_threshold), 0.005), abs=1e-12)


@pytest.mark.parametrize("case", [case for case in pooled.cases() if case.conditions < 20], ids=lambda case: case.label)
def test_the_pooled_verdict_rejects_no_more_often_than_its_level(case: pooled.Case) -> None:
    """At the margin the mean is red at most 1.3 times as often as its level, plus three standard errors."""
    found = pooled.over_nominal(case, 500, case.worth(3_000, 500))

    assert [share for share, error in found if share > 1.3 + 3 * error] == []


def test_the_pooled_verdict_finds_smaller_common_losses() -> None:
    """With many conditions a common loss that the mean finds is smaller than one that any accuracy gate finds."""
    alone, mean = pooled.smallest_drops(20, 0.1, False, 1000, 100)

    assert mean < 0.7 * alone

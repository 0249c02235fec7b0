"""Policies, flips, drift: what a comparison concludes, on letters that can be counted."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from five import RULE, baseline_of, in_groups, measurement_of, records_of, with_columns
from scipy import stats
from stored import columns_file, golden_file, samples_file

from pytest_failaware.baselines.file import read_baseline
from pytest_failaware.baselines.samples import read_golden, read_records
from pytest_failaware.baselines.update import update_baseline
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.gate import Policy
from pytest_failaware.core.measurement import ELSEWHERE, Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.judge.changes import at_coverage, decomposition, sample_change
from pytest_failaware.judge.gating import unproven
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.sides import Sides, under_one_rule
from pytest_failaware.judge.verdict import Terms, judge


def against(before: Measurement, now: Measurement, **gate: Any) -> ItemResult:  # Any: a marker's arguments
    built = build_gate({"conditions": ["clean"], **gate})
    return judge(
        now,
        Reference(name="small", key=now.condition.key, baseline=baseline_of(before), records=before.records),
        built,
        Terms(nodeid="t"),
    )


def compared(before: str, now: str, **gate: Any) -> ItemResult:  # Any: see above
    return against(measurement_of(before), measurement_of(now), **gate)


def sides(before: str, now: str) -> Sides:
    return under_one_rule(outcomes_of(records_of(before), RULE), outcomes_of(records_of(now), RULE))


ACCURACY = {"metrics": ["accuracy"]}
CLASSES = ("cat", "dog", "eel")


@pytest.mark.parametrize(
    ("lost", "policy", "verdict"),
    [
        (3, "beyond_tolerance", Verdict.PASSED),  # of 1,000, tolerance 5
        (10, "beyond_tolerance", Verdict.INCONCLUSIVE),
        (30, "beyond_tolerance", Verdict.REGRESSED),
        (5, "any_drop", Verdict.PASSED),
        (10, "any_drop", Verdict.REGRESSED),
        (0, "non_inferiority", Verdict.UNCHANGED),
        (1, "non_inferiority", Verdict.PASSED),
        (5, "non_inferiority", Verdict.NOT_SHOWN),
        (30, "non_inferiority", Verdict.REGRESSED),
    ],
)
def test_policies(lost: int, policy: str, verdict: Verdict) -> None:
    """The verdict of each drop under each policy, without a gained sample."""
    result = compared("R" * 1000, "R" * (1000 - lost) + "W" * lost, policy=policy, **ACCURACY)

    assert verdict is result.verdict


@pytest.mark.parametrize("policy", ["beyond_tolerance", "any_drop"])
def test_an_inconclusive_metric_says_what_was_not_reached(policy: str) -> None:
    """Its interval of 95 % may exclude the tolerance: the level is smaller, since many gates share it."""
    lost = 12 if policy == "beyond_tolerance" else 7
    (one,) = compared("R" * 1000, "R" * (1000 - lost) + "W" * lost, policy=policy, alpha=1e-4, **ACCURACY).comparisons
    evidence = one.evidence
    assert evidence is not None
    p = evidence.p_beyond if policy == "beyond_tolerance" else evidence.p_worse

    assert (Verdict.INCONCLUSIVE, f"p {p:.2g}, needed {evidence.level:.2g}") == (one.verdict, one.note)
    assert evidence.level < p < 0.05


@pytest.mark.parametrize(
    ("lost", "gained", "verdict"),
    [(12, 6, Verdict.PASSED), (16, 2, Verdict.INCONCLUSIVE), (7, 0, Verdict.INCONCLUSIVE)],
)
def test_a_drop_that_chance_explains_passes(lost: int, gained: int, verdict: Verdict) -> None:
    """Of 1,000 images, 12 lost and 6 gained have p 0.12; a drop is inconclusive only if a loss is proven at 0.01."""
    before = "W" * gained + "R" * (1000 - gained)
    now = "R" * gained + "W" * lost + "R" * (1000 - gained - lost)
    (comparison,) = compared(before, now, alpha=1e-4, **ACCURACY).comparisons

    assert verdict is comparison.verdict
    assert comparison.evidence is not None
    assert (verdict is Verdict.INCONCLUSIVE) == (stats.binomtest(lost, lost + gained).pvalue < 0.025)


def test_a_p_never_reads_like_the_level_that_it_misses() -> None:
    """A p is shown with enough digits to differ from its level."""
    found = compared("R" * 100, "R" * 99 + "W", **ACCURACY).comparisons[0].evidence
    assert found is not None
    evidence = dataclasses.replace(found, p_beyond=0.00131, level=0.0013)

    assert "p 0.00131, needed 0.0013" == unproven(Policy.BEYOND_TOLERANCE, evidence)


@pytest.mark.parametrize(
    ("groups", "policy", "verdict"),
    [
        (np.arange(1000), "beyond_tolerance", Verdict.REGRESSED),  # 30 groups of one image each
        (np.arange(1000) // 30, "beyond_tolerance", Verdict.PASSED),  # two groups
        (np.zeros(1000, dtype=int), "beyond_tolerance", Verdict.INCONCLUSIVE),  # one group
        (np.arange(1000) // 5, "beyond_tolerance", Verdict.INCONCLUSIVE),  # six groups
        (np.arange(1000) // 30, "any_drop", Verdict.PASSED),
    ],
)
def test_images_of_a_group_prove_as_much_as_one(groups: np.ndarray, policy: str, verdict: Verdict) -> None:
    """Thirty lost answers are a regression; of one patient or two they may be chance."""
    now = in_groups(measurement_of("R" * 970 + "W" * 30), groups.astype(np.uint32))
    result = against(measurement_of("R" * 1000), now, policy=policy, **ACCURACY)

    assert verdict is result.verdict
    assert result.comparisons[0].evidence is not None
    assert (30, 0) == (result.comparisons[0].evidence.lost, result.comparisons[0].evidence.gained)
    count = len(np.unique(groups))
    said = [f"tested over the {count:,} groups of the samples, which are not independent"] if count < 1000 else []
    assert said == [note for note in result.notes if note.startswith("tested over")]


@pytest.mark.parametrize(("groups", "verdict"), [(1000, Verdict.PASSED), (10, Verdict.NOT_SHOWN)])
def test_few_groups_do_not_show_that_nothing_got_worse(groups: int, verdict: Verdict) -> None:
    """Ten patients prove little, for any number of images."""
    now = in_groups(measurement_of("R" * 999 + "W"), (np.arange(1000) * groups // 1000).astype(np.uint32))

    assert verdict is against(measurement_of("R" * 1000), now, policy="non_inferiority", **ACCURACY).verdict


def test_groups_follow_their_samples() -> None:
    """If only some samples are shared, each keeps its group."""
    before, now = records_of("RRRR", first_id=12), records_of("RRRRR", first_id=9)

    now = with_columns(now, group=np.array([1, 2, 3, 4, 5], dtype=np.uint32))

    assert [4, 5] == pair(before, now).now.samples.groups.tolist()


def test_a_sample_with_another_label_is_another_sample() -> None:
    """Ids of predictions that are whole numbers do not hold the label: a corrected one is no lost answer."""
    before, now = records_of("RRRR"), records_of("RRRW")
    now = with_columns(now, label=np.array([0, 1, 2, 1], dtype=np.uint16), group=np.arange(4, dtype=np.uint32))
    both = pair(before, now)

    assert ([10, 11, 12], [0, 1, 2]) == (both.now.sample_id.tolist(), both.now.samples.groups.tolist())
    assert both.before.label.tolist() == both.now.label.tolist()
    assert "paired on 3 of 4; 1 new" == str(both)


@pytest.mark.parametrize(("groups", "verdict"), [(1000, Verdict.PASSED), (10, Verdict.NOT_SHOWN)])
def test_few_groups_do_not_show_equivalence(groups: int, verdict: Verdict) -> None:
    """That nothing changed in ten patients does not bound what changes in others, however many images they have."""
    now = in_groups(measurement_of("R" * 999 + "r"), (np.arange(1000) * groups // 1000).astype(np.uint32))

    assert verdict is against(measurement_of("R" * 1000), now, policy="equivalence").verdict


@pytest.mark.parametrize("policy", ["non_inferiority", "equivalence"])
def test_of_identical_records_nothing_has_to_be_shown(policy: str) -> None:
    """Ten images prove nothing, and ten equal answers need no proof; a literal bound holds all the same."""
    assert Verdict.UNCHANGED is compared("RRRRRRRRRW", "RRRRRRRRRW", policy=policy).verdict
    assert Verdict.NOT_SHOWN is compared("RRRRRRRRRr" * 20, "RRRRRRRRRR" * 2 + "RRRRRRRRRr" * 18, policy=policy).verdict
    bound = {"minimum": {"accuracy": 0.95}}
    assert Verdict.BELOW_MINIMUM is compared("RRRRRRRRRW", "RRRRRRRRRW", policy=policy, **bound).verdict


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        ("R" * 500 + "r" * 500, Verdict.PASSED),
        ("R" * 502 + "r" * 498, Verdict.PASSED),
        ("R" * 498 + "r" * 502, Verdict.PASSED),
        ("R" * 507 + "r" * 493, Verdict.NOT_SHOWN),
        ("R" * 493 + "r" * 507, Verdict.NOT_SHOWN),
        ("R" * 600 + "r" * 400, Verdict.REGRESSED),
        ("R" * 400 + "r" * 600, Verdict.REGRESSED),
    ],
)
def test_what_is_worse_either_way_is_shown_within_both_ways(now: str, verdict: Verdict) -> None:
    """failure_rate under non_inferiority: of 1,000 samples two more or fewer are shown to be within 0.01."""
    before = measurement_of("R" * 500 + "r" * 500)
    result = against(
        before, measurement_of(now, model="other"), policy="non_inferiority", metrics=["failure_rate"], tolerance=0.01
    )

    assert [verdict] == [one.verdict for one in result.comparisons]


def test_the_widest_tolerance_passes_everything() -> None:
    """A tolerance of 1 passes every change."""
    for policy in ("beyond_tolerance", "any_drop", "non_inferiority"):
        result = compared("R" * 9, "W" * 8 + "R", policy=policy, tolerance=1, **ACCURACY)
        assert not result.verdict.fails


@pytest.mark.parametrize(
    ("changed", "verdict"), [(0, "passed"), (3, "passed"), (7, "not_shown"), (11, "above_maximum")]
)
def test_equivalence_bounds_what_changed(changed: int, verdict: str) -> None:
    """At most 1 % of 1,000 predictions: 3 show it (upper bound 0.77 %), 7 do not (1.31 %), 11 break it."""
    before = measurement_of("R" * 1000)
    now = measurement_of("W" * changed + "R" * (1000 - changed), model="other")
    result = against(before, now, policy="equivalence")

    assert [verdict, "passed"] == [one.verdict.value for one in result.comparisons]
    assert ["changed_prediction_rate", "changed_flag_rate"] == [one.metric for one in result.comparisons]


def test_alpha_is_shared_over_what_is_declared() -> None:
    """0.01 over conditions x (metrics + 1), for the two policies of proof; each gate keeps 0.05 in the others."""
    few = {"conditions": ["clean", "blur"], "metrics": ["accuracy", "failure_rate"]}

    assert 0.01 / 6 == pytest.approx(build_gate(few).levels.gate)
    assert 0.01 / 4 == pytest.approx(build_gate({**few, "class_guard": "off"}).levels.gate)
    assert 0.05 == pytest.approx(build_gate({**few, "policy": "non_inferiority"}).levels.gate)
    assert 0.2 / 6 == pytest.approx(build_gate({**few, "alpha": 0.2}).levels.gate)
    assert 0.2 == pytest.approx(build_gate({**few, "alpha": 0.2, "policy": "equivalence"}).levels.gate)


# ---- flips ---------------------------------------------------------------------------------------------------------


def test_flips_by_hand() -> None:
    """RRRrw -> WRrWR: two lost of which one trusted on both sides, one gained, three flags changed."""
    change = sample_change(sides("RRRrw", "WRrWR"), CLASSES)

    assert (2, 1, 1) == (change.negative_flips, change.positive_flips, change.confident_negative_flips)
    assert (3, 3) == (change.changed_predictions, change.changed_flags)
    assert [10] == [flip.sample_id for flip in change.worst]
    assert ("cat", "cat", "dog") == (change.worst[0].label, change.worst[0].before, change.worst[0].now)


def test_known_label_errors_are_counted_not_listed() -> None:
    """Known label errors are counted but not listed."""
    change = sample_change(sides("RRR", "WWR"), CLASSES, known_label_errors=(10,))

    assert (2, 1, [11]) == (
        change.confident_negative_flips,
        change.known_label_errors,
        [flip.sample_id for flip in change.worst],
    )


def test_confident_flips_can_be_bounded() -> None:
    """One of five is 0.2; a bound needs both sides' samples."""
    at, below = ({"maximum": {"confident_negative_flip_rate": bound}} for bound in (0.2, 0.19))

    assert not compared("RRRrw", "WRRrw", **at).verdict.fails
    assert Verdict.ABOVE_MAXIMUM is compared("RRRrw", "WRRrw", **below).verdict
    now = measurement_of("WRRrw")
    gate = build_gate(at)
    unpaired = judge(
        now, Reference(name="small", key=now.condition.key, baseline=baseline_of(now)), gate, Terms(nodeid="t")
    )
    assert Verdict.INCOMPARABLE is unpaired.verdict


def test_the_decomposition_by_hand() -> None:
    """RRRWr -> RWrWR, 3/4 before, 2/4 now: one answer lost of four, a right one let in, a right one let go."""
    parts = decomposition(sides("RRRWr", "RWrWR"))

    assert parts is not None
    assert (-1 / 4, (1 - 3 / 4) / 4, (3 / 4 - 1) / 4) == (parts.answers, parts.entered, parts.left)


def test_a_moved_threshold_alone_is_no_changed_answer() -> None:
    """The same answers, half of the trusted samples flagged: the part of the answers is nothing."""
    parts = decomposition(sides("RRRRRRWW", "RRRrrrWw"))

    assert parts is not None
    assert 0.0 == parts.answers == parts.entered == pytest.approx(parts.left)


def test_the_decomposition_adds_up() -> None:
    """Answers, entered and left sum to the change of confident_accuracy, on random outcomes."""
    random = np.random.default_rng(2)
    for _ in range(20):
        both = sides(*("".join(random.choice(list("RRWrw"), 60)) for _ in range(2)))
        parts = decomposition(both)
        rates = [(side.right & side.trusted).sum() / side.trusted.sum() for side in (both.before, both.now)]

        assert parts is not None
        assert rates[1] - rates[0] == pytest.approx(parts.whole)


# ---- coverage and operating point -----------------------------------------------------------------------------------


def scored(confidence: np.ndarray, right: np.ndarray) -> Measurement:
    """Samples with these confidences, none flagged by entropy."""
    base = measurement_of("".join("R" if one else "W" for one in right))
    records = dataclasses.replace(
        base.records,
        confidence=confidence.astype(np.float32),
        entropy=np.zeros(len(right), dtype=np.float32),
    )
    return dataclasses.replace(base, records=records)


def test_confident_accuracy_at_the_baselines_coverage() -> None:
    """Three are trusted before; of the three trusted most now, two are right."""
    right = np.array([True, True, True, False, False])
    before = outcomes_of(scored(np.array([0.9, 0.8, 0.7, 0.5, 0.4]), right).records, RULE)
    now = outcomes_of(scored(np.array([0.59, 0.58, 0.3, 0.5, 0.57]), right).records, RULE)
    _, (counted, among) = at_coverage(under_one_rule(before, now))

    assert 0 == now.trusted.sum()
    assert (2, [True, True, False, False, True]) == (counted.sum(), among.tolist())


def test_logits_times_one_and_a_half() -> None:
    """Accuracy is unchanged and more is trusted: the operating point moved, the ranking did not."""
    random = np.random.default_rng(0)
    confidence = random.uniform(0.34, 1.0, 4000)
    right = random.random(4000) < confidence
    promises = ["confident_accuracy", "confident_correct_rate"]
    result = against(scored(confidence, right), scored(np.minimum(confidence * 1.3, 1.0), right), metrics=promises)

    assert Verdict.OPERATING_POINT_MOVED is result.verdict


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_a_worse_ranking(scale: float) -> None:
    """If more of as many trusted answers are wrong, the model regressed, also if its operating point moved, too."""
    random = np.random.default_rng(0)
    confidence = random.uniform(0.34, 1.0, 4000)
    right = random.random(4000) < confidence
    worse = scored(np.minimum(random.permutation(confidence) * scale, 1.0), right)

    assert Verdict.REGRESSED is against(scored(confidence, right), worse, metrics=["confident_accuracy"]).verdict
    gated = against(
        scored(confidence, right),
        worse,
        metrics=["confident_accuracy_at_coverage"],
    )
    assert Verdict.REGRESSED is gated.verdict


# ---- drift ---------------------------------------------------------------------------------------------------------


def store(directory: Path, letters: str, **more: Any) -> None:  # Any: update_baseline's arguments
    outcome = update_baseline(directory, "small", [(measurement_of(letters, model=letters[-40:]), RULE)], **more)
    assert (not outcome.refused, {}) == (True, outcome.lacking)


def test_the_first_accepted_values_stay_golden(tmp_path: Path) -> None:
    """An update keeps them beside the current ones; going back to them, or a reset, forgets the copy."""
    first, second, third = ("R" * (100 - wrong) + "W" * wrong for wrong in (0, 1, 2))
    store(tmp_path, first)
    stored = read_baseline(tmp_path, "small")
    assert stored is not None
    assert stored.entries["clean"].golden is None
    for letters in (second, third):
        store(tmp_path, letters)
        stored = read_baseline(tmp_path, "small")
        assert stored is not None
        golden = read_golden(tmp_path, stored, stored.entries["clean"])
        assert golden is not None
        assert 100 == golden.correct.sum()
    assert golden_file(tmp_path).is_file()
    assert columns_file(tmp_path) != golden_file(tmp_path)

    store(tmp_path, third, reset_golden=True, reason="new data policy")
    stored = read_baseline(tmp_path, "small")
    assert stored is not None
    assert stored.entries["clean"].golden is None
    assert {columns_file(tmp_path), samples_file(tmp_path)} == set((tmp_path / "small").iterdir())


def test_golden_outlasts_predictions_that_do_not_tell_their_preprocessing(tmp_path: Path) -> None:
    """Or a change of sides would forget what drift is measured from; another preprocessing ends it, if meant."""
    store(tmp_path, "R" * 100)
    for preprocessing, is_kept in ((ELSEWHERE, True), ("resize=32", True), ("resize=64", False)):
        letters = "R" * 99 + "W" if preprocessing != "resize=32" else "R" * 98 + "WW"
        now = measurement_of(letters, preprocessing=preprocessing, model=preprocessing)
        meant = {} if is_kept else {"reset_golden": True, "reason": "another preprocessing"}
        outcome = update_baseline(tmp_path, "small", [(now, RULE)], **meant)  # type: ignore[arg-type]  # two options
        assert (not outcome.refused, {}) == (True, outcome.lacking)
        stored = read_baseline(tmp_path, "small")
        assert stored is not None
        assert is_kept == (stored.entries["clean"].golden is not None)


def test_small_steps_are_stopped_in_the_end(tmp_path: Path) -> None:
    """Ten accepted steps of one point: each is within the tolerance of two, which no budget undercuts."""
    gate, verdicts = build_gate({"conditions": ["clean"], "metrics": ["accuracy"], "tolerance": 0.02}), []
    for step in range(10):
        now = measurement_of("R" * (1000 - 10 * step) + "W" * (10 * step), model=str(step))
        baseline = read_baseline(tmp_path, "small")
        entry = baseline.entries["clean"] if baseline else None
        known = (tmp_path, baseline, entry) if baseline and entry else None
        result = judge(
            now,
            Reference(
                name="small",
                key=now.condition.key,
                baseline=baseline,
                records=read_records(*known) if known else None,
                golden=read_golden(*known) if known else None,
            ),
            gate,
            Terms(nodeid="t"),
        )
        verdicts.append(result.verdict)
        update_baseline(tmp_path, "small", [(now, RULE)])

    assert Verdict.DRIFTED not in verdicts[:3]
    assert Verdict.DRIFTED is verdicts[-1]
    assert Decimal("0.02") == result.comparisons[1].allowed


def test_known_label_errors_survive_updates(tmp_path: Path) -> None:
    """They are written by a person into the file, read with it, and kept by every update."""
    store(tmp_path, "R" * 50)
    path = tmp_path / "small.yaml"
    path.write_text(path.read_text().replace("conditions:\n", "known_label_errors:\n- 10\n- 12\nconditions:\n"))
    store(tmp_path, "R" * 49 + "W")
    stored = read_baseline(tmp_path, "small")

    assert stored is not None
    assert (10, 12) == stored.known_label_errors
    assert 49 == stored.entries["clean"].cells.trusted_right

"""Chosen thresholds: by hand on few values, against scipy's exact interval, and what is written is what was tested."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_failaware.core.records import SCORES, Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples
from pytest_failaware.core.scores import log_softmax, scores_of
from pytest_failaware.judge import thresholds as t
from pytest_failaware.judge.significance.rates import clopper_pearson_upper


def records(confidence: np.ndarray, wrong: np.ndarray, entropy: np.ndarray | None = None) -> Records:
    """Records of class 0 in which a wrong prediction is class 1."""
    n = len(confidence)
    columns = {name: np.zeros(n, dtype=np.float32) for name in SCORES}
    columns["confidence"] = confidence.astype(np.float32)
    columns["entropy"] = np.zeros(n, dtype=np.float32) if entropy is None else entropy.astype(np.float32)
    ids, label = np.arange(n, dtype=np.uint64), np.zeros(n, dtype=np.uint16)
    return Records(samples=Samples(ids=ids, labels=label), prediction=wrong.astype(np.uint16), **columns)


def simulated(seed: int, n: int = 700, classes: int = 5) -> Records:
    """Predictions from random logits, wrong as often as their confidence says."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1, (n, classes))
    logits[:, 0] += random.gamma(3, 1.5, n)
    scores = scores_of(log_softmax(logits))
    return records(scores.confidence, random.random(n) > scores.confidence, scores.entropy)


def by_rank(n: int, *wrong_ranks: int) -> Records:
    """Confidences 0.999, 0.998, …; those of the given ranks, from 1, are wrong."""
    wrong = np.zeros(n, dtype=np.bool_)
    wrong[np.array(wrong_ranks, dtype=int) - 1] = True
    return records(1 - np.arange(1, n + 1) / 1000, wrong)


def test_the_examples_in_the_docstrings_hold() -> None:
    """The docstrings' numbers of images for a guarantee are right."""
    assert (0, True) == (doctest.testmod(t).failed, doctest.testmod(t).attempted >= 2)


# ---- by hand -------------------------------------------------------------------------------------------------------


def test_by_hand() -> None:
    """Without a wrong answer 59 images are enough for 5 %; the first wrong one ends it, though 93 would allow it."""
    found = t.choose(by_rank(100, 71), 2, t.By.CONFIDENCE, risk=0.05)

    assert list(range(59, 101)) == found.trusted.tolist()
    assert [0] * 12 + [1] * 30 == found.wrong.tolist()
    assert found.chosen is not None
    assert 70 == found.trusted[found.chosen]
    assert FailureRule(confidence=0.93, entropy=None) == found.rule(found.chosen)
    assert 1 - 0.05 ** (1 / 70) == pytest.approx(found.bound[found.chosen])
    assert {*range(59, 71), *range(93, 101)} == set(found.trusted[found.bound <= 0.05])


def test_all_can_be_trusted() -> None:
    """If all answers can be trusted, the threshold is the lowest observed confidence."""
    found = t.choose(by_rank(100), 2, t.By.CONFIDENCE, risk=0.05)

    assert 41 == found.chosen == len(found.trusted) - 1
    assert FailureRule(confidence=0.9, entropy=None) == found.rule(41)


def test_nothing_is_chosen() -> None:
    """No rule is chosen if the first answers are wrong, or with too few images or only wrong answers."""
    assert t.choose(by_rank(100, 3), 2, t.By.CONFIDENCE, risk=0.05).chosen is None
    few = t.choose(by_rank(58), 2, t.By.CONFIDENCE, risk=0.05)
    assert (None, 0) == (few.chosen, len(few.trusted))
    wrong = t.choose(by_rank(100, *range(1, 101)), 2, t.By.CONFIDENCE, risk=0.05)
    assert (None, {1.0}) == (wrong.chosen, set(wrong.bound))


def test_ties_are_never_parted() -> None:
    """Sixty equal answers are trusted or flagged together, and so are a hundred."""
    confidence = np.repeat([0.9, 0.5], [60, 40])
    found = t.choose(records(confidence, np.arange(100) == 99), 2, t.By.CONFIDENCE, risk=0.05)
    assert ([60, 100], [0, 1]) == (found.trusted.tolist(), found.wrong.tolist())

    alike = records(np.full(100, 1.0), np.zeros(100))
    assert [100] == t.choose(alike, 2, t.By.BOTH, risk=0.05).trusted.tolist()


def test_the_threshold_is_short_and_on_the_safe_side() -> None:
    """Four digits, not above the last trusted answer; those that four digits cannot part are flagged together."""
    confidence = np.r_[np.full(60, 0.99), np.full(5, 0.81238), np.full(5, 0.81231), np.full(30, 0.6)]
    found = t.choose(records(confidence, np.arange(100) == 70), 2, t.By.CONFIDENCE, risk=0.05)

    rules = [str(found.rule(index)) for index in range(3)]
    assert ["confidence < 0.99", "confidence < 0.8123", "confidence < 0.6"] == rules
    assert [60, 70, 100] == found.trusted.tolist()


def test_where_the_sequence_begins() -> None:
    """With a fifth of the images, later where two wrong answers would end it, and by the half where one must."""
    assert [2000, 124, 93, 59] == [t.first_count(n, 0.05) for n in (10_000, 500, 200, 100)]
    assert 60 == t.choose(by_rank(300), 2, t.By.CONFIDENCE, risk=0.2).trusted[0]


# ---- against others, and as properties -----------------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("by", t.By)
def test_bounds_are_scipys(by: t.By, confidence: float) -> None:
    """The bounds are those of scipy's exact one-sided `binomtest`."""
    found = t.choose(simulated(1, n=300), 5, by, risk=0.1, confidence=confidence)

    assert len(found.bound) > 50
    for wrong, trusted, bound in list(zip(found.wrong, found.trusted, found.bound, strict=True))[::5]:
        exact = stats.binomtest(wrong, trusted, alternative="less").proportion_ci(confidence, "exact")
        assert exact.high == pytest.approx(bound, rel=1e-9)


@pytest.mark.parametrize(("risk", "confidence", "wrong"), [(0.05, 0.95, 0), (0.01, 0.99, 2), (0.5, 0.9, 1)])
def test_fewest(risk: float, confidence: float, wrong: int) -> None:
    """One image fewer than `fewest` is not enough."""
    n = t.fewest(risk, confidence, wrong)

    assert clopper_pearson_upper(wrong, n, 1 - confidence) <= risk < clopper_pearson_upper(wrong, n - 1, 1 - confidence)


@given(seed=st.integers(0, 10_000), by=st.sampled_from(t.By), decimals=st.sampled_from([1, 2, 8]))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_what_is_written_is_what_was_tested(seed: int, by: t.By, decimals: int) -> None:
    """The rule read back from its text trusts as many answers, right and wrong; a later step trusts all of these."""
    made = simulated(seed)
    made = records(made.confidence.round(decimals), made.prediction, made.entropy.round(decimals))
    found, before = t.choose(made, 5, by, risk=0.1), np.zeros(len(made), dtype=np.bool_)
    for index in range(0, len(found.trusted), 7):
        rule = FailureRule.parse(str(found.rule(index)))
        trusted = ~rule.flags_of(made)
        assert (found.trusted[index], found.wrong[index]) == (trusted.sum(), (trusted & ~made.correct).sum())
        assert not (before & ~trusted).any()
        before = trusted


def test_the_order_of_the_samples_changes_nothing() -> None:
    """Neither the order of the samples nor a monotone change of the confidences matters."""
    made = simulated(2)
    turned = records(made.confidence[::-1], made.prediction[::-1], made.entropy[::-1])
    one, other = (t.choose(side, 5, t.By.BOTH, risk=0.1) for side in (made, turned))
    assert one.chosen is not None
    assert one.rule(one.chosen) == other.rule(other.chosen)

    coarse = records(made.confidence.round(2), made.prediction)
    squared = records(coarse.confidence**2, made.prediction)
    one, other = (t.choose(side, 5, t.By.CONFIDENCE, risk=0.1) for side in (coarse, squared))
    assert (one.trusted.tolist(), one.wrong.tolist(), one.chosen) == (
        other.trusted.tolist(),
        other.wrong.tolist(),
        other.chosen,
    )


# ---- the path ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
@pytest.mark.parametrize("by", t.By)
def test_the_path_goes_from_the_safest_rule_to_the_riskiest(by: t.By, classes: int) -> None:
    """Both thresholds loosen together, and the last rule trusts even a prediction that knows nothing."""
    confidence, entropy = t.path(by, classes)
    uniform = scores_of(log_softmax(np.zeros((1, classes))))

    assert (np.diff(confidence) <= 0).all()
    assert (entropy[1:] >= entropy[:-1]).all()
    assert confidence[-1] <= uniform.confidence[0]
    assert entropy[-1] >= uniform.entropy[0]
    assert all(len(f"{value:.7f}".rstrip("0").lstrip("0.")) <= 7 for value in confidence)


@pytest.mark.parametrize("classes", [3, 10])
def test_both_parts_flag(classes: int) -> None:
    """Half-way between the least and the most entropy that a prediction of that confidence can have."""
    confidence, entropy = t.path(t.By.BOTH, classes)
    at = int(np.flatnonzero(confidence == 0.6)[0])
    least = -0.6 * np.log(0.6) - 0.4 * np.log(0.4)
    most = least + 0.4 * np.log(classes - 1)

    assert (least + most) / 2 == pytest.approx(entropy[at], abs=1e-3)
    assert least < entropy[at] < most

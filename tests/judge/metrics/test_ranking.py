"""Metrics of a ranking: by hand, against scikit-learn and loops, and by their identities."""

from __future__ import annotations

import doctest
import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranked import EVERY, RIGHT, SCORE, Ranking, drawn, records_of_logits, records_with
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from pytest_failaware.core.records import NO_CLASS, RANKING_SCORES
from pytest_failaware.judge.metrics import ranking
from pytest_failaware.judge.metrics.ranking import (
    augrc,
    aupr_error,
    aurc,
    auroc_f,
    coverage_at_risk,
    eaurc,
    fpr_at_95tpr,
    risk_at_coverage,
    score_of,
)


@st.composite
def rankings(draw: st.DrawFn, *, most: int = 30) -> Ranking:
    """Samples whose scores tie often."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=most))
    return np.array([score / 8 for score, _ in pairs]), np.array([right for _, right in pairs])


def test_five_samples_by_hand() -> None:
    """Right, right, wrong, right, wrong: 5 of 6 pairs in order; risks 0, 0, 1/3, 1/4, 2/5."""
    assert auroc_f(SCORE, RIGHT) == pytest.approx(5 / 6)
    assert augrc(SCORE, RIGHT) == pytest.approx((0 + 0 + 0.5 + 1 + 1.5) / 25)
    assert aurc(SCORE, RIGHT) == pytest.approx((1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert eaurc(SCORE, RIGHT) == pytest.approx((1 / 3 + 1 / 4 + 2 / 5) / 5 - (1 / 4 + 2 / 5) / 5)
    assert aupr_error(SCORE, RIGHT) == pytest.approx((1 + 2 / 3) / 2)
    assert 0.5 == fpr_at_95tpr(SCORE, RIGHT)
    assert [1 / 3, 0.25] == [risk_at_coverage(SCORE, RIGHT, Fraction(c)) for c in ("0.6", "0.61")]
    assert [0.4, 0.8, 1.0] == [coverage_at_risk(SCORE, RIGHT, Fraction(r)) for r in ("0", "0.25", "0.4")]


@pytest.mark.parametrize("seed", range(5))
def test_against_scikit_learn(seed: int) -> None:
    """The areas and the operating point, on scores with many ties."""
    score, right = drawn(seed)
    fpr, tpr, _ = roc_curve(right, score, drop_intermediate=False)

    assert roc_auc_score(right, score) == pytest.approx(auroc_f(score, right))
    assert average_precision_score(~right, -score) == pytest.approx(aupr_error(score, right))
    assert fpr[np.flatnonzero(tpr >= 0.95)[0]] == pytest.approx(fpr_at_95tpr(score, right))


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(rankings())
def test_augrc_is_its_identity(sides: Ranking) -> None:
    """AUGRC = (1 - AUROC_f) acc (1 - acc) + (1 - acc)² / 2, of two implementations that share no formula."""
    score, right = sides
    accuracy, area = float(right.mean()), auroc_f(score, right)

    assert (1 - (area or 0)) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2 == pytest.approx(augrc(score, right))


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(rankings(most=6))
def test_averages_are_those_over_all_orders_of_the_ties(sides: Ranking) -> None:
    """AURC and AUGRC by the definition, one order of equal scores after the other, in fractions."""
    score, right = sides
    count, risks, undetected = len(score), [], []
    for order in itertools.permutations(range(count)):
        if all(score[a] >= score[b] for a, b in itertools.pairwise(order)):
            wrong = list(itertools.accumulate(int(not right[row]) for row in order))
            risks.append(sum(Fraction(errors, k) for k, errors in enumerate(wrong, 1)) / count)
            between = zip([0, *wrong], wrong, strict=False)
            undetected.append(sum(Fraction(a + b, 2) for a, b in between) / count**2)

    assert float(sum(risks) / len(risks)) == pytest.approx(aurc(score, right))
    assert float(sum(undetected) / len(undetected)) == pytest.approx(augrc(score, right))


@settings(max_examples=100, derandomize=True, database=None, deadline=None)
@given(rankings(), st.randoms(use_true_random=False))
def test_neither_order_nor_scale_matters(sides: Ranking, random: object) -> None:
    """A permutation of the samples and a monotone change of the score keep every metric of the ranking, exactly."""
    score, right = sides
    order = np.random.default_rng(len(score)).permutation(len(score))
    for metric in EVERY.values():
        assert metric(score, right) == metric(score[order], right[order])
        assert metric(score, right) == metric(np.exp(3 * score) - 7, right)


@settings(max_examples=100, derandomize=True, database=None, deadline=None)
@given(rankings(), st.fractions(0, 1, max_denominator=20))
def test_operating_points_against_a_loop_over_thresholds(sides: Ranking, level: Fraction) -> None:
    """Every score that occurs is tried as a threshold, and nothing between two of them is."""
    score, right = sides
    found = []
    for threshold in sorted(set(score), reverse=True):
        accepted = score >= threshold
        found.append(
            (Fraction(int(accepted.sum()), len(score)), 1 - Fraction(int(right[accepted].sum()), int(accepted.sum())))
        )

    assert float(next(risk for coverage, risk in found if coverage >= level)) == pytest.approx(
        risk_at_coverage(score, right, level)
    )
    assert float(max((coverage for coverage, risk in found if risk <= level), default=Fraction(0))) == pytest.approx(
        coverage_at_risk(score, right, level)
    )


# ---- undefined -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "undefined"),
    [
        ([], set(EVERY)),
        ([True, True], {"auroc_f", "aupr_error", "fpr_at_95tpr"}),
        ([False, False], {"auroc_f", "fpr_at_95tpr"}),
        ([True, False], set()),
    ],
)
def test_what_cannot_be_known_is_none(right: list[bool], undefined: set[str]) -> None:
    """An undefined metric is None, never NaN or 0."""
    sides = np.linspace(0.9, 0.5, len(right)), np.array(right, dtype=np.bool_)

    assert undefined == {name for name, metric in EVERY.items() if metric(*sides) is None}


# ---- scores --------------------------------------------------------------------------------------------------------


def test_every_score_from_its_definition() -> None:
    """Each stored score, and those made of two columns, from probabilities of random logits; higher is surer."""
    random = np.random.default_rng(0)
    logits, label = random.normal(0, 3, (200, 5)), random.integers(0, 5, 200).astype(np.uint16)
    records = records_of_logits(logits, label)
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    top = np.sort(probability, axis=1)
    expected = {
        "confidence": top[:, -1],
        "margin": top[:, -1] - top[:, -2],
        "max_logit": logits.max(axis=1),
        "gini": np.square(probability).sum(axis=1),
        "entropy": (probability * np.log(probability)).sum(axis=1),
        "energy": np.log(np.exp(logits).sum(axis=1)),
        "gen": -((probability * (1 - probability)) ** 0.1).sum(axis=1),
    }

    assert list(RANKING_SCORES) == list(expected)
    for name, values in expected.items():
        assert score_of(records, name) == pytest.approx(values, abs=1e-5), name
    with pytest.raises(ValueError, match="no score 'odin'"):
        score_of(records, "odin")


def test_certainty_has_an_entropy_of_zero() -> None:
    """Logits so far apart that probabilities are 0 and 1 rank first, and nothing is NaN."""
    logits = np.array([[1000.0, 0.0, -np.inf], [0.2, 0.1, 0.0], [0.0, 900.0, 0.0]])
    entropy = score_of(records_of_logits(logits, np.array([0, 1, 1], dtype=np.uint16)), "entropy")

    assert entropy is not None
    assert [0.0, 0.0] == entropy[[0, 2]].tolist()
    assert entropy[1] < -1


def test_the_energy_of_given_probabilities_is_not_known() -> None:
    """Where logits are logarithms of probabilities their sum is 1, and its rounding would be a ranking of noise."""
    probability = np.random.default_rng(1).dirichlet([1, 1, 1], 50)
    records = records_of_logits(np.log(probability), np.zeros(50, dtype=np.uint16))

    assert score_of(records, "energy") is None
    moved = records_of_logits(np.log(probability) + 0.001, np.zeros(50, dtype=np.uint16))
    assert score_of(moved, "energy") == pytest.approx(0.001, rel=0.01)
    assert score_of(records_with([0.9, 0.8], [True, False]), "energy") is not None


def test_the_examples_in_the_docstrings_hold() -> None:
    """The examples in the docstrings hold."""
    done = doctest.testmod(ranking)

    assert (0, True) == (done.failed, done.attempted > 5)


@pytest.mark.parametrize("name", RANKING_SCORES)
def test_nothing_is_less_sure_than_logits_that_are_not_finite(name: str) -> None:
    """A confidence of 0 says so; as the energy's logarithm it would be the surest answer of all."""
    records = records_of_logits(
        np.array([[-5.0, -6.0, -7.0], [-2.0, -2.5, -9.0], [0.0, 0.0, 0.0]]), np.array([0, 0, 0])
    )
    records.confidence[2], records.prediction[2] = 0, NO_CLASS
    score = score_of(records, name)
    assert score is not None
    assert score.argmin() == 2

"""Each test and interval by hand, against an independent implementation, and by its behaviour over many draws."""

from __future__ import annotations

import doctest
import math
import pkgutil
from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest
from areas import auroc_change_z
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from pytest_failaware.core.samples import Samples
from pytest_failaware.judge import significance
from pytest_failaware.judge.significance.paired import (
    beyond_p,
    mcnemar_midp,
    tango_interval,
    tango_p,
    tango_z,
    within_p,
)
from pytest_failaware.judge.significance.rates import clopper_pearson_upper, wilson
from pytest_failaware.judge.significance.ratios import (
    PairedRatio,
    coverage_scores,
    coverage_z,
    ratio_scores,
    ratio_z,
    score_interval,
    score_z,
)
from pytest_failaware.judge.significance.units import Units

COUNTS = [(0, 0), (1, 0), (0, 1), (7, 1), (30, 20), (20, 30), (400, 300)]


def test_the_examples_in_the_docstrings_hold() -> None:
    """Five numbers each, computed on paper or taken from the paper."""
    names = [module.name for module in pkgutil.iter_modules(significance.__path__)]
    files = [import_module(f"{significance.__name__}.{name}") for name in names]
    done = [doctest.testmod(file) for file in files]

    assert (0, True) == (sum(one.failed for one in done), sum(one.attempted for one in done) >= 12)


# ---- one rate ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (8, 10), (10, 10), (4999, 5000)])
def test_intervals_of_one_rate(k: int, n: int) -> None:
    """Wilson's and Clopper and Pearson's limits equal statsmodels'."""
    assert proportion_confint(k, n, 0.05, "wilson") == pytest.approx(tuple(wilson(k, n)), abs=1e-9)
    assert proportion_confint(k, n, 0.10, "beta")[1] == pytest.approx(clopper_pearson_upper(k, n, 0.05), abs=1e-9)


def test_a_rate_over_nothing_is_anything() -> None:
    """Without samples the interval is [0, 1]."""
    assert (0.0, 1.0) == wilson(0, 0)


# ---- paired, fixed denominator -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "gained"), COUNTS)
def test_mcnemar_midp(lost: int, gained: int) -> None:
    """The binomial sum written out; and twice it is statsmodels' exact p less the probability of the observed flips."""
    law = stats.binom(lost + gained, 0.5)

    assert law.sf(lost) + law.pmf(lost) / 2 == pytest.approx(mcnemar_midp(lost, gained), rel=1e-9)
    if lost > gained:
        exact = mcnemar([[0, lost], [gained, 0]], exact=True).pvalue
        assert exact - law.pmf(lost) == pytest.approx(2 * mcnemar_midp(lost, gained), rel=1e-9)


def score_by_maximisation(lost: int, gained: int, n: int, margin: float) -> float:
    """Tango's statistic with the likeliest rate of gains found numerically, where its likelihood is steepest."""

    def slope(q: float) -> float:
        return lost / (q + margin) + gained / q - 2 * (n - lost - gained) / (1 - 2 * q - margin)

    edge = (1 - margin) / 2
    q = optimize.brentq(slope, 1e-15, edge * (1 - 1e-12), xtol=1e-16, rtol=1e-14) if slope(1e-15) > 0 else 0.0
    return (lost - gained - n * margin) / math.sqrt(n * (2 * q + margin - margin**2))


@pytest.mark.parametrize(("lost", "gained"), [pair for pair in COUNTS if pair != (0, 0)])
@pytest.mark.parametrize("margin", [0.001, 0.005, 0.1])
def test_tango_against_maximum_likelihood(lost: int, gained: int, margin: float) -> None:
    """The closed form equals the score at the numerically found maximum."""
    assert score_by_maximisation(lost, gained, 800, margin) == pytest.approx(
        tango_z(lost, gained, 800, margin), abs=1e-7
    )


def test_tango_against_a_published_interval() -> None:
    """21 children before and after transplantation, 7 and 1 discordant: Tango's interval is 0.026 to 0.517.

    Fagerland, Lydersen, Laake 2014, "Recommended tests and confidence intervals for paired binomial proportions".
    """
    assert (0.026, 0.517) == tuple(round(limit, 3) for limit in tango_interval(7, 1, 21))
    assert 0.039 == round(2 * mcnemar_midp(7, 1), 3)


def test_tango_without_a_margin_is_mcnemar() -> None:
    """(lost - gained) / sqrt(lost + gained); without a flip 0."""
    assert 10 / math.sqrt(50) == pytest.approx(tango_z(30, 20, 500))
    assert 0.0 == tango_z(0, 0, 500)
    assert tango_p(0, 0, 500, 0.005) > 0.5


# ---- paired, random denominator ------------------------------------------------------------------------------------


def ratio(before: tuple[np.ndarray, np.ndarray], now: tuple[np.ndarray, np.ndarray]) -> PairedRatio:
    """A ratio on both sides, over samples that are independent."""
    return PairedRatio(before=before, now=now, units=units_of(len(before[0])))


def units_of(count: int, groups: np.ndarray | None = None) -> Units:
    """The units of so many samples."""
    ids, labels = np.arange(count, dtype=np.uint64), np.zeros(count, dtype=np.uint16)
    return Units.of(Samples(ids=ids, labels=labels, groups=groups))


def columns(letters: str) -> tuple[np.ndarray, np.ndarray]:
    """Good and counted samples: R both, W counted alone, lower case neither."""
    return np.array([c == "R" for c in letters], dtype=float), np.array([c.isupper() for c in letters], dtype=float)


def test_the_ratio_score_by_hand() -> None:
    """RRWrw -> RWWRr: 2/3 before, 2/4 now, pooled r = 4/7."""
    before, now = columns("RRWrw"), columns("RWWRr")
    r = 4 / 7
    expected = [(1 - r) / 4 - (1 - r) / 3, -r / 4 - (1 - r) / 3, -r / 4 + r / 3, (1 - r) / 4, 0.0]

    assert expected == pytest.approx(ratio_scores(ratio(before, now)).tolist())
    assert 1 / 2 - 2 / 3 == pytest.approx(ratio_scores(ratio(before, now)).sum())


def test_a_ratio_over_all_samples_is_mcnemar() -> None:
    """With every sample counted and no margin, z = (lost - gained) / sqrt(lost + gained)."""
    before, now = columns("R" * 50 + "W" * 30), columns("W" * 20 + "R" * 42 + "W" * 18)
    lost, gained = 20, 12

    assert (lost - gained) / math.sqrt(lost + gained) == pytest.approx(ratio_z(ratio(before, now)))


def test_a_small_side_without_a_good_sample_proves_little() -> None:
    """90 of 100 are right, then 0 of 3: the three show no spread of their own, and the null expects some.

    Both ratios are 90/103 under the null: three misses cost 3 r (1 - r) and not the 3 r² of a side taken at its word.
    """
    before, now = columns("R" * 90 + "W" * 10), columns("r" * 87 + "W" * 3 + "w" * 10)
    r = 90 / 103
    shared = -r * (1 - r) * 3 / 300
    expected = r * (1 - r) / 100 + r * (1 - r) / 3 - 2 * shared

    observed = float(np.square(ratio_scores(ratio(before, now))).sum())
    assert 0.9 / math.sqrt(max(expected, observed)) == pytest.approx(ratio_z(ratio(before, now)))
    assert ratio_z(ratio(now, before)) == pytest.approx(-ratio_z(ratio(before, now)))


def test_a_fall_by_the_margin_costs_what_it_costs_in_tangos_test() -> None:
    """Where nothing changed, "fell by more" is as far away as Tango's test says: margin sqrt(D / (margin (1 - m)))."""
    side = columns("R" * 80 + "W" * 20 + "r" * 30)
    expected = -math.sqrt(100 * 0.01 / 0.99)

    assert expected == pytest.approx(ratio_z(ratio(side, side), 0.01))
    assert expected == pytest.approx(coverage_z(ratio(side, side), 0.5, 0.01))
    assert expected == pytest.approx(tango_z(0, 0, 100, 0.01))


def test_where_the_null_leaves_no_variance() -> None:
    """All lost is exactly a drop of 1, and anything less is less."""
    assert (0.0, -math.inf) == (tango_z(9, 0, 9, 1.0), tango_z(8, 0, 9, 1.0))
    assert (0.5, 1.0) == (tango_p(9, 0, 9, 1.0), tango_p(8, 0, 9, 1.0))


def test_the_order_of_samples_does_not_matter_but_groups_do() -> None:
    """A permutation changes nothing; five copies of each sample as groups change nothing but the sum they belong to."""
    random = np.random.default_rng(3)
    before, now = (columns("".join(random.choice(list("RRRWr"), 200))) for _ in range(2))
    order = random.permutation(200)
    scores = ratio_scores(ratio(before, now), 0.01)

    assert score_z(scores) == pytest.approx(score_z(scores[order]))
    five = np.repeat(scores, 5) / 5
    assert score_z(scores) == pytest.approx(
        score_z(units_of(1000, np.repeat(np.arange(200), 5).astype(np.uint32)).sums(five))
    )
    assert abs(score_z(five)) > abs(score_z(scores))


def test_a_ratio_over_nothing_is_refused() -> None:
    """A ratio without samples is refused."""
    with pytest.raises(ValueError, match="no sample"):
        ratio_scores(ratio(columns("RW"), columns("rr")))


def test_the_coverage_score_by_hand() -> None:
    """RRWrw -> RrWRw, of the samples at the threshold half are right: only the two that swapped count."""
    before, now = columns("RRWrw"), columns("RrWRw")
    parts = coverage_scores(ratio(before, now), 0.5)

    assert [0.0, (-1 + 0.5) / 3, 0.0, (1 - 0.5) / 3, 0.0] == pytest.approx(parts.tolist())
    assert 0.1 == pytest.approx(coverage_scores(ratio(before, now), 0.5, 0.1).sum())
    with pytest.raises(ValueError, match="no sample"):
        coverage_scores(ratio(columns("rr"), columns("rr")), 0.5)


def test_the_interval_of_a_ratio_over_all_samples() -> None:
    """It is the textbook interval of a paired difference: d ± z sqrt(lost + gained - (lost - gained)² / n) / n."""
    before, now = columns("R" * 50 + "W" * 30), columns("W" * 20 + "R" * 42 + "W" * 18)
    drop, half = 8 / 80, 1.959964 * math.sqrt(32 - 64 / 80) / 80

    found = score_interval(drop, ratio_scores(ratio(before, now), drop))
    assert (drop - half, drop + half) == pytest.approx(tuple(found), abs=1e-6)


# ---- areas under curves --------------------------------------------------------------------------------------------


def test_auroc_change_against_the_jackknife() -> None:
    """The variance is the jackknife's over samples, and the area scikit-learn's, ties included."""
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(5)
    sides = [(random.integers(0, 20, 300) / 20, random.random(300) < 0.3) for _ in range(2)]
    areas = [roc_auc_score(positive, score) for score, positive in sides]
    keep = [np.arange(300) != row for row in range(300)]
    left_out = np.array([[roc_auc_score(pos[k], score[k]) for score, pos in sides] for k in keep])
    differences = left_out[:, 1] - left_out[:, 0]
    jackknife = math.sqrt(299 / 300 * np.square(differences - differences.mean()).sum())

    assert (areas[0] - areas[1]) / jackknife == pytest.approx(auroc_change_z(*sides), rel=0.02)
    assert 0.0 == auroc_change_z(sides[0], sides[0])


@pytest.mark.parametrize(("n", "margin"), [(419, 0.005), (209, 0.01), (104, 0.02)])
def test_no_loss_among_few_images_excludes_nothing(n: int, margin: float) -> None:
    """If a share of `margin` is lost in truth, no image of n is lost with the probability (1 - margin)^n, 12 %."""
    assert (1 - margin) ** n == pytest.approx(within_p(0, 0, n, margin))
    assert 0.122 < within_p(0, 0, n, margin) < 0.1225
    assert 1 - tango_p(0, 0, n, margin) < 0.05


@pytest.mark.parametrize("margin", [0.005, 0.02])
@pytest.mark.parametrize("n", [104, 209, 419, 1000])
@pytest.mark.parametrize("test", [beyond_p, within_p])
def test_type_one_error_without_gains(test: Callable[[int, int, int, float], float], n: int, margin: float) -> None:
    """By exact enumeration of the lost images, an error at most as likely as the level says."""
    lost = np.arange(n + 1)
    chance = stats.binom.pmf(lost, n, margin)
    p = np.array([test(int(count), 0, n, margin) for count in lost])

    for level in (0.05, 0.01, 4e-4):
        assert chance[p < level].sum() <= level


def test_the_tails_change_nothing_where_many_answers_flip() -> None:
    """With 10 % flips the p is that of Tango's test, on both sides."""
    assert tango_p(70, 30, 1000, 0.005) == beyond_p(70, 30, 1000, 0.005)
    assert 1 - tango_p(45, 55, 1000, 0.005) == within_p(45, 55, 1000, 0.005)

"""What a change proves by leaving out parts: how samples are dealt, textbook variances, and where nothing is proven."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray
from ranked import records_with
from scipy import stats

from pytest_failaware.core.metric import ScoreMetric
from pytest_failaware.core.result import Evidence
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.evidence import score_evidence, with_surest_wrong
from pytest_failaware.judge.metrics.scores import SCORE_METRICS
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.sides import Sides, under_one_rule
from pytest_failaware.judge.significance.jackknife import PARTS, ScoreChange, deal, jackknife_evidence
from pytest_failaware.judge.significance.units import Rows, mixed

SAMPLES = Samples(ids=np.arange(1000, dtype=np.uint64), labels=np.zeros(1000, dtype=np.uint16))
NOTHING = (1.0, 1.0, 1.0, 1.0, None, None)


def of_mean(values: NDArray[np.float64], part: Rows, tolerance: str = "0.01") -> Evidence:
    """The evidence on a mean, whose jackknife is known from textbooks."""
    change = ScoreChange(drop=float(values.mean()), on_rows=lambda rows: float(values[rows].mean()))
    return jackknife_evidence(change, part, Decimal(tolerance), 0.01)


def test_each_part_is_dealt_equally_many() -> None:
    """50 parts of 20 samples; of 7 samples, each is a part of its own."""
    assert [20] * PARTS == np.bincount(deal(SAMPLES)).tolist()
    assert list(range(7)) == sorted(deal(SAMPLES.take(slice(7))).tolist())


def test_a_part_depends_on_the_ids_alone() -> None:
    """The part of a sample depends only on its id, not on the order of the samples."""
    order = np.random.default_rng(0).permutation(1000)

    assert np.array_equal(deal(SAMPLES)[order], deal(SAMPLES.take(order)))
    assert 0.0 < float((np.diff(deal(SAMPLES)) == 0).mean()) < 0.06


def test_ids_are_mixed_by_splitmix64() -> None:
    """Its published outputs from the states 0 and 1234567: a part is the same on any machine and in any version."""
    found = mixed(np.array([0, 0x9E3779B97F4A7C15, 1234567], dtype=np.uint64))

    assert [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 6457827717110365317] == found.tolist()


def test_groups_stay_together() -> None:
    """Of 200 groups of 5 each part has four whole groups."""
    groups = (np.arange(1000) // 5).astype(np.uint32)
    part = deal(SAMPLES.in_groups(groups))

    assert [20] * PARTS == np.bincount(part).tolist()
    assert [1] * 200 == [len(set(part[groups == group].tolist())) for group in range(200)]


def test_of_a_mean_it_is_students_test() -> None:
    """With each sample a part of its own the variance is s² / n, so p and limits are those of the t-test."""
    values = np.random.default_rng(0).normal(0.03, 0.1, 40)
    found = of_mean(values, deal(SAMPLES.take(slice(40))))
    low, high = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))

    assert stats.ttest_1samp(values, 0.01, alternative="greater").pvalue == pytest.approx(found.p_beyond)
    assert stats.ttest_1samp(values, 0.01, alternative="less").pvalue == pytest.approx(found.p_within)
    assert stats.ttest_1samp(values, 0.0, alternative="greater").pvalue == pytest.approx(found.p_worse)
    assert stats.ttest_1samp(values, 0.0, alternative="less").pvalue == pytest.approx(found.p_better)
    assert (low, high) == pytest.approx((found.low, found.high))


def test_in_parts_it_is_the_test_of_their_means() -> None:
    """50 parts of 20 samples: the spread of the mean is that of 50 independent means."""
    values = np.random.default_rng(1).exponential(1.0, 1000)
    means = np.array([values[deal(SAMPLES) == part].mean() for part in range(PARTS)])
    found = of_mean(values, deal(SAMPLES))

    assert stats.t.interval(0.95, 49, means.mean(), stats.sem(means)) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_of_a_score_metric_it_is_students_paired_test(higher_is_better: bool) -> None:
    """Of a mean, each sample a part of its own: the t-test of 40 differences, positive where they are for the worse."""
    random = np.random.default_rng(3)
    sure = random.uniform(0.5, 0.9, (2, 40)) - [[0.0], [0.05]]
    before, now = (outcomes_of(records_with(side, np.ones(40)), FailureRule()) for side in sure)
    metric = ScoreMetric(
        name="mean", compute=lambda records, _: float(records.confidence.mean()), higher_is_better=higher_is_better
    )
    old, new, found = score_evidence(metric, under_one_rule(before, now), Decimal("0.01"), 0.01)
    drops = (before.records.confidence - now.records.confidence).astype(np.float64) * (1 if higher_is_better else -1)
    low, high = stats.t.interval(0.95, 39, drops.mean(), stats.sem(drops))

    assert found is not None
    assert (old.value, new.value) == pytest.approx(tuple(side.records.confidence.mean() for side in (before, now)))
    assert stats.ttest_1samp(drops, 0.01, alternative="greater").pvalue == pytest.approx(found.p_beyond, rel=1e-3)
    assert (low, high) == pytest.approx((found.low, found.high), abs=1e-5)


@pytest.mark.parametrize(
    "drop_without",
    [
        lambda rows: 0.5,
        lambda rows: None if 0 in rows else 0.1 + len(rows),
        lambda rows: float(rows.mean()) if 0 in rows else None,
    ],
    ids=["none differs", "all but one are undefined", "one is undefined"],
)
def test_nothing_is_proven_without_a_spread(drop_without: object) -> None:
    """A change that no part moves, and one that does not exist without some part, prove nothing in any direction."""
    assert callable(drop_without)
    found = jackknife_evidence(ScoreChange(drop=0.5, on_rows=drop_without), deal(SAMPLES), Decimal("0.01"), 0.01)

    assert (found.p_beyond, found.p_within, found.p_worse, found.p_better, found.low, found.high) == NOTHING
    one_part = deal(SAMPLES.take(slice(1)))
    alone = jackknife_evidence(ScoreChange(drop=0.5, on_rows=lambda rows: 0.1), one_part, Decimal("0.01"), 0.01)
    assert 1.0 == alone.p_worse
    assert found.paired
    assert alone.paired


def test_two_parts_are_the_fewest() -> None:
    """Two parts give one degree of freedom and a wide interval."""
    values = np.array([0.1, 0.3])
    found = of_mean(values, deal(SAMPLES.take(slice(2))))

    assert stats.t.interval(0.95, 1, values.mean(), stats.sem(values)) == pytest.approx((found.low, found.high))
    assert found.paired


def test_few_changed_answers_do_not_exclude_a_drop() -> None:
    """p_within takes the variance of a drop by rare answers: 5 images, harm 1/5, margin 0.1, by hand."""
    values = np.array([0.01, -0.01, 0.0, 0.01, -0.01])
    change = ScoreChange(drop=0.0, on_rows=lambda rows: float(values[rows].mean()), harm=0.2)
    evidence = jackknife_evidence(change, np.arange(5), Decimal("0.1"), 0.05)

    assert stats.t.cdf((0.0 - 0.1) / np.sqrt(0.1 * 0.2), 4) == pytest.approx(evidence.p_within)
    assert stats.t.cdf((0.0 - 0.1) / np.sqrt(values.var(ddof=1) / 5), 4) == pytest.approx(1 - evidence.p_beyond)
    assert evidence.p_within > 0.2 > 1e-4 > 1 - evidence.p_beyond


def test_the_most_harmful_answer_is_the_surest_right_one() -> None:
    """Its label becomes another class, with the second largest probability; nothing else changes."""
    records = records_with(np.array([0.6, 0.9, 0.95]), np.array([1, 1, 0]))
    harmed = with_surest_wrong(records)

    assert [True, False, False] == harmed.correct.tolist()
    assert [True, False, True] == (harmed.label_log_probability == records.label_log_probability).tolist()
    assert np.log(records.second_probability[1]) == pytest.approx(harmed.label_log_probability[1])
    assert with_surest_wrong(records.take(np.array([2]))).correct.tolist() == [False]


@pytest.mark.parametrize("name", ["augrc", "brier"])
def test_a_drop_of_the_tolerance_is_rarely_taken_for_excluded(name: str) -> None:
    """Nearly equal scores, 1 of 50 right answers lost, a tolerance equal to the true change: shown in about 5 %."""
    metric = SCORE_METRICS[name]
    many = _nearly_equal(200_000, np.random.default_rng(0))
    old, new = (metric.measure(side.records, ~side.trusted).value for side in (many.before, many.now))
    assert old is not None
    assert new is not None
    change = Decimal(str(new - old))
    draws = [_nearly_equal(200, np.random.default_rng(seed)) for seed in range(1, 101)]
    found = [score_evidence(metric, sides, change, 0.05)[2] for sides in draws]
    shown = sum(evidence is not None and evidence.p_within < 0.05 for evidence in found)

    assert shown <= 100 * 0.05 + 3 * np.sqrt(100 * 0.05 * 0.95)


def _nearly_equal(count: int, random: np.random.Generator) -> Sides:
    """Return a model, and the same with jittered scores and 1 of 50 right answers lost."""
    sure = random.uniform(0.5, 0.99, count)
    right = random.random(count) < sure
    kept = right & (random.random(count) > 0.02)
    jittered = sure + random.uniform(-1e-3, 1e-3, count)
    before, now = records_with(sure, right), records_with(jittered, kept)
    return under_one_rule(outcomes_of(before, FailureRule()), outcomes_of(now, FailureRule()))

"""Type I error of each test divided by its nominal level, at the levels in use.

    python benchmarks/type_one.py [--draws 200000]

Each case is a truth under which a test must not reject more often than its level: nothing changed, a drop of
exactly the margin, or (the weak null of a ratio) confident_accuracy unchanged while many more or fewer are trusted.
Seeded; 1 is exact, less is conservative; the standard error at the nominal level is in brackets.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from areas import auroc_change_z
from numpy.typing import NDArray
from states import SHARES, outcomes

from pytest_failaware.judge.evidence import paired
from pytest_failaware.judge.metrics.names import one_sided_metric
from pytest_failaware.judge.metrics.rates import AT_COVERAGE, METRICS
from pytest_failaware.judge.metrics.scores import SCORE_METRICS
from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.judge.sides import under_one_rule
from pytest_failaware.judge.significance.paired import normal_p, tango_p

LEVELS = (0.05, 0.01, 0.01 / 12, 0.01 / 60)
SIZES = (500, 2000, 10000)
MARGIN = 0.005
TRUSTED_ABOVE = 0.65  # about 84 % of the scores are above this
RIGHT_SHARE = {"accuracy": SHARES[0] + SHARES[2], "confident_accuracy": SHARES[0] / (SHARES[0] + SHARES[1])}

Floats = NDArray[np.float64]
Generator = np.random.Generator
Sides = list[tuple[Floats, NDArray[np.bool_]]]
"""Scores and right answers before and now."""
Simulate = Callable[[int, Generator, int], Floats]
"""n, random numbers, draws -> the p of each draw, (draws,)."""


class Case(NamedTuple):
    """A test under one truth; a slow one gets a twentieth of the draws, the jackknife a fiftieth."""

    label: str
    simulate: Simulate
    slow: bool = False
    jackknifed: bool = False

    def worth(self, draws: int) -> int:
        """Return how many of the draws it gets."""
        return draws // (50 if self.jackknifed else 20 if self.slow else 1)


def cases() -> Iterator[Case]:
    """Yield every test with the truths that it must not reject."""
    for flips in (0.007, 0.05, 0.15):
        yield Case(f"McNemar mid-p, {flips:.1%} flips", partial(flipped, flips, 0.0))
        yield Case(f"Tango at the margin, {flips:.1%} flips", partial(flipped, flips, MARGIN))
    for right in (0.90, 0.98):
        for trusted, trusted_now in ((0.84, 0.84), (0.84, 0.78), (0.84, 0.90), (0.50, 0.05)):
            truth = f"right {right:.0%}, trusted {trusted:.0%} -> {trusted_now:.0%}"
            yield Case(f"ratio, {truth}", partial(ratio, right, trusted, trusted_now, 0.0))
            yield Case(f"ratio at the margin, {truth}", partial(ratio, right, trusted, trusted_now, MARGIN))
    yield Case("ratio at the baseline's coverage", at_coverage, slow=True)
    for name in ("accuracy", "confident_accuracy"):
        for size in (5, 20):
            yield Case(f"{name}, groups of {size}", partial(grouped, name, size, 0.0), slow=True)
            yield Case(f"{name} at the margin, groups of {size}", partial(grouped, name, size, MARGIN), slow=True)
    yield Case("AUROC", auroc, slow=True)
    for name in ("auroc_f", "augrc", "aurc", "nll", "ece"):
        yield Case(f"{name} by the jackknife", partial(scored, name, None, 0.0), jackknifed=True)
    yield Case("augrc by the jackknife, at the margin", partial(scored, "augrc", None, 0.03), jackknifed=True)
    yield Case("augrc by the jackknife, groups of 5", partial(scored, "augrc", 5, 0.0), jackknifed=True)


def jumping() -> Iterator[Case]:
    """Yield the jackknife of metrics that are not smooth, for which it promises nothing."""
    for name in ("adaptive_ece", "fpr_at_95tpr", "coverage_at_risk(0.05)", "worst_class_accuracy"):
        yield Case(f"{name} by the jackknife", partial(scored, name, None, 0.0), jackknifed=True)


# ---- a rate over all samples ---------------------------------------------------------------------------------------


def flipped(flips: float, margin: float, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of McNemar's and Tango's test if the true drop equals the margin."""
    rates = [(flips + margin) / 2, (flips - margin) / 2, 1 - flips]
    drawn = random.multinomial(n, rates, size=draws)[:, :2]
    return _each(drawn, lambda lost, gained: tango_p(lost, gained, n, margin))


def _each(counts: NDArray[np.int64], p: Callable[..., float]) -> Floats:
    """Return the p of every row of counts; equal rows are tested once."""
    found, rows = np.unique(counts, axis=0, return_inverse=True)
    return np.array([p(*map(int, row)) for row in found])[rows.ravel()]


# ---- a ratio over the samples that the model itself chooses --------------------------------------------------------

TRUSTED = np.array([1.0, 1.0, 0.0, 0.0])  # of the states trusted right, trusted wrong, flagged right, flagged wrong
RIGHT = np.array([1.0, 0.0, 0.0, 0.0])


def ratio(
    right: float, trusted: float, trusted_now: float, margin: float, n: int, random: Generator, draws: int
) -> Floats:
    """Return the p of the score test if confident_accuracy falls by the margin and the trusted share changes."""
    counts = random.multinomial(n, transitions(right, right - margin, trusted, trusted_now).ravel(), size=draws)
    return np.array([normal_p(z) for z in ratio_z(counts, margin)])


def transitions(right: float, right_now: float, trusted: float, trusted_now: float) -> Floats:
    """Return the probabilities (4, 4) of a sample's state before and now; most samples keep theirs."""
    flags = _agreeing(trusted, trusted_now, 0.01)
    answers = [[_agreeing(old, new, 0.008) for new in (right_now, 0.6)] for old in (right, 0.6)]
    return np.block([[flags[old, new] * answers[old][new] for new in (0, 1)] for old in (0, 1)])


def _agreeing(before: float, now: float, apart: float) -> Floats:
    """Return the 2 x 2 table of two events that differ in the fewest possible cases, and in `apart` more."""
    both = min(before, now) - apart
    return np.array([[both, before - both], [now - both, 1 - before - now + both]])


def ratio_z(counts: NDArray[np.int64], margin: float) -> Floats:
    """Return `ratios.ratio_z` for many draws at once, from the counts (draws, 16) of transitions."""
    before, now = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    total, total_now = counts @ TRUSTED[before], counts @ TRUSTED[now]
    pooled = (counts @ (RIGHT[before] + RIGHT[now]) + margin * total_now) / (total + total_now)
    r = np.clip(pooled, margin, 1.0)
    old = (RIGHT[before] - np.outer(r, TRUSTED[before])) / total[:, None]
    new = (RIGHT[now] - np.outer(r - margin, TRUSTED[now])) / total_now[:, None]
    expected = r * (1 - r) / total + (r - margin) * (1 - r + margin) / total_now - 2 * (counts * old * new).sum(axis=1)
    observed = (counts * (new - old) ** 2).sum(axis=1)
    variance = np.maximum(np.maximum(observed, expected), margin * (1 - margin) / total_now)
    return -(counts * (new - old)).sum(axis=1) / np.sqrt(np.where(variance > 0, variance, 1))


# ---- samples that come in groups -------------------------------------------------------------------------------------


def grouped(name: str, size: int, margin: float, n: int, random: Generator, draws: int) -> Floats:
    """Return the p for a rate that falls by the margin, if half of a group's samples have a common state."""
    groups = (np.arange(n) // size).astype(np.uint32)
    count = int(groups[-1]) + 1

    def p() -> float:
        shared, own = random.choice(4, count, p=SHARES), random.choice(4, n, p=SHARES)
        common = (random.random(n) < 0.5, random.random(count) < 0.15)
        redrawn = np.where(common[1], random.choice(4, count, p=SHARES), shared)
        before, after = (np.where(common[0], states[groups], own) for states in (shared, redrawn))
        falls = (after % 2 == 0) & (random.random(n) < margin / RIGHT_SHARE[name])
        old, new = (outcomes(states, groups) for states in (before, after + falls))
        evidence = paired(METRICS[name], under_one_rule(old, new), Decimal(str(margin)), 0.01)[2]
        return 1.0 if evidence is None else evidence.p_beyond

    return np.array([p() for _ in range(draws)])


# ---- tests that need each sample's score -----------------------------------------------------------------------------


def at_coverage(n: int, random: Generator, draws: int) -> Floats:
    """Return the p for confident_accuracy at equal coverage, for two models that are truly equal."""

    blank = outcomes(np.zeros(n, dtype=np.int64))

    def p() -> float:
        before, now = (
            dataclasses.replace(blank, right=right, trust=trust, trusted=trust > TRUSTED_ABOVE)
            for trust, right in _scored(random, n)
        )
        _, _, evidence = paired(AT_COVERAGE, under_one_rule(before, now), Decimal(0), 0.01)
        return 1.0 if evidence is None else evidence.p_worse

    return np.array([p() for _ in range(draws)])


def auroc(n: int, random: Generator, draws: int) -> Floats:
    """Return the p for the AUROC of right answers against wrong ones, for two models that are truly equal."""
    zs = (auroc_change_z(*_scored(random, n)) for _ in range(draws))
    return np.array([normal_p(z) for z in zs])


def scored(name: str, size: int | None, falls: float, n: int, random: Generator, draws: int) -> Floats:
    """Return the p for a score metric of two models that are truly equal, or whose true change equals the margin.

    Args:
        name: The metric.
        size: Size of groups, half of whose samples have a common state, or None if all are independent.
        falls: The share of right answers that become wrong with the same confidence.
        n: The number of samples.
        random: The source of random numbers.
        draws: The number of pairs of models.
    """
    metric, margin = one_sided_metric(name, "benchmark"), Decimal(0) if not falls else _true_worsening(name, falls)
    groups = None if size is None else (np.arange(n) // size).astype(np.uint32)

    def p() -> float:
        sides = _scored(random, n) if groups is None else _scored_together(random, groups)
        before, now = (_outcomes(trust, right, groups) for trust, right in _fallen(sides, falls, random))
        evidence = paired(metric, under_one_rule(before, now), margin, 0.01)[2]
        return 1.0 if evidence is None else evidence.p_beyond

    return np.array([p() for _ in range(draws)])


def _fallen(sides: Sides, falls: float, random: Generator) -> Sides:
    before, (trust, right) = sides
    return [before, (trust, right & (random.random(len(right)) >= falls))] if falls else sides


@cache
def _true_worsening(name: str, falls: float) -> Decimal:
    """Return the true loss of a metric, from a million samples."""
    random, metric = np.random.default_rng(11), SCORE_METRICS[name]
    sides = [_outcomes(*side, None) for side in _fallen(_scored(random, 1_000_000), falls, random)]
    before, now = (metric.measure(side.records, ~side.trusted).value or 0.0 for side in sides)
    return Decimal(repr((before - now) * metric.direction.value))


def _outcomes(trust: Floats, right: NDArray[np.bool_], groups: NDArray[np.uint32] | None) -> Outcomes:
    """Return predictions of ten classes, right or wrong, whose confidence is between 0.1 and 1."""
    blank, confidence = outcomes((~right).astype(np.int64), groups), 0.1 + 0.9 * trust
    label = (np.arange(len(right)) % 10).astype(np.uint16)
    columns = {
        "samples": dataclasses.replace(blank.records.samples, labels=label),
        "prediction": np.where(right, label, (label + 1) % 10).astype(np.uint16),
        "confidence": confidence.astype(np.float32),
        "label_log_probability": np.log(np.where(right, confidence, 1 - 0.9 * confidence)).astype(np.float32),
    }
    return dataclasses.replace(blank, records=dataclasses.replace(blank.records, **columns))


def _scored_together(random: Generator, groups: NDArray[np.uint32]) -> Sides:
    """Return the same as `_scored`, but half of the samples have the score and answers of their group."""
    own, shared = _scored(random, len(groups)), _scored(random, int(groups[-1]) + 1)
    common = random.random(len(groups)) < 0.5
    return [
        (np.where(common, trust[groups], trust_alone), np.where(common, right[groups], right_alone))
        for (trust, right), (trust_alone, right_alone) in zip(shared, own, strict=True)
    ]


def _scored(random: Generator, n: int) -> Sides:
    """Return scores and right answers of a model, and of a successor that draws a tenth of them again."""
    trust = random.beta(4, 0.6, size=(2, n))
    right = random.random((2, n)) < trust
    anew = random.random(n) < 0.1
    return [(trust[0], right[0]), (np.where(anew, trust[1], trust[0]), np.where(anew, right[1], right[0]))]


# ---- the table -----------------------------------------------------------------------------------------------------


def over_nominal(case: Case, n: int, draws: int, seed: int = 7) -> list[tuple[float, float]]:
    """Return for each level the share of rejections and its standard error, both divided by the level."""
    p = case.simulate(n, np.random.default_rng(seed), draws)
    return [(float((p < level).mean()) / level, math.sqrt((1 - level) / (level * len(p)))) for level in LEVELS]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=200_000)
    draws = parser.parse_args().draws
    print(f"share of {draws:,} draws ({draws // 20:,} where each sample has a score, {draws // 50:,} by the jackknife)")
    print("that reject, over the level")
    print(f"{'':<50}{'n':>8}" + "".join(f"{level:>14.4g}" for level in LEVELS))
    for case in (*cases(), *jumping()):
        for n in SIZES:
            found = over_nominal(case, n, case.worth(draws))
            print(f"{case.label:<50}{n:>8,}" + "".join(f"{f'{share:.2f} ({error:.2f})':>14}" for share, error in found))


if __name__ == "__main__":
    main()

"""Type I error of the moderated t against a recipe, divided by its nominal level.

    python benchmarks/seeds_type_one.py [--draws 20000] [--only TEXT]

Seeds and candidate have their answers drawn by one law. A fifth of the samples is drawn again for each seed, and the
trust and the right answers of a seed shift by normal numbers, so that the variance between seeds is several times that
of chance. At the margin the candidate loses right answers, so that its metric is lower by 0.005 in truth. Seeded; 1 is
exact; the standard error at the nominal level is in brackets. With an outlying seed nothing is promised.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.judge.significance.moderated import Spread, shared_prior

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEVELS: Final = (0.05, 0.01, 0.002)
MARGIN: Final = 0.005
CUT: Final = 0.65
REDRAWN: Final = 0.2
SAMPLES: Final = 500
CHUNK: Final = 4_000_000
"""Samples of seeds of draws at once, so that the memory stays small."""
METRICS: Final = ("accuracy", "ranking", "confident_accuracy", "confident_correct_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """How seeds are drawn: their number, the sizes of groups, and by how much a seed shifts.

    `outlier` is how many standard deviations the first seed lies too high.
    """

    label: str
    seeds: int
    group: int = 1
    shift: float = 0.015
    outlier: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Answers of all seeds, the candidate last: (draws, seeds + 1, N)."""

    right: Mask
    trust: Floats


def truths() -> Iterator[Truth]:
    """Yield every truth."""
    for seeds in (3, 5, 10):
        yield Truth(label=f"{seeds} seeds", seeds=seeds)
    yield Truth(label="3 seeds that differ by chance alone", seeds=3, shift=0.0)
    for seeds in (3, 5):
        yield Truth(label=f"{seeds} seeds, groups of 5", seeds=seeds, group=5)
    for seeds in (3, 5, 10):
        yield Truth(label=f"{seeds} seeds, one outlying", seeds=seeds, outlier=4.0)


def drawn(truth: Truth, random: np.random.Generator, draws: int) -> Drawn:
    """Return the answers of seeds and candidate; half of the samples of a group are as its first one."""
    sides, units = truth.seeds + 1, SAMPLES // truth.group
    trust, level = (_columns(random, (draws, 1), units, truth.group) for _ in range(2))
    again = _columns(random, (draws, sides), units, truth.group) < REDRAWN
    new_trust, new_level = (_columns(random, (draws, sides), units, truth.group) for _ in range(2))
    trust, level = np.where(again, new_trust, trust) ** 0.25, np.where(again, new_level, level)
    up = truth.shift * random.standard_normal((2, draws, sides, 1))
    up[:, :, 0] += truth.outlier * truth.shift
    return Drawn(right=level < trust + up[0], trust=trust + up[1])


def _columns(random: np.random.Generator, shape: tuple[int, int], units: int, group: int) -> Floats:
    """Return uniform numbers, (*shape, N)."""
    alone = random.random((*shape, units * group))
    if group == 1:
        return alone
    together, joins = np.repeat(random.random((*shape, units)), group, axis=2), random.random(alone.shape) < 0.5
    return np.where(joins, together, alone)


# ---- the test, for many draws at once --------------------------------------------------------------------------------


def p_values(truth: Truth, random: np.random.Generator, draws: int, margin: float) -> dict[str, Floats]:
    """Return the p of each metric, (draws,), if the candidate is lower by the margin in truth."""
    sample = drawn(truth, random, draws)
    seeds = Drawn(right=sample.right[:, :-1], trust=sample.trust[:, :-1])
    coverage = np.floor((seeds.trust > CUT).sum(axis=2).mean(axis=1) + 0.5).astype(int)
    values, chances, counts = {}, {}, {}
    for name in METRICS:
        good, counted, expected = masks(name, seeds, coverage)
        values[name], totals = good.sum(axis=2) / counted.sum(axis=2), counted.sum(axis=2).mean(axis=1)
        share = values[name].mean(axis=1)[:, None, None] if expected is None else expected
        scores = (good - share * counted) / totals[:, None, None]
        sums = scores.reshape(draws, truth.seeds, -1, truth.group).sum(axis=3)
        chances[name] = np.maximum(sums.var(axis=1, ddof=1).sum(axis=1), 1 / (truth.seeds * SAMPLES**2))
        counts[name] = np.minimum(totals, SAMPLES // truth.group)
    return {name: _p(truth, random, sample, coverage, name, margin, (values, chances, counts)) for name in METRICS}


_Spreads = tuple[Mapping[str, Floats], Mapping[str, Floats], Mapping[str, Floats]]
"""The values of the seeds, the variances of chance and the numbers of counted samples, by metric."""


def _p(
    truth: Truth,
    random: np.random.Generator,
    sample: Drawn,
    coverage: NDArray[np.intp],
    name: str,
    margin: float,
    spreads: _Spreads,
) -> Floats:
    values, chances, counts = spreads
    share = values[name].mean()
    falls = random.random(sample.right[:, -1:].shape) < margin / share
    candidate = Drawn(right=sample.right[:, -1:] & ~falls, trust=sample.trust[:, -1:])
    good, counted, _ = masks(name, candidate, coverage)
    now, nu = (good.sum(axis=2) / counted.sum(axis=2))[:, 0], truth.seeds - 1
    ratios = {other: values[other].var(axis=1, ddof=1) / chances[other] for other in METRICS}
    phi0, degrees = priors([ratios[other] for other in METRICS if other != name], nu)
    chance = chances[name]
    between = np.maximum(chance, (degrees * phi0 * chance + nu * ratios[name] * chance) / (degrees + nu))
    error = np.sqrt(between * (1 + 1 / truth.seeds) + margin * (1 - margin) / counts[name])
    t = (values[name].mean(axis=1) - now - margin) / error
    p: Floats = special.stdtr(nu + degrees, -t)
    return p


def priors(ratios: list[Floats], freedom: int) -> tuple[Floats, Floats]:
    """Return the shared ratio and the degrees of the prior of each draw; a ratio of 0 says nothing."""
    known = np.stack(ratios) > 0
    number = known.sum(axis=0)
    logs = np.log(np.where(known, np.stack(ratios), 1.0)).sum(axis=0)
    phi0, degrees = np.ones(len(number)), np.zeros(len(number))
    for count in range(1, len(ratios) + 1):
        unit = Spread(values=tuple(np.linspace(0, 1, freedom + 1)), chance=1.0, counted=1.0)
        prior = shared_prior([unit] * count, freedom)
        rows = number == count
        phi0[rows] = prior.ratio / unit.ratio * np.exp(logs[rows] / count)
        degrees[rows] = prior.degrees
    return phi0, degrees


def masks(name: str, side: Drawn, coverage: NDArray[np.intp]) -> tuple[Mask, Mask, Floats | None]:
    """Return the good and the counted samples, (draws, seeds, N), and the share at the threshold of a ranking."""
    trusted, every = side.trust > CUT, np.ones_like(side.right)
    if name == "accuracy":
        return side.right, every, None
    if name == "confident_accuracy":
        return side.right & trusted, trusted, None
    if name == "confident_correct_rate":
        return side.right & trusted, every, None
    order = np.argsort(-side.trust, axis=2)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(order.shape[2]), order.shape), axis=2)
    cut, reach = coverage[:, None, None], math.ceil(order.shape[2] ** 0.8 / 4)
    near = (ranks >= cut - reach) & (ranks < cut + reach)
    at_threshold = (side.right & near).sum(axis=2, keepdims=True) / near.sum(axis=2, keepdims=True)
    top = ranks < cut
    return side.right & top, top, at_threshold


# ---- normal numbers: the degrees of the prior ------------------------------------------------------------------------


def normal(seeds: int, correlation: float, random: np.random.Generator, draws: int, *, fixed: bool) -> list[float]:
    """Return the share of rejections over each level for four metrics of normal numbers, without a margin.

    The ratio of each metric scatters as the prior says. `fixed` is the prior of 4 degrees from all four ratios, as it
    is right for many metrics; else it is that of the package, from the three other ratios.
    """
    count, nu = len(METRICS), seeds - 1
    ratio = 4 / random.chisquare(4, (draws, count))
    mixing = np.linalg.cholesky(np.full((count, count), correlation) + (1 - correlation) * np.eye(count))
    x = random.standard_normal((draws, seeds + 1, count)) @ mixing.T * np.sqrt(ratio)[:, None, :]
    variance, p = x[:, :-1].var(axis=1, ddof=1), []
    for metric in range(count):
        if fixed:
            logs = np.log(variance).mean(axis=1) - special.digamma(nu / 2) + np.log(nu / 2)
            phi0, degrees = np.exp(logs + special.digamma(2) - np.log(2)), np.full(draws, 4.0)
        else:
            phi0, degrees = priors([variance[:, other] for other in range(count) if other != metric], nu)
        between = (degrees * phi0 + nu * variance[:, metric]) / (degrees + nu)
        t = (x[:, :-1, metric].mean(axis=1) - x[:, -1, metric]) / np.sqrt(between * (1 + 1 / seeds))
        p.append(special.stdtr(nu + degrees, -t))
    return [float((np.stack(p) < level).mean()) / level for level in LEVELS]


# ---- the table -------------------------------------------------------------------------------------------------------


def over_nominal(truth: Truth, draws: int, margin: float, seed: int = 11) -> dict[str, list[float]]:
    """Return for each metric the share of rejections over each level."""
    random, at_once = np.random.default_rng(seed), max(1, CHUNK // (SAMPLES * (truth.seeds + 1)))
    chunks = [p_values(truth, random, min(at_once, draws - done), margin) for done in range(0, draws, at_once)]
    p = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in METRICS}
    return {name: [float((of_metric < level).mean()) / level for level in LEVELS] for name, of_metric in p.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--only", default="", help="text in the labels of the truths to run")
    options = parser.parse_args()
    errors = [math.sqrt((1 - level) / (level * options.draws)) for level in LEVELS]
    print(f"share of {options.draws:,} draws that reject, over the level; {SAMPLES} samples")
    print(f"{'':<38}{'metric':<26}{'':<12}" + "".join(f"{level:>14.4g}" for level in LEVELS))
    for truth in truths():
        for label, margin in (("any drop", 0.0), ("at margin", MARGIN)) if options.only in truth.label else ():
            for name, shares in over_nominal(truth, options.draws, margin).items():
                cells = [f"{share:.2f} ({error:.2f})" for share, error in zip(shares, errors, strict=True)]
                print(f"{truth.label:<38}{name:<26}{label:<12}" + "".join(f"{cell:>14}" for cell in cells), flush=True)
    if options.only in "normal numbers":
        for line in _normal_rows(10 * options.draws):
            print(line, flush=True)


def _normal_rows(draws: int) -> Iterator[str]:
    for fixed, seeds, correlation in product((True, False), (3, 5, 10), (0.0, 0.5)):
        shares = normal(seeds, correlation, np.random.default_rng(1), draws, fixed=fixed)
        degrees = "4 degrees" if fixed else "degrees of the package"
        label = f"{f'normal numbers, {seeds} seeds':<38}{degrees:<26}{f'corr. {correlation}':<12}"
        yield label + "".join(f"{share:>7.2f}       " for share in shares).rstrip()


if __name__ == "__main__":
    main()

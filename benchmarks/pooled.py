"""The pooled verdict: its type I error divided by the level, and its power beside the gates of single conditions.

    python benchmarks/pooled.py [--draws 20000] [--power-draws 1000] [--only TEXT]

Type I: the mean over K conditions falls by exactly the margin of half a point. Power: every condition loses the same
share of right answers; red by the accuracy gate of any condition, or by the mean. Flips are independent between
conditions, or shared: a fifth of the samples has all flips of all conditions. Seeded; 1 is exact, less is conservative;
the standard error at the nominal level is in brackets.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from columns import Floats, Starts, coverage_parts, mean_z
from numpy.typing import NDArray
from scipy import special
from transitions import each
from truths import GROUPS, RIGHT_SHARE, Generator, Layout, drawn

from pytest_failaware.core.levels import levels_of
from pytest_failaware.judge.significance.paired import beyond_p

LEVELS: Final = (0.05, 0.01, 0.002)
MARGIN: Final = 0.005
CONDITIONS: Final = (3, 4, 20)
SIZES: Final = (500, 2000)
CHUNK: Final = 500_000
"""Samples of draws at once, so that the memory stays small."""
SHARED: Final = 0.2
"""The share of the samples that have all flips if flips are shared."""
RANKED: Final = 2
"""Accuracy gets so many times the draws that the ranking gets for each condition, which sorts every draw."""

Simulate = Callable[[int, Generator, int], Floats]
"""n, random numbers, draws -> the p of each draw, (draws,)."""


class Case(NamedTuple):
    """The pooled test under one truth; `conditions` says how many columns of samples a draw needs."""

    label: str
    simulate: Simulate
    conditions: int
    share: float = 1.0  # of the draws

    def worth(self, draws: int, n: int) -> int:
        """Return how many draws the case gets; those of 2,000 samples a quarter."""
        return max(1, int(draws * self.share * SIZES[0] / n))


# ---- type I error ----------------------------------------------------------------------------------------------------


def cases() -> Iterator[Case]:
    """Yield the mean accuracy and the mean ranking at the margin."""
    for conditions in CONDITIONS:
        for flips, name in ((MARGIN, "losses alone"), (0.05, "5% flips")):
            for layout in (None, GROUPS[1]):
                for is_shared in (False, True):
                    words = [f"accuracy, {conditions} conditions", name, *(["shared"] if is_shared else [])]
                    label = ", ".join([*words, *([layout.name] if layout else [])])
                    yield Case(label, partial(accuracy, conditions, flips, is_shared, layout), 1)
        for layout in (None, GROUPS[1]):
            label = ", ".join([f"ranking, {conditions} conditions, two ways", *([layout.name] if layout else [])])
            yield Case(label, partial(ranking, conditions, layout), conditions, 1 / (RANKED * conditions))


def accuracy(
    conditions: int, flips: float, is_shared: bool, layout: Layout | None, n: int, random: Generator, draws: int
) -> Floats:
    """Return the p of the mean accuracy if it falls by the margin."""
    changes, starts = flipped(conditions, flips, MARGIN, is_shared, layout, n, random, draws)
    return special.ndtr(-mean_z(changes / (conditions * n) + MARGIN / n, MARGIN, conditions, n, starts))


def flipped(
    conditions: int,
    flips: float,
    drop: float,
    is_shared: bool,
    layout: Layout | None,
    n: int,
    random: Generator,
    draws: int,
) -> tuple[NDArray[np.int64], Starts]:
    """Return the gains less the losses of each sample over all conditions, (draws, n), and the starts of groups."""
    if layout is None:
        return _changes(conditions, flips, drop, is_shared, n, random, draws), None
    group = layout.group_of(n)
    alone = _changes(conditions, flips, drop, is_shared, n, random, draws)
    together = _changes(conditions, flips, drop, is_shared, int(group[-1]) + 1, random, draws)
    is_common = random.random((draws, n)) < layout.shared
    return np.where(is_common, together[:, group], alone), np.flatnonzero(np.diff(group, prepend=-1))


def _changes(
    conditions: int, flips: float, drop: float, is_shared: bool, n: int, random: Generator, draws: int
) -> NDArray[np.int64]:
    weight = np.where(random.random((draws, n)) < SHARED, 1 / SHARED, 0.0) if is_shared else 1.0
    loses, gains = weight * (flips + drop) / 2, weight * (flips - drop) / 2
    lost = random.binomial(conditions, loses, size=(draws, n))
    gained: NDArray[np.int64] = random.binomial(conditions - lost, gains / (1 - loses), size=(draws, n))
    return gained - lost


def ranking(conditions: int, layout: Layout | None, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of the mean ranking if it falls by the margin in every condition, in two ways that are alike."""
    ways: list[list[Floats]] = [[], []]
    counted, starts = [], None
    for _ in range(conditions):
        pair = drawn(random, draws, n, falls=MARGIN / RIGHT_SHARE["confident_accuracy"], layout=layout)
        before, starts = pair.masks("confident_accuracy")[0], pair.starts
        counted.append(before[1].sum(axis=1))
        for way, noise in zip(ways, (0.0, 0.001), strict=True):
            score = pair.new_trust + noise * random.standard_normal(pair.new_trust.shape)
            way.append(coverage_parts(before, pair.new_right, score, MARGIN))
    harmonic = 1 / np.mean(1 / np.array(counted), axis=0)
    z = [mean_z(np.mean(way, axis=0), MARGIN, conditions, harmonic, starts) for way in ways]
    return special.ndtr(-np.array(z)).max(axis=0)


def over_nominal(case: Case, n: int, draws: int, seed: int = 7) -> list[tuple[float, float]]:
    """Return for each level the share of rejections and its standard error, both divided by the level."""
    random, at_once = np.random.default_rng(seed), max(1, CHUNK // (n * case.conditions))
    p = np.concatenate([case.simulate(n, random, min(at_once, draws - done)) for done in range(0, draws, at_once)])
    return [(float((p < level).mean()) / level, math.sqrt((1 - level) / (level * len(p)))) for level in LEVELS]


# ---- power -----------------------------------------------------------------------------------------------------------

ALPHA: Final = Decimal("0.01")
POWER_SIZES: Final = (1000, 5000)
POWER_CONDITIONS: Final = (4, 20, 95)
FLIPS: Final = (0.02, 0.1)
WANTED: Final = 0.8
RESOLUTION: Final = 1e-4
"""How near the bisection comes to the drop."""


def reds(
    conditions: int, flips: float, drop: float, is_shared: bool, n: int, random: Generator, draws: int
) -> tuple[float, float]:
    """Return how often the accuracy gate of any condition is red, and how often the mean is."""
    levels = levels_of(ALPHA, conditions=conditions, metrics=4, has_guard=True, has_golden=False)
    shares = [(flips + drop) / 2, (flips - drop) / 2, 1 - flips]
    counts = random.multinomial(n, shares, size=(draws, conditions))[:, :, :2].reshape(-1, 2)
    p = each(counts, lambda lost, gained: beyond_p(lost, gained, n, MARGIN)).reshape(draws, conditions)
    changes = _changes(conditions, flips, drop, is_shared, n, random, draws)
    of_mean = special.ndtr(-mean_z(changes / (conditions * n) + MARGIN / n, MARGIN, conditions, n, None))
    return float((p.min(axis=1) < levels.gate).mean()), float((of_mean < levels.pooled).mean())


def smallest_drop(power: Callable[[float], float], flips: float) -> float:
    """Return the loss that has a power of 80 %, by bisection; NaN if a loss of all that can be lost has less."""
    low, high = MARGIN, min(flips, 0.1)
    if power(high) < WANTED:
        return math.nan
    while high - low > RESOLUTION:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= WANTED else (middle, high)
    return high


def smallest_drops(conditions: int, flips: float, is_shared: bool, n: int, draws: int) -> tuple[float, float]:
    """Return the common losses that any accuracy gate and that the mean find four times out of five."""

    def power(drop: float, column: int) -> float:
        return reds(conditions, flips, drop, is_shared, n, np.random.default_rng(11), draws)[column]

    alone, mean = (smallest_drop(partial(power, column=column), flips) for column in (0, 1))
    return alone, mean


# ---- the tables ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20_000, help="of 500 samples; of 2,000 a quarter")
    parser.add_argument("--power-draws", type=int, default=1000)
    parser.add_argument("--only", default="", help="text in the labels of the cases to run, without the power")
    options = parser.parse_args()
    print("share of the draws that reject at the margin, over the level")
    print(f"{'':<60}{'n':>6}{'draws':>9}" + "".join(f"{level:>14.4g}" for level in LEVELS))
    for case in cases():
        for n in SIZES if options.only in case.label else ():
            draws = case.worth(options.draws, n)
            cells = [f"{share:.2f} ({error:.2f})" for share, error in over_nominal(case, n, draws)]
            print(f"{case.label:<60}{n:>6,}{draws:>9,}" + "".join(f"{cell:>14}" for cell in cells), flush=True)
    if options.only:
        return
    print("\nthe smallest common loss that is red four times out of five, in points: any accuracy gate / the mean")
    print(f"{'':<32}" + "".join(f"{f'{count} conditions':>18}" for count in POWER_CONDITIONS))
    for n in POWER_SIZES:
        for flips in FLIPS:
            for is_shared in (False, True):
                found = [smallest_drops(count, flips, is_shared, n, options.power_draws) for count in POWER_CONDITIONS]
                cells = [f"{100 * alone:.2f} / {100 * mean:.2f}" for alone, mean in found]
                label = f"n {n:,}, {flips:.0%} flips{', shared' if is_shared else ''}"
                print(f"{label:<32}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()

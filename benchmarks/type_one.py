"""Type I error of each test divided by its nominal level, at the levels in use.

    python benchmarks/type_one.py [--draws 1000000] [--only TEXT]

Each case is a truth under which a test must not reject more often than its level: nothing changed, a drop of exactly
the margin, or (the weak null of a ratio) confident_accuracy unchanged while many more or fewer are trusted.
Seeded; 1 is exact, less is conservative; the standard error at the nominal level is in brackets.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from columns import Floats, coverage_z, ratio_z
from jackknifed import AREAS, by_package, scored
from scipy import special
from transitions import each, ratio_p
from truths import COPIES, CUT, GROUPS, RIGHT_SHARE, Drawn, Generator, Layout, drawn

from pytest_failaware.judge.significance.paired import beyond_p, tango_p, within_p

LEVELS: Final = (0.05, 0.01, 4e-4)
MARGIN: Final = 0.005
BUDGET: Final = 0.01
"""The drift budget."""
GUARD: Final = 0.10
CHUNK: Final = 500_000
"""Samples of draws at once, so that the memory stays small."""
AT_ONCE: Final = 200_000
"""Draws of counts at once."""

WEIGHT: Final = 25
JACKKNIFED: Final = 10

Simulate = Callable[[int, Generator, int], Floats]
"""n, random numbers, draws -> the p of each draw, (draws,)."""


class Case(NamedTuple):
    """A test under one truth; `weight` is the number of samples for each draw of --draws, 0 if counts are drawn."""

    label: str
    simulate: Simulate
    weight: int = 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of samples."""
        return (500, 2000) if self.weight else (500, 2000, 10000)

    def worth(self, draws: int, n: int) -> int:
        """Return how many draws the case gets."""
        return max(1, draws * self.weight // n) if self.weight else draws


def cases() -> Iterator[Case]:
    """Yield every test with the truths that it must not reject."""
    yield from rates()
    yield from ratios()
    yield from rankings()
    yield from jackknifed()
    yield from guards()
    for layout in (*GROUPS, *COPIES):
        yield from together(layout)


def limits() -> Iterator[Case]:
    """Yield what is not promised: copies that count as independent images, metrics that jump, a trust of two values.

    With two values the cut lies between two blocks of ties, and one sample more or less brings in other answers.
    """
    for layout in COPIES:
        yield Case(f"accuracy, {layout.name}, as if independent", partial(as_if_independent, layout), WEIGHT)
    for name in ("ece", "adaptive_ece", "fpr_at_95tpr", "coverage_at_risk(0.05)", "worst_class_accuracy"):
        yield Case(f"{name}, any drop", partial(by_package, name), 1)
    yield Case("ranking, any drop, 2 different scores", partial(ranking, (0.0,), 2, 0.0), WEIGHT)
    yield Case("ranking at the margin, 2 different scores", partial(ranking, (0.0,), 2, MARGIN), WEIGHT)


# ---- a rate over all samples ---------------------------------------------------------------------------------------


def rates() -> Iterator[Case]:
    """Yield McNemar's and Tango's tests."""
    for flips in (0.007, 0.05, 0.15):
        yield Case(f"rate, any drop, {flips:.1%} flips", partial(flipped, tango_p, flips, 0.0))
        yield Case(f"rate at the margin, {flips:.1%} flips", partial(flipped, beyond_p, flips, MARGIN))
        yield Case(f"rate, within the margin, {flips:.1%} flips", partial(flipped, within_p, flips, MARGIN))
    yield Case("rate at the margin, losses alone", partial(flipped, beyond_p, MARGIN, MARGIN))
    yield Case("rate, within the margin, losses alone", partial(flipped, within_p, MARGIN, MARGIN))
    yield Case("rate at 5 points, 7.0% flips", partial(flipped, beyond_p, 0.07, 0.05))
    yield Case("rate at the drift budget, 5.0% flips", partial(flipped, beyond_p, 0.05, BUDGET))


def flipped(
    test: Callable[[int, int, int, float], float], flips: float, margin: float, n: int, random: Generator, draws: int
) -> Floats:
    """Return the p of a test of a rate if the true drop equals the margin."""
    shares = [(flips + margin) / 2, (flips - margin) / 2, 1 - flips]
    counts = random.multinomial(n, shares, size=draws)[:, :2]
    return each(counts, lambda lost, gained: test(lost, gained, n, margin))


# ---- a ratio over the samples that the model itself trusts -----------------------------------------------------------


def ratios() -> Iterator[Case]:
    """Yield the score test of a ratio; the trusted share stays, falls or rises."""
    for right in (0.90, 0.98):
        for trusted, trusted_now in ((0.84, 0.84), (0.84, 0.78), (0.84, 0.90), (0.50, 0.05)):
            truth = f"right {right:.0%}, trusted {trusted:.0%} -> {trusted_now:.0%}"
            yield Case(f"ratio, any drop, {truth}", partial(ratio_p, right, trusted, trusted_now, 0.0))
            yield Case(f"ratio at the margin, {truth}", partial(ratio_p, right, trusted, trusted_now, MARGIN))
    truth = "right 90%, trusted 84% -> 84%"
    yield Case(f"ratio at the drift budget, {truth}", partial(ratio_p, 0.9, 0.84, 0.84, BUDGET))


# ---- the ranking -----------------------------------------------------------------------------------------------------

WAYS: Final = {
    "thresholds alone": (0.0,),
    "two ways alike": (0.0, 0.001),
    "two ways, worse by the temperature": (0.0, 0.3),
    "two ways, worse by the thresholds": (0.3, 0.0),
    "three ways, worse by the new rule": (0.0, 0.001, 0.3),
}
"""How much each way disturbs the order of the samples. A disturbed way ranks worse in truth, the others do not."""


def rankings() -> Iterator[Case]:
    """Yield the ranking at the coverage of the baseline, in one, two and three ways, with and without ties."""
    for label, ways in WAYS.items():
        yield Case(f"ranking, any drop, {label}", partial(ranking, ways, None, 0.0), WEIGHT)
        yield Case(f"ranking at the margin, {label}", partial(ranking, ways, None, MARGIN), WEIGHT)
    yield Case("ranking, any drop, 20 different scores", partial(ranking, (0.0,), 20, 0.0), WEIGHT)
    yield Case("ranking at the margin, 20 different scores", partial(ranking, (0.0,), 20, MARGIN), WEIGHT)
    at_budget = partial(ranking, WAYS["two ways alike"], None, BUDGET)
    yield Case("ranking at the drift budget, two ways alike", at_budget, WEIGHT)


def ranking(ways: tuple[float, ...], steps: int | None, margin: float, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of the ranking if it falls by the margin in the ways that are not disturbed.

    Args:
        ways: how much each way disturbs the order.
        steps: the number of different scores, None if all differ.
        margin: the fall.
        n: the number of samples.
        random: the source of random numbers.
        draws: the number of pairs of models.
    """
    pair = drawn(random, draws, n, falls=margin / RIGHT_SHARE["confident_accuracy"])
    if steps is not None:
        pair = pair._replace(trust=_tied(pair.trust, steps), new_trust=_tied(pair.new_trust, steps))
    return _ranking_p(pair, [_disturbed(pair.new_trust, way, random) for way in ways], margin)


def _tied(trust: Floats, steps: int) -> Floats:
    """Return trusts of so many different values; the same samples are above the cut."""
    if steps == 2:
        return np.where(trust > CUT, 1.0, 0.0)
    return np.ceil(trust * steps) / steps


def _disturbed(trust: Floats, way: float, random: Generator) -> Floats:
    return trust + way * random.standard_normal(trust.shape) if way else trust


def _ranking_p(pair: Drawn, scores: list[Floats], margin: float) -> Floats:
    before, _ = pair.masks("confident_accuracy")
    z = coverage_z(before, pair.new_right, scores, margin, pair.starts)
    return special.ndtr(-z).max(axis=0)


# ---- score metrics ---------------------------------------------------------------------------------------------------


def jackknifed() -> Iterator[Case]:
    """Yield the jackknife of score metrics."""
    for name in (*AREAS, "nll"):
        yield Case(f"{name}, any drop", partial(scored, name, None, False, 0.0), JACKKNIFED)
    yield Case("augrc at the margin", partial(scored, "augrc", None, False, 0.03), JACKKNIFED)
    for name in AREAS:
        yield Case(f"{name}, within the margin, few changes", partial(scored, name, None, True, 0.0), JACKKNIFED)


# ---- the class guard -------------------------------------------------------------------------------------------------


def guards() -> Iterator[Case]:
    """Yield the class guard; every class loses exactly what it allows, with and without gains."""
    for classes in (10, 100):
        for flips in (GUARD, 0.15):
            label = f"class guard, {classes} classes, all lose 10 points, {flips:.0%} flips"
            yield Case(label, partial(guard, classes, flips, GUARD))
        yield Case(f"class guard, {classes} classes, 10% flips, no loss", partial(guard, classes, 0.1, 0.0))


def guard(classes: int, flips: float, drop: float, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of the class guard if every class loses the same."""
    size = max(1, n // classes)
    shares = [(flips + drop) / 2, (flips - drop) / 2, 1 - flips]
    found = np.ones(draws)
    for _ in range(classes):
        counts = random.multinomial(size, shares, size=draws)[:, :2]
        found = np.minimum(found, each(counts, lambda lost, gained: beyond_p(lost, gained, size, GUARD)))
    return np.minimum(1.0, classes * found)


# ---- samples that belong together ------------------------------------------------------------------------------------


def together(layout: Layout) -> Iterator[Case]:
    """Yield the tests over groups, and over copies."""
    for name in ("accuracy", "confident_accuracy"):
        for margin, label in ((0.0, f"{name}, any drop"), (MARGIN, f"{name} at the margin")):
            yield Case(f"{label}, {layout.name}", partial(grouped, name, margin, layout, False), WEIGHT)
    label = f"accuracy, within the margin, {layout.name}"
    yield Case(label, partial(grouped, "accuracy", MARGIN, layout, True), WEIGHT)
    yield Case(f"ranking, any drop, two ways, {layout.name}", partial(grouped_ranking, 0.0, layout), WEIGHT)
    yield Case(f"ranking at the margin, two ways, {layout.name}", partial(grouped_ranking, MARGIN, layout), WEIGHT)
    yield Case(f"augrc, any drop, {layout.name}", partial(scored, "augrc", layout, False, 0.0), JACKKNIFED)
    yield Case(f"class guard, 10 classes, all lose 10 points, {layout.name}", partial(grouped_guard, layout), WEIGHT)


def grouped(name: str, margin: float, layout: Layout, is_within: bool, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of a rate that falls by the margin, tested over groups."""
    pair = drawn(random, draws, n, falls=margin / RIGHT_SHARE[name], layout=layout)
    z = ratio_z(*pair.masks(name), margin, pair.starts)
    return special.ndtr(z if is_within else -z)


def grouped_ranking(margin: float, layout: Layout, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of the ranking that falls by the margin in both ways, tested over groups."""
    pair = drawn(random, draws, n, falls=margin / RIGHT_SHARE["confident_accuracy"], layout=layout)
    return _ranking_p(pair, [pair.new_trust, pair.new_trust], margin)


def grouped_guard(layout: Layout, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of the guard over ten classes, each tested over its groups."""
    found = np.ones(draws)
    for _ in range(10):
        pair = drawn(random, draws, n // 10, falls=GUARD / RIGHT_SHARE["accuracy"], layout=layout)
        found = np.minimum(found, special.ndtr(-ratio_z(*pair.masks("accuracy"), GUARD, pair.starts)))
    return np.minimum(1.0, 10 * found)


def as_if_independent(layout: Layout, n: int, random: Generator, draws: int) -> Floats:
    """Return the p of McNemar's test that takes copies for independent images."""
    pair = drawn(random, draws, n, layout=layout)
    lost, gained = (pair.right & ~pair.new_right).sum(axis=1), (~pair.right & pair.new_right).sum(axis=1)
    return each(np.stack([lost, gained], axis=1), lambda lost, gained: tango_p(lost, gained, n, 0.0))


# ---- the table -----------------------------------------------------------------------------------------------------


def over_nominal(case: Case, n: int, draws: int, seed: int = 7) -> list[tuple[float, float]]:
    """Return for each level the share of rejections and its standard error, both divided by the level."""
    random, at_once = np.random.default_rng(seed), max(1, CHUNK // n) if case.weight else AT_ONCE
    chunks = [case.simulate(n, random, min(at_once, draws - done)) for done in range(0, draws, at_once)]
    p = np.concatenate(chunks)
    return [(float((p < level).mean()) / level, math.sqrt((1 - level) / (level * len(p)))) for level in LEVELS]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="text in the labels of the cases to run")
    options = parser.parse_args()
    print("share of the draws that reject, over the level")
    print(f"{'':<72}{'n':>7}{'draws':>11}" + "".join(f"{level:>14.4g}" for level in LEVELS))
    for case in (*cases(), *limits()):
        for n in case.sizes if options.only in case.label else ():
            draws = case.worth(options.draws, n)
            cells = [f"{share:.2f} ({error:.2f})" for share, error in over_nominal(case, n, draws)]
            print(f"{case.label:<72}{n:>7,}{draws:>11,}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()

"""The power of a gate against a recipe: the smallest drop that its seeds can show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scipy import special

from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.records import Records
from pytest_failaware.core.result import SeedSensitivity
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.recipe.spreads import recipe_of
from pytest_failaware.judge.significance.moderated import Spread, moderated_variance, shared_prior


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedTest:
    """The test of one metric against k seeds: what decides its power.

    `variance` is that between the seeds, and `degrees` are those of its estimate, nu + d. `counted` is the number of
    independent samples that a fall is spread over.
    """

    seeds: int
    variance: float
    degrees: float
    counted: float
    margin: float
    level: float

    @property
    def error(self) -> float:
        """The standard error of the difference between the mean of the seeds and one more seed, with the margin's."""
        of_margin = self.margin * (1 - self.margin) / self.counted
        return math.sqrt(self.variance * (1 + 1 / self.seeds) + of_margin)

    @property
    def needed(self) -> float:
        """The statistic that a red gate exceeds."""
        return float(special.stdtrit(self.degrees, 1 - self.level))


def smallest_drop(test: SeedTest, power: float = 0.8) -> float:
    """Return the drop from the mean of the recipe that turns the gate red in `power` of all cases.

    m + c sqrt(s² (1 + 1/k) + m (1 - m) / n), where Student's t with noncentrality c exceeds its level with this power.

    >>> test = SeedTest(seeds=5, variance=0.0035**2, degrees=8, counted=5000, margin=0.005, level=0.01 / 16)
    >>> round(100 * smallest_drop(test), 1)
    2.9
    """
    return test.margin + float(special.nctdtrinc(test.degrees, 1 - power, test.needed)) * test.error


def chance_of_red(test: SeedTest, drop: float) -> float:
    """Return the probability that the gate is red if the candidate lies this much below the mean of the recipe.

    >>> test = SeedTest(seeds=5, variance=0.0035**2, degrees=8, counted=5000, margin=0.005, level=0.01 / 16)
    >>> round(chance_of_red(test, smallest_drop(test)), 3)
    0.8
    """
    return 1 - float(special.nctdtr(test.degrees, (drop - test.margin) / test.error, test.needed))


def seed_sights(
    gate: Gate, seeds: Sequence[Records], rule: FailureRule, n: int | None = None
) -> Iterator[SeedSensitivity]:
    """Yield the smallest drop that each default metric among the gates can show against these seeds.

    Nothing under policies that compare two models.

    Args:
        gate: the metrics, their tolerances and the level.
        seeds: the records of all seeds of one condition.
        rule: the stored rule.
        n: the assumed number of samples; None for the measured number. Chance alone depends on it.
    """
    if gate.policy is not Policy.BEYOND_TOLERANCE:
        return
    spreads, more = recipe_of(seeds, seeds[0], rule).spreads, 1.0 if n is None else n / len(seeds[0])
    for name, spread in spreads.items():
        if name in gate.metrics:
            others = [other for key, other in spreads.items() if key != name]
            yield _sight(name, spread.chance / more, seed_test(gate, name, spread, others, more))


def seed_test(gate: Gate, name: str, spread: Spread, others: Sequence[Spread], more: float = 1.0) -> SeedTest:
    """Return the test of a metric against the seeds with this spread.

    Args:
        gate: the tolerances and the level.
        name: the metric.
        spread: its values over the seeds.
        others: the spreads of the other default metrics.
        more: how many times as many samples are assumed.
    """
    prior = shared_prior(others, spread.freedom)
    between = moderated_variance(spread, prior) - spread.chance
    return SeedTest(
        seeds=len(spread.values),
        variance=between + spread.chance / more,
        degrees=spread.freedom + prior.degrees,
        counted=spread.counted * more,
        margin=float(gate.against_recipe.allowed(name)),
        level=gate.levels.gate,
    )


def _sight(name: str, chance: float, test: SeedTest) -> SeedSensitivity:
    return SeedSensitivity(
        metric=name,
        seeds=test.seeds,
        deviation=math.sqrt(test.variance),
        over_chance=test.variance / chance,
        drop=min(1.0, smallest_drop(test)),
    )

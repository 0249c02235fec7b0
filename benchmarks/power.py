"""The power of the default gates beside the former ones, and of the ranking in two ways.

    python benchmarks/power.py [--draws 400]

A drop: a share of all answers, right before, turns wrong with the same scores, in one condition of a marked test; else
the models are equal in truth, although 4 % of the answers differ. The former gates were accuracy,
confident_accuracy, silent_failure_rate and confident_correct_rate, all with a tolerance of half a point, at a level of
alpha / (conditions x 4). The class guard is not counted.

For the ranking the logits of each sample are divided by a temperature of its own, exp(N(0, s)), which changes no answer
and makes the trust a worse order. Seeded; prints how often a gate of the condition is red.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import numpy as np
from population import RULE, Population, lowered, records_of

from pytest_failaware.core.levels import levels_of
from pytest_failaware.core.records import Records
from pytest_failaware.core.result import CoverageWay
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.evidence import paired
from pytest_failaware.judge.metrics.rates import AT_COVERAGE, METRICS
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.sides import Sides, under_one_rule

ALPHA: Final = Decimal("0.01")
POINT: Final = Decimal("0.005")
FORMER: Final = dict.fromkeys(
    ("accuracy", "confident_accuracy", "silent_failure_rate", "confident_correct_rate"), POINT
)
NOW: Final = {
    "accuracy": POINT,
    AT_COVERAGE.name: POINT,
    "confident_accuracy": POINT,
    "confident_correct_rate": Decimal("0.05"),
}
TABLE: Final = {**METRICS, AT_COVERAGE.name: AT_COVERAGE}
SIZES: Final = (500, 2000, 10000)
CONDITIONS: Final = (4, 20, 95)
DROPS: Final = (0.01, 0.03)
JITTERS: Final = (0.5, 0.75, 1.0)


def levels(conditions: int) -> tuple[float, float]:
    """Return the level of each gate, former and now; without a golden reference."""
    now = levels_of(ALPHA, conditions=conditions, metrics=len(NOW), has_guard=True, has_golden=False)
    return float(ALPHA) / (conditions * len(FORMER)), now.gate


def p_of(sides: Sides, gates: Mapping[str, Decimal]) -> dict[str, float]:
    """Return the p of each gate beyond its tolerance."""
    evidence = {name: paired(TABLE[name], sides, tolerance, 0.01)[2] for name, tolerance in gates.items()}
    return {name: 1.0 if one is None else one.p_beyond for name, one in evidence.items()}


def dropped(population: Population, n: int, drop: float, random: np.random.Generator) -> Sides:
    """Return a model and its successor under the first condition, whose accuracy is lower by the drop."""
    before, now, _ = population.models(0, *population.rows(random, n))
    return under_one_rule(outcomes_of(before, RULE), outcomes_of(lowered(now, drop, random), RULE))


def power(population: Population, n: int, drop: float, draws: int) -> Mapping[str, np.ndarray]:
    """Return the least p of the former gates and of the gates now, and the p of accuracy, (draws,) each."""
    random, found = np.random.default_rng(7), []
    for _ in range(draws):
        sides = dropped(population, n, drop, random)
        former, now = p_of(sides, FORMER), p_of(sides, NOW)
        found.append((min(former.values()), min(now.values()), now["accuracy"]))
    return dict(zip(("former", "now", "accuracy"), np.array(found).T, strict=True))


def jittered(population: Population, spread: float) -> tuple[Records, Records]:
    """Return the population under the first condition, and the same with a temperature of each sample."""
    logits = population.logits[0, 0]
    temperatures = np.exp(np.random.default_rng(5).normal(0, spread, len(logits)))
    return population.records[0][0], records_of(logits / temperatures[:, None], population.labels)


def ranking_power(before: Records, now: Records, n: int, draws: int, level: float) -> tuple[float, dict[str, float]]:
    """Return the true fall of the ranking, by the thresholds, and how often each way and all ways prove it."""
    whole = paired(AT_COVERAGE, under_one_rule(outcomes_of(before, RULE), outcomes_of(now, RULE)), POINT, level)
    reference, evidence = whole[0], whole[2]
    if evidence is None or reference.value is None:
        raise ValueError("the population has no trusted sample")
    true = reference.value - float(evidence.ways[0].current.value or 0.0)
    random, found = np.random.default_rng(7), []
    for _ in range(draws):
        rows = random.integers(0, len(before), n)
        sides = under_one_rule(*(outcomes_of(_taken(side, rows), RULE) for side in (before, now)))
        drawn = paired(AT_COVERAGE, sides, POINT, level)[2]
        if drawn is not None:
            p = {way.way: way.p_beyond for way in drawn.ways}
            found.append((p[CoverageWay.THRESHOLDS], p[CoverageWay.TEMPERATURE], drawn.p_beyond))
    red = (np.array(found) < level).sum(axis=0) / draws
    return true, dict(zip(("thresholds", "temperature", "both ways"), map(float, red), strict=True))


def _taken(records: Records, rows: np.ndarray) -> Records:
    samples = Samples(ids=np.arange(len(rows), dtype=np.uint64), labels=records.label[rows])
    return Records.of_outcome(samples, {name: column[rows] for name, column in records.outcome.items()})


def drop_lines(population: Population, draws: int) -> list[str]:
    """Return the table of drops."""
    lines = [f"{'drop':<8}{'n':>8}" + "".join(f"{f'{count} conditions':>22}" for count in CONDITIONS)]
    for drop in DROPS:
        for n in SIZES:
            least, cells = power(population, n, drop, draws), []
            for conditions in CONDITIONS:
                former, now = levels(conditions)
                pairs = (("former", former), ("now", now), ("accuracy", now))
                cells.append(" / ".join(f"{(least[name] < level).mean():.2f}" for name, level in pairs))
            lines.append(f"{drop:<8.0%}{n:>8,}" + "".join(f"{cell:>22}" for cell in cells))
    return lines


def jitter_lines(population: Population, draws: int, n: int = 5000) -> list[str]:
    """Return the table of the ranking at the level of four conditions."""
    level = levels(4)[1]
    lines = [f"{'s':<6}{'true fall':>12}{'thresholds':>14}{'temperature':>14}{'both ways':>14}"]
    for spread in JITTERS:
        true, red = ranking_power(*jittered(population, spread), n, draws, level)
        lines.append(f"{spread:<6}{f'{100 * true:.2f} pt':>12}" + "".join(f"{share:>14.2f}" for share in red.values()))
    return lines


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=400)
    draws, population = parser.parse_args().draws, Population()
    print(f"red by any former gate / by any gate now / by accuracy now; {draws} draws")
    print("\n".join(drop_lines(population, draws)))
    print(f"\nthe ranking under jitter, 5,000 samples, level {levels(4)[1]:.1e}, {draws} draws")
    print("\n".join(jitter_lines(population, draws)))


if __name__ == "__main__":
    main()

"""How often the gates err: false alarms of equal models, wrong passes at the limit, and the drops they find.

    python benchmarks/false_alarms.py [--draws 1000]

Each draw is a marked test of 8 conditions x 4 gating metrics. A model's successor keeps each sample's outcome (right or
wrong, trusted or flagged) unless it is drawn anew from the same distribution, so the two are equal in truth though 5 to
15 % of the answers flip; a true drop turns right answers wrong. Seeded; prints shares with their standard errors.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial

import numpy as np

from pytest_failaware.judge.evidence import paired_evidence, unpaired_evidence
from pytest_failaware.judge.gating import worsening
from pytest_failaware.judge.metrics import DEFAULT_GATES, METRICS, Metric
from pytest_failaware.judge.policy import decide
from pytest_failaware.judge.significance import clopper_pearson_upper
from pytest_failaware.marker import build_gate
from pytest_failaware.schema import Estimate, Gate, Policy, Verdict

CONDITIONS = ["clean", "blur", *(f"blur(radius={radius})" for radius in range(3, 9))]
STATES = np.array([0.80, 0.06, 0.10, 0.04])  # trusted right, trusted wrong, flagged right, flagged wrong
NAMES = ("trusted_right", "trusted_wrong", "flagged_right", "flagged_wrong")


def successor(random: np.random.Generator, n: int, drop: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The states (N,) of a model and of its successor, whose answers flip for 5 to 15 % of the samples."""
    before = random.choice(4, n, p=STATES)
    anew = random.random(n) < random.uniform(0.05, 0.15) / (2 * 0.90 * 0.10)
    now = np.where(anew, random.choice(4, n, p=STATES), before)
    falls = (now % 2 == 0) & (random.random(n) < drop / 0.90)
    return before, now + falls


def masks(metric: Metric, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The samples that a metric counts, and those it counts them among."""
    inside = (metric.numerator, metric.denominator)
    counted, among = (np.isin(states, [NAMES.index(name) for name in names]) for names in inside)
    return counted, among


def verdict(gate: Gate, name: str, before: np.ndarray, now: np.ndarray, *, paired: bool = True) -> Verdict:
    """What the gate says about one metric of two columns of states."""
    metric, tolerance = METRICS[name], gate.tolerance[name]
    sides = masks(metric, before), masks(metric, now)
    old, new = (Estimate(numerator=int(counted.sum()), denominator=int(among.sum())) for counted, among in sides)
    if paired:
        evidence = paired_evidence(*sides, metric.direction, tolerance, gate.level)
    else:
        evidence = unpaired_evidence(old, new, metric.direction, tolerance, gate.level)
    drop = worsening(old.fraction or Fraction(0), new.fraction or Fraction(0), metric.direction)
    return decide(gate.policy, evidence, drop, Fraction(tolerance))[0]


def share(draws: int, seed: int, one: Callable[[np.random.Generator], bool]) -> tuple[float, float]:
    """How often a draw is true, and the standard error of that."""
    random = np.random.default_rng(seed)
    found = sum(one(random) for _ in range(draws)) / draws
    return found, math.sqrt(max(found * (1 - found), 1 / draws) / draws)


def any_alarm(gate: Gate, n: int) -> Callable[[np.random.Generator], bool]:
    """Whether any of the marked test's gates fails though the models are equal."""

    def draw(random: np.random.Generator) -> bool:
        pairs = [successor(random, n) for _ in CONDITIONS]
        return any(verdict(gate, name, *pair) is Verdict.REGRESSED for pair in pairs for name in DEFAULT_GATES)

    return draw


def wrong_pass(gate: Gate, n: int) -> Callable[[np.random.Generator], bool]:
    """Whether non-inferiority passes accuracy though the true drop is the tolerance."""
    return lambda random: verdict(gate, "accuracy", *successor(random, n, 0.005)) is Verdict.PASSED


def found_drop(gate: Gate, n: int, drop: float, *, paired: bool = True) -> Callable[[np.random.Generator], bool]:
    """Whether the accuracy gate of one condition fails under a true drop."""
    return lambda random: verdict(gate, "accuracy", *successor(random, n, drop), paired=paired) is Verdict.REGRESSED


def beyond_fixed(n: int, drop: float, tolerance: float = 0.01) -> Callable[[np.random.Generator], bool]:
    """Whether a fixed tolerance on the observed accuracy fails."""

    def draw(random: np.random.Generator) -> bool:
        before, now = successor(random, n, drop)
        return bool((before % 2 == 0).mean() - (now % 2 == 0).mean() > tolerance)

    return draw


Draw = Callable[[np.random.Generator], bool]
GATES = {
    policy: build_gate({"conditions": CONDITIONS, "policy": policy.value})
    for policy in (Policy.BEYOND_TOLERANCE, Policy.ANY_DROP, Policy.NON_INFERIORITY)
}


def changed_too_many(n: int) -> Draw:
    """Whether equivalence passes a bound of 1 % though 1 % of the predictions change in truth."""
    return lambda random: clopper_pearson_upper(int(random.binomial(n, 0.01)), n) <= 0.01


def rows() -> Iterator[tuple[str, Callable[[int], Draw]]]:
    """What is printed: a label, and a draw for a number of images."""
    beyond, any_drop, non_inferiority = GATES.values()
    yield "equal model fails, beyond_tolerance (at most 1)", partial(any_alarm, beyond)
    yield "equal model fails, any_drop (at most 1)", partial(any_alarm, any_drop)
    yield "drop of the tolerance passes, non_inferiority (at most 5)", partial(wrong_pass, non_inferiority)
    yield "1 % changed passes, equivalence (at most 5)", changed_too_many
    for drop in (0.01, 0.03):
        label = f"drop of {drop:.0%} found"
        yield f"{label}, beyond_tolerance", partial(found_drop, beyond, drop=drop)
        yield f"{label}, any_drop", partial(found_drop, any_drop, drop=drop)
        yield f"{label}, beyond_tolerance, unpaired", partial(found_drop, beyond, drop=drop, paired=False)
        yield f"{label}, fixed tolerance of 1 pt", partial(beyond_fixed, drop=drop)
    yield "equal model fails, one gate of a fixed tolerance of 1 pt", partial(beyond_fixed, drop=0.0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    print(f"{draws} draws of 8 conditions x 4 gates; share (standard error), in %")
    print(f"{'':<60}{'n = 500':>14}{'2,000':>14}{'10,000':>14}")
    for label, of in rows():
        shares = [share(draws, 7, of(n)) for n in (500, 2000, 10000)]
        print(f"{label:<60}" + "".join(f"{f'{100 * found:.1f} ({100 * error:.1f})':>14}" for found, error in shares))


if __name__ == "__main__":
    main()

"""How often the gates are wrong: false alarms for equal models, wrong passes at the limit, and drops they find.

    python benchmarks/false_alarms.py [--draws 1000]

Each draw is a marked test of 8 conditions x 4 gating metrics. A model and its successor are truly equal, although 5 to
15 % of the answers flip; a true drop turns right answers wrong. Seeded; prints shares with their standard errors.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from states import DECLARED, first, outcomes, successor

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.result import Comparison, Verdict
from pytest_failaware.judge.gating import gated
from pytest_failaware.judge.sides import Sides, under_one_rule
from pytest_failaware.judge.significance.rates import clopper_pearson_upper

CONDITIONS = ["clean", "blur", *(f"blur(radius={radius})" for radius in range(3, 9))]
SIZES = (500, 2000, 10000)
GATES = {
    policy: build_gate({**DECLARED, "conditions": CONDITIONS, "policy": policy.value})
    for policy in (Policy.BEYOND_TOLERANCE, Policy.ANY_DROP, Policy.NON_INFERIORITY)
}

Draw = Callable[[np.random.Generator], bool]


def pair(random: np.random.Generator, n: int, drop: float = 0.0) -> Sides:
    """Return a model and its successor under one condition; 5 to 15 % of the answers flip."""
    before = first(random, n)
    now = successor(random, before, random.uniform(0.05, 0.15), drop=drop)
    return under_one_rule(outcomes(before), outcomes(now))


def share(draws: int, seed: int, one: Draw) -> tuple[float, float]:
    """Return how often a draw is true, and the standard error of this share."""
    random = np.random.default_rng(seed)
    found = sum(one(random) for _ in range(draws)) / draws
    return found, math.sqrt(max(found * (1 - found), 1 / draws) / draws)


def any_alarm(gate: Gate, n: int) -> Draw:
    """Return a draw of whether any gate of the marked test fails although the models are equal."""
    return lambda random: any(one.verdict.fails for _ in CONDITIONS for one in gated(gate, pair(random, n)))


def wrong_pass(gate: Gate, n: int) -> Draw:
    """Return a draw of whether non-inferiority passes accuracy although the true drop equals the tolerance."""
    return lambda random: _accuracy(gated(gate, pair(random, n, 0.005))).verdict is Verdict.PASSED


def changed_too_many(n: int) -> Draw:
    """Return a draw of whether equivalence passes a bound of 1 % although 1 % of the predictions truly change."""
    return lambda random: clopper_pearson_upper(int(random.binomial(n, 0.01)), n) <= 0.01


def found_drop(gate: Gate, n: int, drop: float) -> Draw:
    """Return a draw of whether the accuracy gate of one condition fails under a true drop."""
    return lambda random: _accuracy(gated(gate, pair(random, n, drop))).verdict.fails


def beyond_fixed(n: int, drop: float, tolerance: float = 0.01) -> Draw:
    """Return a draw of whether a fixed tolerance on the observed accuracy fails."""

    def draw(random: np.random.Generator) -> bool:
        before, now = pair(random, n, drop)
        return bool(before.right.mean() - now.right.mean() > tolerance)

    return draw


def _accuracy(comparisons: Iterator[Comparison]) -> Comparison:
    return next(one for one in comparisons if one.metric == "accuracy")


def rows() -> Iterator[tuple[str, Callable[[int], Draw]]]:
    """Yield the rows to print: a label, and a draw for a number of images."""
    beyond, any_drop, non_inferiority = GATES.values()
    yield "equal model fails, beyond_tolerance (at most 1)", partial(any_alarm, beyond)
    yield "equal model fails, any_drop (at most 1)", partial(any_alarm, any_drop)
    yield "drop of the tolerance passes, non_inferiority (at most 5)", partial(wrong_pass, non_inferiority)
    yield "1 % changed passes, equivalence (at most 5)", changed_too_many
    for drop in (0.01, 0.03):
        label = f"drop of {drop:.0%} found"
        yield f"{label}, beyond_tolerance", partial(found_drop, beyond, drop=drop)
        yield f"{label}, any_drop", partial(found_drop, any_drop, drop=drop)
        yield f"{label}, fixed tolerance of 1 pt", partial(beyond_fixed, drop=drop)
    yield "equal model fails, one gate of a fixed tolerance of 1 pt", partial(beyond_fixed, drop=0.0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    print(f"{draws} draws of 8 conditions x 4 gates; share (standard error), in %")
    print(f"{'':<60}" + "".join(f"{f'n = {n:,}':>14}" for n in SIZES))
    for label, of in rows():
        shares = [share(draws, 7, of(n)) for n in SIZES]
        print(f"{label:<60}" + "".join(f"{f'{100 * found:.1f} ({100 * error:.1f})':>14}" for found, error in shares))


if __name__ == "__main__":
    main()

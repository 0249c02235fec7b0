"""How often a drift budget stops updates that each lose a little, and updates that lose nothing.

    python benchmarks/drift.py [--histories 200]

A history is a marked test of the four default conditions x 4 gating metrics whose baseline is updated twenty times;
each update is judged against the golden reference, the first model. It is stopped when any gate is proven worse than
golden by more than the budget. Every update flips 3 % of the answers; it loses nothing, 0.3 points of accuracy in every
condition, or 0.3 points in one of them. Seeded; prints the share of histories that are stopped, and the median update.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
from states import DECLARED, first, outcomes, successor

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.judge.gating import drifted
from pytest_failaware.judge.sides import under_one_rule

UPDATES = 20
FLIPS = 0.03
GATE = replace(build_gate({**DECLARED, "conditions": list(DEFAULT_CONDITIONS)}), has_golden=True)
BUDGETS = tuple(map(Decimal, ("0.005", "0.01", "0.015", "0.02", "0.03")))


def stopped_at(random: np.random.Generator, n: int, drops: Sequence[float], budgets: Sequence[Decimal]) -> list[int]:
    """Return the update that each budget stops, or UPDATES + 1; `drops` is the loss of each condition per update."""
    models = [first(random, n) for _ in drops]
    golden = [outcomes(model) for model in models]
    found = [UPDATES + 1] * len(budgets)
    for update in range(1, UPDATES + 1):
        lost = [(update - 1) * drop for drop in drops]
        steps = zip(models, lost, drops, strict=True)
        models = [successor(random, model, FLIPS, fallen=fallen, drop=drop) for model, fallen, drop in steps]
        pairs = [under_one_rule(then, outcomes(model)) for then, model in zip(golden, models, strict=True)]
        for row, budget in enumerate(budgets):
            if found[row] > UPDATES and any(any(drifted(GATE, pair, budget)) for pair in pairs):
                found[row] = update
    return found


TRUTHS = {"no drift": (0.0,) * 4, "-0.3 pt in one condition": (0.003, 0.0, 0.0, 0.0), "-0.3 pt in all": (0.003,) * 4}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=200)
    histories = parser.parse_args().histories
    print(f"stopped, of {histories} histories of {UPDATES} updates (median update)")
    print(f"{'budget':<36}" + "".join(f"{100 * float(budget):>10.1f} pt" for budget in BUDGETS))
    for label, drops in TRUTHS.items():
        for n in (500, 2000, 10000):
            random = np.random.default_rng(7)
            found = np.array([stopped_at(random, n, drops, BUDGETS) for _ in range(histories)])
            cells = []
            for column in found.T:
                stops = column[column <= UPDATES]
                cells.append(f"{len(stops) / histories:.0%}" + (f" ({np.median(stops):.0f})" if len(stops) else ""))
            print(f"{label + f', n = {n:,}':<36}" + "".join(f"{cell:>13}" for cell in cells))


if __name__ == "__main__":
    main()

"""The drift of a candidate from the golden reference: one model, or a recipe of several seeds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.records import Records
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import Comparison
from pytest_failaware.judge.gating import drifted
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.recipe.spreads import recipe_of
from pytest_failaware.judge.sides import sides_of


def drift_from_golden(gate: Gate, reference: Reference, now: Records, budget: Decimal) -> tuple[Comparison, ...]:
    """Return the gating metrics that are proven worse than the golden reference by more than the budget.

    A golden recipe is compared as a recipe: its mean, by the spread of its seeds. Under policies that compare two
    models, its first seed is the golden reference.
    """
    golden, rule = reference.golden, reference.golden_rule
    if golden is None or rule is None:
        return ()
    both = pair(golden, now)
    seeds = replace(reference, records=golden, seeds=reference.golden_seeds).recipe
    judges = bool(seeds) and gate.policy is Policy.BEYOND_TOLERANCE
    recipe = recipe_of(seeds, both.now, rule) if judges else None
    return tuple(drifted(gate.against_recipe if judges else gate, sides_of(both, rule, gate.rule, recipe), budget))

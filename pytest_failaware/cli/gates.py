"""The gates that `plan` and `selftest` examine."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_failaware.baselines.opening import stored_records, stored_seeds
from pytest_failaware.config.gate import build_gate, read_pairs
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.records import Records
from pytest_failaware.core.result import SeedSensitivity
from pytest_failaware.judge.recipe.power import seed_sights

DEMAND: Final = {
    Policy.NON_INFERIORITY: "it passes only if a loss beyond the tolerance is excluded",
    Policy.EQUIVALENCE: "it passes only if few predictions and flags can have changed",
}


def add_gate(parser: ArgumentParser) -> None:
    """Add the argument that changes the gates."""
    parser.add_argument(
        "--gate", metavar="KEY=VALUE", action="append", default=[], help="a marker argument, as in tolerance=0.01"
    )


def gate_over(baseline: Baseline, pairs: Sequence[str]) -> Gate:
    """Return the default gate over the baseline's conditions, with the values of --gate."""
    prefix = "--gate="
    gate = build_gate(read_pairs(pairs, prefix), prefix=prefix)
    entries = baseline.entries.values()
    has_golden = any(entry.golden is not None for entry in entries)
    return dataclasses.replace(gate, conditions=tuple(entry.condition for entry in entries), has_golden=has_golden)


def heading_of(gate: Gate) -> str:
    """Return the first line of the output: the number of gates, and the levels."""
    guard = " and the class guard" if gate.has_class_guard else ""
    return (
        f"{gate.policy.value}, {len(gate.conditions)} conditions x {len(gate.metrics)} gates{guard}, {gate.levels_text}"
    )


def records_of(options: Namespace, baseline: Baseline) -> dict[str, Records]:
    """Return the records of each condition that has stored samples."""
    stored = {key: stored_records(options, baseline, key) for key in baseline.entries}
    return {key: records for key, records in stored.items() if records is not None}


def sights_by_seeds(
    options: Namespace, baseline: Baseline, gate: Gate, samples: int | None = None
) -> Iterator[tuple[str, Sequence[SeedSensitivity]]]:
    """Yield each condition of a recipe with the drops that its seeds can show; `samples` is the assumed number.

    Raises:
        BaselineError: a sample file of a seed is absent.
    """
    for key, entry in baseline.entries.items():
        first, others = stored_records(options, baseline, key), stored_seeds(options, baseline, key)
        if first is None or others is None:
            raise BaselineError(f"{options.name}: no sample file for a seed of {key}; restore it from version control")
        yield key, tuple(seed_sights(gate, (first, *others), entry.rule, samples))

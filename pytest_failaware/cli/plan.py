"""`plan`: what a gate can see, by formula."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial

from pytest_failaware.baselines.opening import open_baseline, stored_samples
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.cli.gates import DEMAND, add_gate, gate_over, heading_of, records_of
from pytest_failaware.config.gate import build_gate, read_pairs
from pytest_failaware.config.sources import positive
from pytest_failaware.core.conditions.catalogue import FOUNDING
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.gate import Gate
from pytest_failaware.judge.groups import finds_less
from pytest_failaware.judge.metrics.rates import cell_rates
from pytest_failaware.judge.power import is_at_chance, sights
from pytest_failaware.report.power import AT_CHANCE, sight_table, too_few


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="a baseline's name, or the path of its .yaml file (not needed with --samples)",
    )
    add_gate(parser)
    parser.add_argument(
        "--samples", metavar="N", type=partial(positive, where="--samples"), help="as if the test set had N images"
    )
    add_baseline_dir(parser)


def run(given: Namespace) -> Iterator[str]:
    """The smallest drop that each gate of a baseline's conditions can see, without running a model."""
    if given.name is None:
        yield from _without_baseline(given)
        return
    baseline = open_baseline(given.name, given.baseline_dir)
    gate = gate_over(baseline, given.gate)
    yield heading_of(gate)
    found = [
        (key, tuple(sights(gate, cell_rates(entry.cells), given.samples))) for key, entry in baseline.entries.items()
    ]
    yield from sight_table(found)
    yield from too_few(found)
    if any(seen for _, seen in found):
        yield from finds_less(baseline.data, stored_samples(given, baseline))
    yield from _no_drop(gate)
    if scores := [name for name in gate.metrics if not gate.table[name].is_ratio]:
        yield f"no formula tells what these gates find: {', '.join(scores)}; selftest plants drops and counts"
    for key, records in records_of(given, baseline).items():
        if is_at_chance(baseline.entries[key].cells, records.label):
            yield f"{key}: {AT_CHANCE}"


def _without_baseline(given: Namespace) -> Iterator[str]:
    """The same for a test set that is not measured yet, as if the model trusted every answer."""
    if given.samples is None:
        raise ConfigError("plan: give the NAME of a baseline, or --samples N for N images that are not measured yet")
    prefix = "--gate="
    gate = build_gate({"conditions": FOUNDING, **read_pairs(given.gate, prefix)}, prefix=prefix)
    yield heading_of(gate)
    every = Cells(trusted_right=given.samples, trusted_wrong=0, flagged_right=0, flagged_wrong=0)
    found = [("each", tuple(sights(gate, cell_rates(every))))]
    yield from sight_table(found)
    yield from too_few(found)
    yield from _no_drop(gate)
    if found[0][1]:
        yield "counted as if every answer were trusted; gates on the trusted ones find less the more are flagged"


def _no_drop(gate: Gate) -> Iterator[str]:
    """That a policy looks for no drop."""
    if not gate.policy.proves_a_drop:
        yield (
            f"{gate.policy.value} looks for no drop: {DEMAND[gate.policy]}, so there is no smallest drop to list; "
            "selftest counts how often an equal model fails"
        )

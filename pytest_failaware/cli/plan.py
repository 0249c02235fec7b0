"""The command `plan`: print by formula which drops a gate can detect."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial

from pytest_failaware.baselines.opening import open_baseline, stored_samples
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.cli.gates import DEMAND, add_gate, gate_over, heading_of, records_of, sights_by_seeds
from pytest_failaware.config.gate import build_gate, read_pairs
from pytest_failaware.config.sources import positive
from pytest_failaware.core.baseline import FEWEST_SEEDS
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.judge.groups import finds_less
from pytest_failaware.judge.metrics.rates import cell_rates
from pytest_failaware.judge.power import common_losses, is_at_chance, sights
from pytest_failaware.report.power import AT_CHANCE, seed_table, sight_table, too_few


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
        "--samples", metavar="N", type=partial(positive, where="--samples"), help="assume a test set of N images"
    )
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Yield the smallest drop that each gate of a baseline can detect; no model runs."""
    if options.name is None:
        yield from _without_baseline(options)
        return
    baseline = open_baseline(options.name, options.baseline_dir)
    gate = gate_over(baseline, options.gate)
    yield heading_of(gate)
    if baseline.seed_count >= FEWEST_SEEDS and gate.policy is Policy.BEYOND_TOLERANCE:
        yield from seed_table(list(sights_by_seeds(options, baseline, gate, options.samples)))
        return
    detectable = [
        (key, tuple(sights(gate, cell_rates(entry.cells), options.samples))) for key, entry in baseline.entries.items()
    ]
    yield from sight_table(detectable)
    yield from _common_loss(gate, options.samples or baseline.data.samples)
    yield from too_few(detectable)
    if any(drops for _, drops in detectable):
        yield from finds_less(baseline.data, stored_samples(options, baseline))
    yield from _no_drop(gate)
    if scores := [name for name in gate.metrics if not gate.table[name].is_ratio]:
        yield f"no formula says which drops these gates find: {', '.join(scores)}; run selftest, which plants drops"
    for key, records in records_of(options, baseline).items():
        if is_at_chance(baseline.entries[key].cells, records.label):
            yield f"{key}: {AT_CHANCE}"


def _without_baseline(options: Namespace) -> Iterator[str]:
    """Yield the same for N samples that are not measured yet, as if every answer were trusted."""
    if options.samples is None:
        raise ConfigError("plan: give the NAME of a baseline, or --samples N for N images that are not measured yet")
    prefix = "--gate="
    gate = build_gate({"conditions": DEFAULT_CONDITIONS, **read_pairs(options.gate, prefix)}, prefix=prefix)
    yield heading_of(gate)
    every = Cells(trusted_right=options.samples, trusted_wrong=0, flagged_right=0, flagged_wrong=0)
    detectable = [("each", tuple(sights(gate, cell_rates(every))))]
    yield from sight_table(detectable)
    yield from _common_loss(gate, options.samples)
    yield from too_few(detectable)
    yield from _no_drop(gate)
    if detectable[0][1]:
        yield "counted as if every answer were trusted; if answers are flagged, gates on trusted answers find less"


def _common_loss(gate: Gate, samples: int) -> Iterator[str]:
    """Yield which loss of accuracy the mean over the conditions detects, if the test has one."""
    if losses := common_losses(gate, samples):
        few, many = (f"{100 * loss:.2f} pt" for loss in losses)
        yield (
            f"the mean of the {len(gate.conditions)} conditions finds a loss of accuracy that they share from {few} on "
            f"if few answers change, from {many} if many do"
        )


def _no_drop(gate: Gate) -> Iterator[str]:
    """Yield a sentence if the policy does not look for a drop."""
    if not gate.policy.proves_a_drop:
        yield (
            f"{gate.policy.value} looks for no drop: {DEMAND[gate.policy]}, so there is no smallest drop to list; "
            "selftest counts how often an equal model fails"
        )

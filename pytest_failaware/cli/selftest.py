"""The command `selftest`: plant changes in the stored records, and count how often the gates fail."""

from __future__ import annotations

import dataclasses
import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np

from pytest_failaware.baselines.opening import WITH_LOGITS, open_baseline, stored_samples
from pytest_failaware.cli.folder import add_baseline_dir
from pytest_failaware.cli.gates import DEMAND, add_gate, gate_over, heading_of, records_of
from pytest_failaware.config.sources import positive
from pytest_failaware.core.baseline import FEWEST_SEEDS, BaselineEntry
from pytest_failaware.core.errors import BaselineError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.layout import aligned
from pytest_failaware.core.metric import NO_LOGITS
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.groups import finds_less
from pytest_failaware.judge.power import FEW_FLIPS, MANY_FLIPS
from pytest_failaware.judge.selftest import DROPS, Trial, plant

_WELL: Final = "every gate was seen red, and none is red too often"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a baseline's name, or the path of its .yaml file")
    add_gate(parser)
    parser.add_argument(
        "--draws", metavar="N", type=partial(positive, where="--draws"), default=200, help="per drop; default: 200"
    )
    add_baseline_dir(parser)


def run(options: Namespace) -> Iterator[str]:
    """Yield how often the gates fail if nothing is lost, and if a drop is planted in the stored records."""
    baseline = open_baseline(options.name, options.baseline_dir)
    gate, stored, samples = (
        gate_over(baseline, options.gate),
        records_of(options, baseline),
        stored_samples(options, baseline),
    )
    if missing := [key for key in baseline.entries if key not in stored]:
        raise BaselineError(f"{options.name}: no sample file for {', '.join(missing)}; restore it from version control")
    needing = [gate.table[name] for name in gate.of_logits]
    unfit = [key for key, records in stored.items() if not all(metric.can_measure(records) for metric in needing)]
    if unfit:
        raise BaselineError(
            f"{options.name}: {NO_LOGITS} for {', '.join(unfit)}, and {', '.join(gate.of_logits)} needs them; "
            f"{WITH_LOGITS}"
        )
    yield heading_of(gate)
    yield f"share of {options.draws} draws in which the test is red, by the points of accuracy that are truly lost"
    random = np.random.default_rng(0)
    rows, whole, blind = [], [], []
    for flips in (FEW_FLIPS, MANY_FLIPS):
        trials = {}
        for key, entry in baseline.entries.items():
            ruled = dataclasses.replace(gate, rule=_rule(gate, entry, options.gate))
            records = stored[key] if ruled.of_logits else dataclasses.replace(stored[key], logits=None)
            trials[key] = plant(ruled, records, flips, options.draws, random)
        rows += [_row(key, trial) for key, trial in trials.items()]
        everywhere = np.logical_or.reduce([trial.failed for trial in trials.values()])
        mean = float(np.mean([trial.flips for trial in trials.values()]))
        rows.append(_row("any of them", Trial(flips=mean, failed=everywhere)))
        whole.append(float(everywhere[:, 0].mean()))
        blind += [key for key, trial in trials.items() if not trial.failed[:, -1].any()]
    lost = ("nothing lost", *(f"{100 * drop:.0f} pt lost" for drop in DROPS[1:]))
    yield from aligned([("condition", "answers flipped", *lost), *rows], left=(0,))
    yield from finds_less(baseline.data, samples)
    if baseline.seed_count >= FEWEST_SEEDS:
        yield (
            f"this is the comparison with one model; a candidate is judged against {baseline.seed_count} seeds, and "
            f"python -m pytest_failaware plan {options.name} says what these can show"
        )
    complaints = [*_noisy(gate, whole, options.draws), *_closed(gate, whole), *_blind(blind)]
    options.failed = bool(complaints)
    if not gate.policy.proves_a_drop:
        yield (
            f"{gate.policy.value}: an equal model fails in {whole[0]:.1%} of the draws if few answers flip, in "
            f"{whole[1]:.1%} if many do: {DEMAND[gate.policy]}"
        )
    yield from complaints or [_WELL if gate.policy.proves_a_drop else "every gate was seen red"]


def _row(label: str, trial: Trial) -> tuple[str, ...]:
    return label, f"{trial.flips:.1%}", *(f"{share:.1%}" for share in trial.failed.mean(axis=0))


def _noisy(gate: Gate, shares: Sequence[float], draws: int) -> Iterator[str]:
    """Yield a complaint if the whole test fails more often than alpha allows although nothing is lost.

    Three standard errors are allowed for chance.
    """
    if not gate.policy.proves_a_drop:
        return
    alpha = float(gate.chosen_alpha)
    if max(shares) > alpha + 3 * math.sqrt(alpha * (1 - alpha) / draws):
        yield (
            f"red in {max(shares):.1%} of the draws in which nothing is lost, more than alpha = {alpha:g} says: is a "
            "minimum or maximum set at the stored value itself?"
        )


def _closed(gate: Gate, shares: Sequence[float]) -> Iterator[str]:
    """Yield a complaint if an equal model, for example one that is only exported, fails more often than it passes."""
    if not gate.policy.proves_a_drop and min(shares) > 0.5:
        yield "an equal model fails more often than it passes; measure more images, or allow a larger tolerance"


def _blind(keys: Sequence[str]) -> Iterator[str]:
    """Yield a complaint on conditions whose gates never failed under the largest drop."""
    if keys:
        names = ", ".join(dict.fromkeys(keys))
        yield (
            f"never red, even with {100 * DROPS[-1]:.0f} pt lost: {names}; measure more images, or a weaker degradation"
        )


def _rule(gate: Gate, entry: BaselineEntry, pairs: Sequence[str]) -> FailureRule:
    """Return the rule of the entry, unless the command line names another rule."""
    return gate.rule if any(pair.startswith("rule=") for pair in pairs) else entry.rule

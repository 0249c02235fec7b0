"""Retrains of one recipe against sets of its seeds: honest ones, and ones with a planted fault.

benchmarks/retrain.py prints these tables. A set is drawn at random; an honest candidate is a seed outside the set. With
all seeds but one in the set, each seed is left out once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pytest_failaware.core.baseline import Baseline, Seed
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import CLASS_GUARD, Comparison, Judged, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.recipe.power import chance_of_red, seed_test
from pytest_failaware.judge.recipe.spreads import recipe_of
from pytest_failaware.judge.verdict import judge

SIZES: Final = (3, 5, 10)
HONEST: Final = 400
"""Sets for honest candidates, of each size."""
FAULTY: Final = 20
"""Sets that each faulty candidate is judged against, of each size."""
PREDICTED: Final = 5
"""The number of seeds for which the power is predicted."""
COLUMNS: Final = {
    "accuracy": "accuracy",
    "ranking": "confident_accuracy_at_coverage",
    "conf.": "confident_accuracy",
    "ccr": "confident_correct_rate",
    "class": CLASS_GUARD,
}

Network = Mapping[str, tuple[Measurement, Baseline]]
"""What was measured of a network under each condition, and the baseline that it would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A candidate judged against a set of seeds: all comparisons of each condition."""

    judged: Mapping[str, Sequence[Judged]]

    @property
    def red(self) -> list[Judged]:
        """The red comparisons of all conditions."""
        return [judged for of_condition in self.judged.values() for judged in of_condition if judged.verdict.fails]


def lines(networks: Mapping[str, Sequence[Network]], gate: Gate, seed: int = 0) -> Iterator[str]:
    """Yield how often each kind of candidate is red against sets of honest seeds, and the predicted power."""
    random = np.random.default_rng(seed)
    honest, faults = networks["honest"], [name for name in networks if name != "honest"]
    yield "share of candidates that are red against sets of seeds, that are regressed or moved, and in which a gate is"
    headings = ("seeds", "judged", "red", "regressed", "moved", *COLUMNS)
    yield f"{'candidates':<26}" + "".join(f"{heading:>11}" for heading in headings)
    predicted: list[str] = []
    for size in (*(size for size in SIZES if size < len(honest)), len(honest) - 1):
        yield _row("honest", size, _honest(honest, size, gate, random))
        sets = [random.permutation(len(honest))[:size] for _ in range(FAULTY)]
        for name in faults:
            runs = [
                judged_by([honest[number] for number in numbers], network, gate)
                for numbers in sets
                for network in networks[name]
            ]
            yield _row(name, size, runs)
            if size == PREDICTED:
                predicted += _prediction(name, runs, [[honest[number] for number in numbers] for numbers in sets], gate)
    yield ""
    yield f"predicted and seen shares of red with {PREDICTED} seeds; of the gates between 2 and 98 % in either"
    yield from predicted


def _honest(honest: Sequence[Network], size: int, gate: Gate, random: np.random.Generator) -> list[Run]:
    """Return honest candidates against random sets, or against all other seeds."""
    if size == len(honest) - 1:
        orders = [np.roll(np.arange(len(honest)), -shift) for shift in range(len(honest))]
    else:
        orders = [random.permutation(len(honest)) for _ in range(HONEST)]
    return [judged_by([honest[number] for number in order[:size]], honest[order[size]], gate) for order in orders]


def judged_by(seeds: Sequence[Network], now: Network, gate: Gate) -> Run:
    """Return a candidate judged against the recipe that these seeds are."""
    return Run(
        judged={key: judge(now[key][0], reference_of(seeds, key), gate).comparisons for key in DEFAULT_CONDITIONS}
    )


def reference_of(seeds: Sequence[Network], key: str) -> Reference:
    """Return what is stored of one condition if these seeds are the baseline."""
    first, *others = seeds
    entries = {
        name: replace(first[name][1].entries[name], seeds=tuple(_seed(network, name) for network in others))
        for name in first
    }
    return Reference(
        name="digits",
        key=key,
        baseline=replace(first[key][1], entries=entries),
        records=first[key][0].records,
        seeds=tuple(network[key][0].records for network in others),
    )


def _seed(network: Network, key: str) -> Seed:
    entry = network[key][1].entries[key]
    return Seed(cells=entry.cells, records_sha256=entry.records_sha256, model_sha256=entry.model.sha256)


def _row(name: str, size: int, runs: Sequence[Run]) -> str:
    red = [run.red for run in runs]
    worse = [any(judged.verdict is Verdict.REGRESSED for judged in of_run) for of_run in red]
    shares = [
        [bool(of_run) for of_run in red],
        worse,
        [bool(of_run) and not is_worse for of_run, is_worse in zip(red, worse, strict=True)],
        *([any(judged.metric == metric for judged in of_run) for of_run in red] for metric in COLUMNS.values()),
    ]
    return f"{name:<26}{size:>11}{len(runs):>11}" + "".join(f"{np.mean(share):>11.1%}" for share in shares)


# ---- predicted power -------------------------------------------------------------------------------------------------


def _prediction(name: str, runs: Sequence[Run], sets: Sequence[Sequence[Network]], gate: Gate) -> Iterator[str]:
    """Yield the predicted and the seen share of red for each gate, for the mean drop of the fault."""
    seen, drops = defaultdict(list), defaultdict(list)
    for run in runs:
        for key, of_condition in run.judged.items():
            for judged in of_condition:
                if isinstance(judged, Comparison) and judged.evidence is not None and judged.evidence.seeds is not None:
                    before, now = judged.reference.value, judged.current.value
                    drops[key, judged.metric].append((before or 0.0) - (now or 0.0))
                    seen[key, judged.metric].append(judged.verdict.fails)
    apart = []
    for (key, metric), of_gate in drops.items():
        share, drop = float(np.mean(seen[key, metric])), float(np.mean(of_gate))
        power = float(np.mean([_power(seeds, key, metric, drop, gate) for seeds in sets]))
        apart.append(abs(power - share))
        if 0.02 < power < 0.98 or 0.02 < share < 0.98:
            yield f"{name:<26}{key:<18}{metric:<32}drop {100 * drop:>6.2f} pt{power:>9.0%}{share:>7.0%}"
    most, mean = 100 * max(apart), 100 * float(np.mean(apart))
    yield f"{name:<26}all {len(apart)} gates: at most {most:.0f} points apart, {mean:.1f} on average"


def _power(seeds: Sequence[Network], key: str, metric: str, drop: float, gate: Gate) -> float:
    records = [network[key][0].records for network in seeds]
    spreads = recipe_of(records, records[0], FailureRule()).spreads
    others = [spread for name, spread in spreads.items() if name != metric]
    return chance_of_red(seed_test(gate, metric, spreads[metric], others), drop)

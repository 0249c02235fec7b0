"""Retrains of one recipe against sets of its seeds: honest ones, and ones with a planted fault.

benchmarks/retrain.py prints these tables. A set is drawn at random; an honest candidate is a seed outside the set. With
all seeds but one in the set, each seed is left out once.
"""

from __future__ import annotations

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


def lines(networks: Mapping[str, Sequence[Network]], gate: Gate) -> Iterator[str]:
    """Yield how often each kind of candidate is red against sets of honest seeds, and the predicted power."""
    count = len(networks["honest"])
    yield "share of candidates that are red against sets of seeds, that are regressed or moved, and in which a gate is"
    headings = ("seeds", "judged", "red", "regressed", "moved", *COLUMNS)
    yield f"{'candidates':<26}" + "".join(f"{heading:>11}" for heading in headings)
    predicted: list[str] = []
    for size in (*(size for size in SIZES if size < count - 1), count - 1):
        for row, lines_of_power in rows(networks, size, gate):
            yield row
            predicted += lines_of_power
    yield ""
    yield f"shares of red with {PREDICTED} seeds: predicted for the mean drop and for each network's drop, and seen"
    yield from predicted


def rows(networks: Mapping[str, Sequence[Network]], size: int, gate: Gate) -> Iterator[tuple[str, list[str]]]:
    """Yield the row of each kind of candidate against sets of one size, with the lines on its predicted power."""
    random, honest = np.random.default_rng(size), networks["honest"]
    yield _row("honest", size, _honest(honest, size, gate, random)), []
    sets = [[honest[number] for number in random.permutation(len(honest))[:size]] for _ in range(FAULTY)]
    for name in networks:
        if name != "honest":
            of_networks = [[judged_by(seeds, network, gate) for seeds in sets] for network in networks[name]]
            power = list(_prediction(name, of_networks, sets, gate)) if size == PREDICTED else []
            yield _row(name, size, [run for runs in of_networks for run in runs]), power


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


def _prediction(
    name: str, of_networks: Sequence[Sequence[Run]], sets: Sequence[Sequence[Network]], gate: Gate
) -> Iterator[str]:
    """Yield the seen share of red of each gate, and the predicted one.

    The prediction is that of the mean drop of the fault, and the mean of those of each network's drop: networks with
    one fault can differ more than honest seeds.
    """
    apart = []
    for key in DEFAULT_CONDITIONS:
        for metric in list(COLUMNS.values())[:-1]:
            of_gate = [[_found(run, key, metric) for run in runs] for runs in of_networks]
            seen = float(np.mean([is_red for runs in of_gate for is_red, _ in runs]))
            drops = [float(np.mean([drop for _, drop in runs])) for runs in of_gate]
            power = [_power(sets, key, metric, drop, gate) for drop in (float(np.mean(drops)), *drops)]
            predicted = power[0], float(np.mean(power[1:]))
            apart.append([abs(share - seen) for share in predicted])
            if 0.02 < seen < 0.98 or any(0.02 < share < 0.98 for share in predicted):
                shown = "".join(f"{share:>9.0%}" for share in (*predicted, seen))
                yield f"{name:<26}{key:<18}{metric:<32}drop {100 * float(np.mean(drops)):>6.2f} pt{shown}"
    most, mean = 100 * np.max(apart, axis=0), 100 * np.mean(apart, axis=0)
    ends = "".join(f"{end:>9.0f}" for end in most), "".join(f"{end:>9.1f}" for end in mean)
    yield f"{name:<26}{'largest difference of all gates, in points':<64}{ends[0]}"
    yield f"{name:<26}{'mean difference of all gates, in points':<64}{ends[1]}"


def _found(run: Run, key: str, metric: str) -> tuple[bool, float]:
    """Return whether a gate is red, and the drop from the mean of the seeds."""
    (judged,) = (one for one in run.judged[key] if isinstance(one, Comparison) and one.metric == metric)
    before, now = judged.reference.value, judged.current.value
    return judged.verdict.fails, 0.0 if before is None or now is None else before - now


def _power(sets: Sequence[Sequence[Network]], key: str, metric: str, drop: float, gate: Gate) -> float:
    """Return the predicted share of red, averaged over the sets of seeds."""
    of_sets = []
    for seeds in sets:
        records = [network[key][0].records for network in seeds]
        spreads = recipe_of(records, records[0], FailureRule()).spreads
        others = [spread for name, spread in spreads.items() if name != metric]
        of_sets.append(chance_of_red(seed_test(gate, metric, spreads[metric], others), drop))
    return float(np.mean(of_sets))

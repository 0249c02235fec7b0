"""`plan` and `selftest`: what a gate can see, by formula and by planting changes in the stored records."""

from __future__ import annotations

import dataclasses
import math
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from pytest_failaware.baselines.opening import WITH_LOGITS, open_baseline, stored_records, stored_samples
from pytest_failaware.config.gate import build_gate, read_pairs
from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.conditions.catalogue import FOUNDING
from pytest_failaware.core.errors import BaselineError, ConfigError
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.layout import aligned
from pytest_failaware.core.metric import NO_LOGITS
from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.groups import finds_less
from pytest_failaware.judge.metrics.rates import cell_rates
from pytest_failaware.judge.power import FEW_FLIPS, MANY_FLIPS, is_at_chance, sights
from pytest_failaware.judge.selftest import DROPS, Trial, plant
from pytest_failaware.report.power import AT_CHANCE, sight_table, too_few

_DEMAND: Final = {
    Policy.NON_INFERIORITY: "it passes only if a loss beyond the tolerance is excluded",
    Policy.EQUIVALENCE: "it passes only if few predictions and flags can have changed",
}
_WELL: Final = "every gate was seen red, and none is red too often"


def plan_gates(given: Namespace) -> Iterator[str]:
    """The smallest drop that each gate of a baseline's conditions can see, without running a model."""
    if given.name is None:
        yield from _without_baseline(given)
        return
    baseline = open_baseline(given.name, given.baseline_dir)
    gate = _gate(baseline, given.gate)
    yield _heading(gate)
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
    for key, records in _stored(given, baseline).items():
        if is_at_chance(baseline.entries[key].cells, records.label):
            yield f"{key}: {AT_CHANCE}"


def _without_baseline(given: Namespace) -> Iterator[str]:
    """The same for a test set that is not measured yet, as if the model trusted every answer."""
    if given.samples is None:
        raise ConfigError("plan: give the NAME of a baseline, or --samples N for N images that are not measured yet")
    prefix = "--gate="
    gate = build_gate({"conditions": FOUNDING, **read_pairs(given.gate, prefix)}, prefix=prefix)
    yield _heading(gate)
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
            f"{gate.policy.value} looks for no drop: {_DEMAND[gate.policy]}, so there is no smallest drop to list; "
            "selftest counts how often an equal model fails"
        )


def selftest_gates(given: Namespace) -> Iterator[str]:
    """How often the gates fail where nothing is lost, and where a drop is planted in the stored records."""
    baseline = open_baseline(given.name, given.baseline_dir)
    gate, stored, samples = _gate(baseline, given.gate), _stored(given, baseline), stored_samples(given, baseline)
    if missing := [key for key in baseline.entries if key not in stored]:
        raise BaselineError(f"{given.name}: no sample file for {', '.join(missing)}; restore it from version control")
    if unfit := [key for key, records in stored.items() if gate.of_logits and records.logits is None]:
        raise BaselineError(
            f"{given.name}: {NO_LOGITS} for {', '.join(unfit)}, and {', '.join(gate.of_logits)} needs them; "
            f"{WITH_LOGITS}"
        )
    yield _heading(gate)
    yield f"share of {given.draws} draws in which the test is red, by the points of accuracy that are lost in truth"
    random = np.random.default_rng(0)
    rows, whole, blind = [], [], []
    for flips in (FEW_FLIPS, MANY_FLIPS):
        trials = {}
        for key, entry in baseline.entries.items():
            own = dataclasses.replace(gate, rule=_rule(gate, entry, given.gate))
            records = stored[key] if own.of_logits else dataclasses.replace(stored[key], logits=None)
            trials[key] = plant(own, records, flips, given.draws, random)
        rows += [_row(key, trial) for key, trial in trials.items()]
        everywhere = np.logical_or.reduce([trial.failed for trial in trials.values()])
        mean = float(np.mean([trial.flips for trial in trials.values()]))
        rows.append(_row("any of them", Trial(flips=mean, failed=everywhere)))
        whole.append(float(everywhere[:, 0].mean()))
        blind += [key for key, trial in trials.items() if not trial.failed[:, -1].any()]
    lost = ("nothing lost", *(f"{100 * drop:.0f} pt lost" for drop in DROPS[1:]))
    yield from aligned([("condition", "answers flipped", *lost), *rows], left=(0,))
    yield from finds_less(baseline.data, samples)
    complaints = [*_noisy(gate, whole, given.draws), *_closed(gate, whole), *_blind(blind)]
    given.failed = bool(complaints)
    if not gate.policy.proves_a_drop:
        yield (
            f"{gate.policy.value}: an equal model fails in {whole[0]:.1%} of the draws if few answers flip, in "
            f"{whole[1]:.1%} if many do: {_DEMAND[gate.policy]}"
        )
    yield from complaints or [_WELL if gate.policy.proves_a_drop else "every gate was seen red"]


def _row(label: str, trial: Trial) -> tuple[str, ...]:
    return label, f"{trial.flips:.1%}", *(f"{share:.1%}" for share in trial.failed.mean(axis=0))


def _noisy(gate: Gate, shares: Sequence[float], draws: int) -> Iterator[str]:
    """Where the whole test is red more often than alpha says though nothing is lost, beyond three standard errors."""
    if not gate.policy.proves_a_drop:
        return
    alpha = float(gate.chosen_alpha)
    if max(shares) > alpha + 3 * math.sqrt(alpha * (1 - alpha) / draws):
        yield (
            f"red in {max(shares):.1%} of the draws in which nothing is lost, more than alpha = {alpha:g} says: is a "
            "minimum or maximum set at the stored value itself?"
        )


def _closed(gate: Gate, shares: Sequence[float]) -> Iterator[str]:
    """A gate that an equal model fails more often than not, even one that is only exported."""
    if not gate.policy.proves_a_drop and min(shares) > 0.5:
        yield "an equal model fails more often than it passes; measure more images, or allow a larger tolerance"


def _blind(keys: Sequence[str]) -> Iterator[str]:
    """Conditions whose gates never failed under the largest drop."""
    if keys:
        names = ", ".join(dict.fromkeys(keys))
        yield (
            f"never red, even with {100 * DROPS[-1]:.0f} pt lost: {names}; measure more images, or a weaker degradation"
        )


# ---- the gate ------------------------------------------------------------------------------------------------------


def _gate(baseline: Baseline, pairs: Sequence[str]) -> Gate:
    """The default gate over the baseline's conditions, with what the command line says of it."""
    prefix = "--gate="
    gate = build_gate(read_pairs(pairs, prefix), prefix=prefix)
    return dataclasses.replace(gate, conditions=tuple(entry.condition for entry in baseline.entries.values()))


def _rule(gate: Gate, entry: BaselineEntry, pairs: Sequence[str]) -> FailureRule:
    """The rule of the entry, unless the command line names one."""
    return gate.rule if any(pair.startswith("rule=") for pair in pairs) else entry.rule


def _heading(gate: Gate) -> str:
    return (
        f"{gate.policy.value}, {len(gate.conditions)} conditions x {len(gate.metrics)} gates, each at p < "
        f"{gate.level:.2g}"
    )


def _stored(given: Namespace, baseline: Baseline) -> dict[str, Records]:
    """The records of each condition that has them."""
    found = {key: stored_records(given, baseline, key) for key in baseline.entries}
    return {key: records for key, records in found.items() if records is not None}

"""Recipes written as letters: one string of outcomes for each seed, as in five.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from five import RULE, baseline_of, measurement_of

from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.baseline import Baseline, Golden, Seed
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import Comparison, Evidence, ItemResult, SeedSpread
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.rates import count_cells
from pytest_failaware.judge.verdict import judge

SAMPLES = 2000
SHARES = {"R": 0.62, "W": 0.08, "r": 0.15, "w": 0.15}
"""The shares of the outcomes of an honest seed."""


def drawn_letters(seed: int, *, lost: float = 0.0, samples: int = SAMPLES) -> str:
    """Return the outcomes of one seed: a fifth differs from the other seeds, and a share of the right ones falls."""
    common, alone = np.random.default_rng(99), np.random.default_rng(seed)
    letters, shares = list(SHARES), list(SHARES.values())
    outcomes = common.choice(letters, size=samples, p=shares)
    is_drawn = alone.random(samples) < 0.2
    outcomes[is_drawn] = alone.choice(letters, size=int(is_drawn.sum()), p=shares)
    falls = alone.random(samples) < lost
    outcomes[falls & (outcomes == "R")] = "W"
    outcomes[falls & (outcomes == "r")] = "w"
    return "".join(outcomes)


def recipe_of(seeds: Sequence[Measurement], rule: FailureRule = RULE, golden: Sequence[Measurement] = ()) -> Reference:
    """Return the reference that a stored recipe is; each seed has its own model."""
    first, *others = seeds
    baseline = baseline_of(first, rule)
    key = first.condition.key
    entry = replace(
        baseline.entries[key],
        seeds=tuple(seed_of(number, seed, rule) for number, seed in enumerate(others, start=1)),
        golden=Golden(model_sha256="sha256:g", records_sha256="sha256:g", rule=rule) if golden else None,
    )
    records = [seed.records for seed in golden]
    return Reference(
        name="small",
        key=key,
        baseline=replace(baseline, entries={key: entry}),
        records=first.records,
        seeds=tuple(seed.records for seed in others),
        golden=records[0] if records else None,
        golden_seeds=tuple(records[1:]),
    )


def seed_of(number: int, seed: Measurement, rule: FailureRule = RULE) -> Seed:
    """Return a further seed as it is stored."""
    return Seed(cells=count_cells(seed.records, rule), records_sha256=f"sha256:{number}", model_sha256=f"model{number}")


def against_seeds(now: str, *seeds: str, **gate: Any) -> ItemResult:  # Any: a marker's arguments
    """Judge letters against a recipe of letters, under a marker's arguments."""
    reference = recipe_of([measurement_of(letters) for letters in seeds])
    return judge(measurement_of(now), reference, build_gate({"class_guard": "off", **gate}))


def honest(count: int, first: int = 0) -> list[str]:
    """Return the outcomes of so many seeds of one recipe."""
    return [drawn_letters(seed) for seed in range(first, first + count)]


def only(result: ItemResult, metric: str) -> Comparison:
    """Return the comparison of a metric."""
    (comparison,) = (judged for judged in result.comparisons if judged.metric == metric)
    assert isinstance(comparison, Comparison)
    return comparison


def evidence_of(result: ItemResult, metric: str) -> Evidence:
    """Return the evidence of the comparison of a metric."""
    evidence = only(result, metric).evidence
    assert evidence is not None
    return evidence


def spread_of(result: ItemResult, metric: str) -> SeedSpread:
    """Return the spread of the seeds that a metric was judged by."""
    spread = evidence_of(result, metric).seeds
    assert spread is not None
    return spread


def baseline_with(*references: Reference) -> Baseline:
    """Return the baseline with the conditions of all these references."""
    baselines = [reference.baseline for reference in references if reference.baseline is not None]
    return replace(baselines[0], entries={key: entry for stored in baselines for key, entry in stored.entries.items()})


def nearest_in(reference: Reference) -> int:
    """Return the number of the nearest seed."""
    return baseline_with(reference).nearest_seed

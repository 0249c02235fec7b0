"""How often a whole marked test is red although nothing is worse in truth: the family of all its tests.

    python benchmarks/family.py [--runs 1000]

A run is four conditions with four gates, the class guard and a golden reference, judged by `judge` itself. The golden
model, the stored one and the candidate are equal in truth, although 4 to 9 % of the answers differ. The conditions
share their images, as in a real run, or have images of their own. Seeded; prints shares with their standard errors.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Final

import numpy as np
from population import CLASSES, RULE, SIGNALS, Population, records_of

from pytest_failaware.baselines.entries import baseline_of
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.baseline import Baseline, Golden
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.measurement import DataFacts, Measurement, ModelFacts, Provenance
from pytest_failaware.core.records import Records
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import CLASS_GUARD, ItemResult, Verdict
from pytest_failaware.judge.verdict import judge

GATES: Final = ("accuracy", "confident_accuracy_at_coverage", "confident_accuracy", "confident_correct_rate")
DECLARED: Final = {
    "conditions": list(DEFAULT_CONDITIONS),
    "metrics": list(GATES),
    "tolerance": {**dict.fromkeys(GATES, 0.005), "confident_correct_rate": 0.05},
    "class_guard": 0.10,
}
POLICIES: Final = {
    policy: build_gate({**DECLARED, "policy": policy.value}) for policy in (Policy.BEYOND_TOLERANCE, Policy.ANY_DROP)
}
ALPHA: Final = Decimal("0.01")
SIZES: Final = (500, 2000)
KINDS: Final = ("any", "a gate", "class guard", "drift")


def results(
    population: Population, n: int, random: np.random.Generator, gate: Gate, *, is_shared: bool
) -> Iterator[ItemResult]:
    """Yield the result of each condition of one run; `is_shared` says whether the conditions have the same images."""
    rows, roles = population.rows(random, n)
    for number, condition in enumerate(gate.conditions[: len(SIGNALS)]):
        if not is_shared:
            rows, roles = population.rows(random, n)
        yield judged(condition, population.models(number, rows, roles), gate)


def judged(condition: Condition, models: Sequence[Records], gate: Gate) -> ItemResult:
    """Return the result of a candidate; `models` are golden, the stored one and the candidate."""
    golden, stored, now = models
    baseline = _baseline(condition, len(now))
    reference = Reference(name="made", key=condition.key, baseline=baseline, records=stored, golden=golden)
    return judge(_measurement(condition, now), reference, gate)


def _measurement(condition: Condition, records: Records) -> Measurement:
    data = DataFacts(fingerprint="made", samples=len(records), classes=tuple(map(str, range(CLASSES))))
    return Measurement(
        condition=condition,
        seed=0 if condition.is_random else None,
        records=records,
        provenance=Provenance(
            data=data, preprocessing="none", model=ModelFacts(sha256="made", architecture="made"), environment={}
        ),
    )


@cache
def _baseline(condition: Condition, n: int) -> Baseline:
    """Return a baseline with a golden reference; its counts are not used."""
    labels = np.zeros(n, dtype=np.uint16)
    measurement = _measurement(condition, records_of(np.eye(CLASSES)[labels], labels))
    baseline, key = baseline_of(measurement, RULE, "made"), condition.key
    golden = Golden(model_sha256="golden", records_sha256="golden", rule=RULE)
    return replace(baseline, entries={key: replace(baseline.entries[key], golden=golden)})


def reds(run: list[ItemResult]) -> set[str]:
    """Return which parts of a run are red: any, a gate, the class guard, drift."""
    failing = [comparison for result in run for comparison in result.comparisons if comparison.verdict.fails]
    kinds = {
        "drift"
        if comparison.verdict is Verdict.DRIFTED
        else "class guard"
        if comparison.metric == CLASS_GUARD
        else "a gate"
        for comparison in failing
    }
    return {"any", *kinds} if kinds or any(result.verdict.fails for result in run) else set()


def shares(population: Population, n: int, runs: int, gate: Gate, *, is_shared: bool) -> dict[str, float]:
    """Return the share of runs that are red, for each part."""
    random, count = np.random.default_rng(7), Counter[str]()
    for _ in range(runs):
        count.update(reds(list(results(population, n, random, gate, is_shared=is_shared))))
    return {kind: count[kind] / runs for kind in KINDS}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--samples", type=int, nargs="*", default=SIZES)
    options, population = parser.parse_args(), Population()
    print(f"share of {options.runs:,} runs of equal models that are red, in % (alpha is {100 * ALPHA:.0f} %)")
    print(f"{'policy, images of the conditions':<36}{'n':>6}" + "".join(f"{kind:>14}" for kind in KINDS))
    for policy, gate in POLICIES.items():
        for is_shared in (True, False):
            for n in options.samples:
                found = shares(population, n, options.runs, gate, is_shared=is_shared)
                cells = [_cell(found[kind], options.runs) for kind in KINDS]
                label = f"{policy.value}, {'the same' if is_shared else 'different'}"
                print(f"{label:<36}{n:>6,}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


def _cell(share: float, runs: int) -> str:
    return f"{100 * share:.2f} ({100 * math.sqrt(max(share, 1 / runs) / runs):.2f})"


if __name__ == "__main__":
    main()

"""How often a gate fails for an honest retrain and for one with a planted fault, over many trainings on digits.

    python benchmarks/retrain.py [--seeds 20] [--faulty 10] [--processes 2]

One recipe with 20 seeds gives 380 ordered pairs of baseline and candidate; each faulty recipe gives 10 candidates
more, judged against every baseline. A pair is one marked test of the default conditions with the default gates. Two
honest seeds truly differ, so a failing pair need not be a false alarm: a gate compares two checkpoints, not two
recipes. Each training takes about half a minute of one core.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import permutations, product
from pathlib import Path

import numpy as np
import torch

from pytest_failaware import evaluate
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.records import Records
from pytest_failaware.judge.gating import bounded_changes, drifted, gated, worsening
from pytest_failaware.judge.metrics.rates import METRICS
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.sides import Sides, under_one_rule
from pytest_failaware.judge.verdict import TERMS

sys.path.append(str(Path(__file__).parents[1] / "examples" / "digits"))

import digits
import train

Candidate = Mapping[str, Records]
"""The records of a trained network on the test images, by condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is trained: like digits.pth, except for a planted fault."""

    epochs: int = 40
    augmented: bool = True
    wrong_labels: float = 0.0


RECIPES = {
    "honest": Recipe(),
    "5 % of the labels wrong": Recipe(wrong_labels=0.05),
    "no augmentation": Recipe(augmented=False),
    "a third of the epochs": Recipe(epochs=13),
}


def trained(recipe: Recipe, seed: int) -> Candidate:
    """Train a network and measure it under the default conditions."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    images, labels = train.tensors(digits.train_set())
    change = partial(train.augment, strength=1.0) if recipe.augmented else unchanged
    model = train.train(images, mislabelled(labels, recipe.wrong_labels, seed), change, epochs=recipe.epochs, seed=seed)
    outcome = evaluate(model=model, dataset=digits.test_set(), preprocess="resize=32", device="cpu")
    return {condition: one.records for condition, one in outcome.items()}


def unchanged(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Return the images without augmentation, not even a shift."""
    return images


def mislabelled(labels: torch.Tensor, share: float, seed: int) -> torch.Tensor:
    """Return the labels, of which a share, drawn with the seed, is moved to another class."""
    random = np.random.default_rng(seed)
    rows = random.choice(len(labels), round(share * len(labels)), replace=False)
    wrong = labels.clone()
    wrong[rows] = (wrong[rows] + torch.from_numpy(random.integers(1, 10, len(rows)))) % 10
    return wrong


# ---- judging -------------------------------------------------------------------------------------------------------

Judge = Callable[[Sides], bool]
"""Both sides of a condition -> whether its gates fail."""


def by_policy(gate: Gate) -> Judge:
    """Return the judge that fails if the plugin's gate fails."""
    return lambda sides: any(one.verdict.fails for one in (*gated(gate, sides), *bounded_changes(gate, sides)))


def by_fixed_tolerance(gate: Gate, tolerance: Fraction = Fraction(1, 100)) -> Judge:
    """Return the judge that fails if an observed rate fell by more than a fixed tolerance."""

    def fails(sides: Sides) -> bool:
        for metric in (METRICS[name] for name in gate.metrics):
            counts = [[int(mask.sum()) for mask in side.masks(metric)] for side in (sides.before, sides.now)]
            defined = all(among for _, among in counts)
            if defined and worsening(*(Fraction(*count) for count in counts), metric.direction) > tolerance:
                return True
        return False

    return fails


GATES = {
    policy.value: build_gate({"conditions": list(DEFAULT_CONDITIONS), "policy": policy.value}) for policy in Policy
}
JUDGES: Mapping[str, Judge] = {
    **{name: by_policy(gate) for name, gate in GATES.items()},
    "drift budget": lambda sides: any(drifted(GATES["beyond_tolerance"], sides, TERMS.drift_budget)),
    "fixed tolerance of 1 pt": by_fixed_tolerance(GATES["beyond_tolerance"]),
}


def is_red(judge: Judge, before: Candidate, now: Candidate) -> bool:
    """Return whether the marked test fails in any condition."""
    rule = GATES["beyond_tolerance"].rule
    both = (under_one_rule(outcomes_of(before[key], rule), outcomes_of(now[key], rule)) for key in before)
    return any(map(judge, both))


# ---- the table -----------------------------------------------------------------------------------------------------


def lines(found: Mapping[str, Sequence[Candidate]]) -> Iterator[str]:
    """Yield the spread between honest seeds, then how often each policy fails."""
    honest = found["honest"]
    yield from spread(found)
    yield ""
    yield "share of pairs that are red: honest candidates (smallest and largest share of one baseline), faulty ones"
    faults = [name for name in found if name != "honest"]
    yield f"{'':<26}{'honest':>22}" + "".join(f"{name:>26}" for name in faults)
    for name, judge in JUDGES.items():
        red = np.zeros((len(honest), len(honest)))
        for old, new in permutations(range(len(honest)), 2):
            red[old, new] = is_red(judge, honest[old], honest[new])
        shares = red.sum(axis=1) / (len(honest) - 1)
        caught = [np.mean([is_red(judge, *pair) for pair in product(honest, found[fault])]) for fault in faults]
        cell = f"{shares.mean():.0%} ({shares.min():.0%} to {shares.max():.0%})"
        yield f"{name:<26}{cell:>22}" + "".join(f"{share:>26.0%}" for share in caught)


def spread(found: Mapping[str, Sequence[Candidate]]) -> Iterator[str]:
    """Yield the mean and standard deviation over the seeds of a recipe, in percent."""
    rule = GATES["beyond_tolerance"].rule
    names = ("accuracy", "confident_accuracy", "failure_rate")
    yield "mean (standard deviation between seeds), in %"
    yield f"{'recipe':<26}{'condition':<18}" + "".join(f"{name:>22}" for name in names)
    for recipe, candidates in found.items():
        for condition in DEFAULT_CONDITIONS:
            sides = [outcomes_of(candidate[condition], rule) for candidate in candidates]
            cells = []
            for name in names:
                counts = [side.masks(METRICS[name]) for side in sides]
                rates = [100 * counted.sum() / among.sum() for counted, among in counts if among.any()]
                cells.append(f"{np.mean(rates):.2f} ({np.std(rates, ddof=1):.2f})" if len(rates) > 1 else "-")
            yield f"{recipe:<26}{condition:<18}" + "".join(f"{cell:>22}" for cell in cells)


def main() -> None:
    """Train, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="honest trainings")
    parser.add_argument("--faulty", type=int, default=10, help="trainings of each faulty recipe, with other seeds")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    seeds = {name: range(options.seeds) if name == "honest" else range(100, 100 + options.faulty) for name in RECIPES}
    asked = [(RECIPES[name], seed) for name in RECIPES for seed in seeds[name]]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        made = iter(pool.starmap(trained, asked, chunksize=1))
    print("\n".join(lines({name: [next(made) for _ in seeds[name]] for name in RECIPES})))


if __name__ == "__main__":
    main()

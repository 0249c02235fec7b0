"""How often a gate fails for an honest retrain and for one with a planted fault, over many trainings on digits.

    python benchmarks/retrain.py --cache FOLDER [--seeds 20] [--faulty 6] [--processes 1] [--only pairs|recipes]

One recipe with 20 seeds gives 380 ordered pairs of baseline and candidate; each faulty recipe gives 6 candidates
more, judged against every baseline. A pair is one marked test of the default conditions. Two honest seeds truly
differ, so a failing pair need not be a false alarm: a gate compares two checkpoints, not two recipes. Then candidates
are judged against sets of seeds (benchmarks/seed_sets.py). A training takes 30 to 45 seconds of one core, and its
weights stay in the folder for the next run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import permutations, product
from pathlib import Path

import numpy as np
import torch

from pytest_failaware import evaluate
from pytest_failaware.baselines.entries import baseline_of
from pytest_failaware.config.gate import build_gate
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS
from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.metric import RateMetric
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.result import CLASS_GUARD, Comparison, Judged, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.gating import worsening
from pytest_failaware.judge.metrics.rates import METRICS
from pytest_failaware.judge.outcomes import Outcomes, outcomes_of
from pytest_failaware.judge.verdict import judge

sys.path.append(str(Path(__file__).parents[1] / "examples" / "digits"))

import digits
import seed_sets
import train

RULE = FailureRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A trained network under one condition, and the baseline that it would be."""

    measurement: Measurement
    baseline: Baseline


Candidate = Mapping[str, Measured]
"""A trained network, by condition."""


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


def trained(recipe: Recipe, seed: int, cache: Path | None = None) -> Candidate:
    """Train a network, or take its weights from the folder, and measure it under the default conditions."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    outcome = evaluate(model=model_of(recipe, seed, cache), dataset=digits.test_set(), preprocess="resize=32")
    measured = {key: evaluation.measurement for key, evaluation in outcome.items()}
    return {key: Measured(measurement=now, baseline=baseline_of(now, RULE, "digits")) for key, now in measured.items()}


def model_of(recipe: Recipe, seed: int, cache: Path | None) -> torch.nn.Module:
    """Return a trained network; its weights stay in the folder, if there is one."""
    name = f"epochs={recipe.epochs} augmented={recipe.augmented} wrong_labels={recipe.wrong_labels} seed={seed}.pth"
    file = None if cache is None else cache / name
    if file is not None and file.exists():
        model = digits.network().eval()
        model.load_state_dict(torch.load(file, weights_only=True))
        return model
    images, labels = train.tensors(digits.train_set())
    change = partial(train.augment, strength=1.0) if recipe.augmented else unchanged
    trained = train.train(
        images, mislabelled(labels, recipe.wrong_labels, seed), change, epochs=recipe.epochs, seed=seed
    )
    if file is not None:
        torch.save(trained.state_dict(), file)
    return trained


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

MODEL = ("accuracy", "confident_accuracy_at_coverage")
PROMISE = ("confident_accuracy", "confident_correct_rate")
FORMER = ("accuracy", "confident_accuracy", "silent_failure_rate", "confident_correct_rate")
COLUMNS = {
    "accuracy": "accuracy",
    "ranking": "confident_accuracy_at_coverage",
    "conf.": "confident_accuracy",
    "ccr": "confident_correct_rate",
    "silent": "silent_failure_rate",
    "class": CLASS_GUARD,
}
"""The heading of each gate in the table, and its metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to judge: a gate, and which of its comparisons count as red. Drift needs a golden reference."""

    gate: Gate
    is_red: Callable[[Judged], bool]
    has_golden: bool = False

    def red(self, before: Candidate, now: Candidate) -> list[Judged]:
        """Return the red comparisons of a marked test, of all its conditions."""
        return [judged for key in now for judged in self._judged(before[key], now[key]) if self.is_red(judged)]

    def _judged(self, before: Measured, now: Measured) -> Sequence[Judged]:
        """Return all comparisons of one condition."""
        reference = Reference(
            name=before.baseline.name,
            key=before.measurement.condition.key,
            baseline=before.baseline,
            records=before.measurement.records,
            golden=before.measurement.records if self.has_golden else None,
        )
        return judge(now.measurement, reference, self.gate).comparisons


def gate_of(metrics: Iterable[str], tolerance: Mapping[str, float], **values: object) -> Gate:
    """Return a gate on the default conditions."""
    allowed = {name: tolerance.get(name, 0.005) for name in metrics}
    return build_gate(
        {"conditions": list(DEFAULT_CONDITIONS), "metrics": list(metrics), "tolerance": allowed, "rule": RULE, **values}
    )


def default_gates(policy: Policy = Policy.BEYOND_TOLERANCE) -> Gate:
    """Return the default gates, named one by one, under a policy."""
    tolerance = {"confident_correct_rate": 0.05}
    return gate_of((*MODEL, *PROMISE), tolerance, class_guard=0.10, policy=policy.value)


def default_gate() -> Gate:
    """Return the default gates without a typed value, so that a recipe has its tolerances."""
    return build_gate({"conditions": list(DEFAULT_CONDITIONS), "rule": RULE})


def stored(network: Candidate) -> seed_sets.Network:
    """Return what was measured of a network, and the baselines that it would be."""
    return {key: (measured.measurement, measured.baseline) for key, measured in network.items()}


def fails(judged: Judged) -> bool:
    """Return whether the plugin's gate fails."""
    return judged.verdict.fails


def drifted(judged: Judged) -> bool:
    """Return whether the loss exceeds the drift budget."""
    return judged.verdict is Verdict.DRIFTED


def fell_by_a_point(judged: Judged) -> bool:
    """Return whether an observed rate fell by more than a fixed tolerance of one point."""
    if not isinstance(judged, Comparison) or judged.metric == CLASS_GUARD:
        return False
    before, now = judged.reference.fraction, judged.current.fraction
    direction = GATES[1].table[judged.metric].direction
    return before is not None and now is not None and worsening(before, now, direction) > Fraction(1, 100)


# 0.0125 gives each of the 16 former gates its former level, 0.01 / 16, beside the fifth that is kept free today
GATES = (gate_of(FORMER, {}, class_guard="off", alpha=0.0125), default_gates())
WAYS: Mapping[str, Way] = {
    "former gates": Way(gate=GATES[0], is_red=fails),
    "default gates": Way(gate=GATES[1], is_red=fails),
    "any_drop": Way(gate=default_gates(Policy.ANY_DROP), is_red=fails),
    "non_inferiority": Way(gate=default_gates(Policy.NON_INFERIORITY), is_red=fails),
    "equivalence": Way(gate=default_gates(Policy.EQUIVALENCE), is_red=fails),
    "drift budget": Way(gate=GATES[1], is_red=drifted, has_golden=True),
    "fixed tolerance of 1 pt": Way(gate=GATES[1], is_red=fell_by_a_point),
}
DETAILED = ("former gates", "default gates")


# ---- the tables ----------------------------------------------------------------------------------------------------

Red = Sequence[Sequence[Judged]]
"""The red comparisons of each pair."""


def lines(candidates: Mapping[str, Sequence[Candidate]]) -> Iterator[str]:
    """Yield the spread between seeds, then which pairs are red under each way to judge, and which gates are."""
    yield from spread(candidates)
    yield ""
    yield "share of pairs that are red: honest candidates (smallest and largest share of one baseline), faulty ones"
    yield f"{'':<26}{'honest':>22}" + "".join(f"{name:>26}" for name in candidates if name != "honest")
    red = {}
    for label, way in WAYS.items():
        red[label] = {name: judged_pairs(way, candidates, name) for name in candidates}
        honest, *faulty = red[label].values()
        yield f"{label:<26}{of_baselines(honest, len(candidates['honest'])):>22}" + "".join(
            f"{share(map(bool, pairs)):>26}" for pairs in faulty
        )
    yield ""
    yield "share of pairs that are red, that are regressed or moved, and in which a gate is red in some condition"
    yield f"{'':<15}{'candidates':<25}" + "".join(
        f"{name:>10}" for name in ("pairs", "red", "regressed", "moved", *COLUMNS)
    )
    for label in DETAILED:
        for name, pairs in red[label].items():
            yield f"{label:<15}{name:<25}" + "".join(f"{cell:>10}" for cell in cells(WAYS[label].gate, pairs))


def judged_pairs(way: Way, candidates: Mapping[str, Sequence[Candidate]], name: str) -> Red:
    """Return what is red in each pair of an honest baseline and another candidate, in the order of the baselines."""
    honest = candidates["honest"]
    pairs = permutations(honest, 2) if name == "honest" else product(honest, candidates[name])
    return [way.red(*pair) for pair in pairs]


def of_baselines(pairs: Red, baselines: int) -> str:
    """Return the share of red pairs with the smallest and the largest share of one baseline."""
    of_each = np.array(list(map(bool, pairs))).reshape(baselines, -1).mean(axis=1)
    return f"{of_each.mean():.0%} ({of_each.min():.0%} to {of_each.max():.0%})"


def cells(gate: Gate, pairs: Red) -> Iterator[str]:
    """Yield the number of pairs, the share of red, regressed and moved ones, and of those in which each gate is red."""
    is_worse = [any(judged.verdict is Verdict.REGRESSED for judged in red) for red in pairs]
    yield str(len(pairs))
    yield share(map(bool, pairs))
    yield share(is_worse)
    yield share(bool(red) and not worse for red, worse in zip(pairs, is_worse, strict=True))
    for metric in COLUMNS.values():
        is_judged = gate.has_class_guard if metric == CLASS_GUARD else metric in gate.metrics
        yield share(any(judged.metric == metric for judged in red) for red in pairs) if is_judged else "-"


def share(of_pairs: Iterable[bool]) -> str:
    """Return a share in percent, with a decimal below 10 %."""
    value = float(np.mean(list(of_pairs)))
    return f"{value:.1%}" if 0 < value < 0.095 else f"{value:.0%}"


def spread(candidates: Mapping[str, Sequence[Candidate]]) -> Iterator[str]:
    """Yield the mean and standard deviation over the seeds of a recipe, in percent."""
    names = ("accuracy", "confident_accuracy", "failure_rate")
    yield "mean (standard deviation between seeds), in %"
    yield f"{'recipe':<26}{'condition':<18}" + "".join(f"{name:>22}" for name in names)
    for recipe, networks in candidates.items():
        for condition in DEFAULT_CONDITIONS:
            sides = [outcomes_of(network[condition].measurement.records, RULE) for network in networks]
            shown = (mean_and_spread(METRICS[name], sides) for name in names)
            yield f"{recipe:<26}{condition:<18}" + "".join(f"{cell:>22}" for cell in shown)


def mean_and_spread(metric: RateMetric, sides: Sequence[Outcomes]) -> str:
    """Return the mean of a rate over networks, with its standard deviation."""
    counts = [side.masks(metric) for side in sides]
    rates = [100 * counted.sum() / among.sum() for counted, among in counts if among.any()]
    return f"{np.mean(rates):.2f} ({np.std(rates, ddof=1):.2f})" if len(rates) > 1 else "-"


def main() -> None:
    """Train, measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the weights, outside the repository")
    parser.add_argument("--seeds", type=int, default=20, help="honest trainings")
    parser.add_argument("--faulty", type=int, default=6, help="trainings of each faulty recipe, with other seeds")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", choices=["pairs", "recipes"], help="one of the two parts")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    seeds = {name: range(options.seeds) if name == "honest" else range(100, 100 + options.faulty) for name in RECIPES}
    wanted = [(RECIPES[name], seed, options.cache) for name in RECIPES for seed in seeds[name]]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        networks = iter(pool.starmap(trained, wanted, chunksize=1))
    measured = {name: [next(networks) for _ in seeds[name]] for name in RECIPES}
    if options.only != "recipes":
        print("\n".join(lines(measured)), flush=True)
    if options.only != "pairs":
        for line in seed_sets.lines({name: list(map(stored, measured[name])) for name in RECIPES}, default_gate()):
            print(line, flush=True)


if __name__ == "__main__":
    main()

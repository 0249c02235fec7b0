"""How often a remedy is proven, and how often it is called proven although no rule of its family is enough.

    python benchmarks/remedies.py [--draws 1000] [--power-draws 100]

A population is a marked test of known truth: many made samples of one or several conditions, with the stored and the
new logits. Rows are drawn from it with replacement. For the error rate, the tolerance of one promise is set to the
loss under the best rule of the family, so that every rule loses the tolerance or more, and each remedy that is called
proven is an error. Each of the two remedies may be wrong in 2.5 % of the draws, both together in 5 %. Seeded.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import Records
from pytest_failaware.core.remedy import RemedyKind
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.rule_columns import rule_columns
from pytest_failaware.core.samples import Samples
from pytest_failaware.core.scores import columns_of
from pytest_failaware.judge.outcomes import outcomes_of
from pytest_failaware.judge.remedy.case import CONFIDENT_ACCURACY, CONFIDENT_CORRECT_RATE, SILENT_FAILURE_RATE, Case
from pytest_failaware.judge.remedy.family import Family, Index, families
from pytest_failaware.judge.remedy.search import Z_NEED, held_out_z

RULE = FailureRule()
TOLERANCE = {CONFIDENT_ACCURACY: 0.005, CONFIDENT_CORRECT_RATE: 0.05, SILENT_FAILURE_RATE: 0.005}
OTHER_TOLERANCE = 0.05
SIZE = 40_000
FEW, MANY = 2000, 5000
POWER_SIZES = (1000, 2000, 5000, 10_000)
KINDS = (RemedyKind.RULE, RemedyKind.TEMPERATURE)

PROMISES = (CONFIDENT_ACCURACY, CONFIDENT_CORRECT_RATE)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a model: its logits are scaled, jittered by a factor for each sample, or turned wrong."""

    scale: float = 1.0
    jitter: float = 0.0
    broken: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Population:
    """A marked test of which every rule's true loss is known; all conditions have the same number of samples."""

    label: str
    cases: tuple[Case, ...]

    @cached_property
    def families(self) -> dict[RemedyKind, Family]:
        """The families of rules, by kind."""
        return {family.kind: family for family in families(self.cases)}

    @cached_property
    def indexes(self) -> dict[RemedyKind, list[Index]]:
        """Before which rule of a family each sample stops being trusted, (N,) for each condition."""
        return {kind: [family.trusted_before(case) for case in self.cases] for kind, family in self.families.items()}

    def losses(self, kind: RemedyKind) -> dict[str, Floats]:
        """Return the largest true loss of the conditions under each rule, (rules,), of both promises."""
        count = len(self.families[kind].rules)
        each = [losses(case, index, count) for case, index in zip(self.cases, self.indexes[kind], strict=True)]
        return {name: np.max([loss[name] for loss in each], axis=0) for name in each[0]}

    def on_the_bound(self, kind: RemedyKind, promise: str) -> Population:
        """Return the population with the tolerance of one promise at which the best rule misses it by nothing.

        The other promise has a tolerance of 0.05. Rules that break it do not count among the best.
        """
        loss, (other,) = self.losses(kind), {*PROMISES} - {promise}
        bound = float(loss[promise][loss[other] <= OTHER_TOLERANCE].min())
        assert bound > 0, f"{self.label}: no tolerance makes every rule lose; change the population"
        tolerance = {promise: bound, other: OTHER_TOLERANCE}
        cases = [replace(case, tolerance={**case.tolerance, **tolerance}) for case in self.cases]
        return Population(label=self.label, cases=tuple(cases))


def losses(case: Case, index: Index, count: int) -> dict[str, Floats]:
    """Return the true loss of both promises of a condition under each rule, (rules,)."""
    trusted = counts_above(index, count)
    right = counts_above(index[case.now.correct], count)
    before = case.before.trusted.sum(), (case.before.trusted & case.before.right).sum()
    return {
        CONFIDENT_ACCURACY: before[1] / before[0] - right / np.maximum(1, trusted),
        CONFIDENT_CORRECT_RATE: (before[1] - right) / len(index),
    }


def counts_above(index: Index, count: int) -> NDArray[np.int64]:
    """Return how many samples each rule trusts, (rules,)."""
    return len(index) - np.bincount(index, minlength=count + 1).cumsum()[:count]


# ---- made models ---------------------------------------------------------------------------------------------------


def population(label: str, hardness: Sequence[float], change: Change, seed: int) -> Population:
    """Return a population of ten classes; the model is right more often if it is sure.

    Args:
        label: its name in the table.
        hardness: what each condition takes from the logit of the right class.
        change: what became of the model.
        seed: of all random numbers. The strength of the right class and the label of a sample, and whether its answer
            is broken, are the same in all conditions, as for one image.
    """
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, SIZE).astype(np.uint16)
    strength, broken = random.uniform(-0.5, 8, SIZE), random.random(SIZE) < change.broken
    cases = []
    for number, hard in enumerate(hardness):
        logits = random.normal(0, 2, (SIZE, 10))
        logits[np.arange(SIZE), labels] += strength - hard
        now = change.scale * logits * np.exp(random.normal(0, change.jitter, (SIZE, 1)))
        now[broken] = np.roll(now[broken], 1, axis=1)
        before = outcomes_of(records(logits, labels), RULE)
        cases.append(Case(key=str(number), before=before, now=records(now, labels), rule=RULE, tolerance=TOLERANCE))
    return Population(label=label, cases=tuple(cases))


def records(logits: Floats, labels: NDArray[np.uint16]) -> Records:
    """Return records with the columns of the rule and without logits."""
    samples = Samples(ids=np.arange(len(labels), dtype=np.uint64), labels=labels)
    return Records.of_outcome(samples, {**columns_of(logits, labels), **rule_columns(logits, [RULE])})


EASY, ALONE, HARD, FOUR = (-6.0,), (-3.0,), (1.0,), (-4.0, 1.0, 0.0, -2.0)
ERRORS: tuple[tuple[str, Sequence[float], Change, str], ...] = (
    ("2 % turned wrong", ALONE, Change(broken=0.02), CONFIDENT_ACCURACY),
    ("5 % turned wrong", ALONE, Change(broken=0.05), CONFIDENT_ACCURACY),
    ("5 % turned wrong, logits x 1.5", ALONE, Change(broken=0.05, scale=1.5), CONFIDENT_ACCURACY),
    ("5 % turned wrong, logits / 1.5", ALONE, Change(broken=0.05, scale=1 / 1.5), CONFIDENT_ACCURACY),
    ("5 % turned wrong", ALONE, Change(broken=0.05), CONFIDENT_CORRECT_RATE),
    ("5 % turned wrong, logits x 1.5", ALONE, Change(broken=0.05, scale=1.5), CONFIDENT_CORRECT_RATE),
    ("logits jittered by 0.8", ALONE, Change(jitter=0.8), CONFIDENT_ACCURACY),
    ("easy, 5 % turned wrong", EASY, Change(broken=0.05), CONFIDENT_ACCURACY),
    ("hard, 15 % turned wrong, logits x 2", HARD, Change(broken=0.15, scale=2.0), CONFIDENT_ACCURACY),
    ("four conditions, 1 % turned wrong", FOUR, Change(broken=0.01), CONFIDENT_ACCURACY),
    ("four conditions, 5 % turned wrong", FOUR, Change(broken=0.05), CONFIDENT_CORRECT_RATE),
    ("four conditions, 5 % wrong, logits x 1.5", FOUR, Change(broken=0.05, scale=1.5), CONFIDENT_ACCURACY),
    ("four conditions, logits jittered by 0.8", FOUR, Change(jitter=0.8), CONFIDENT_ACCURACY),
)
"""Populations and the promise whose tolerance is set to the bound; with two remedies each, 26 truths."""
POWER: tuple[tuple[str, Sequence[float], Change], ...] = (
    ("0.5 % turned wrong, logits x 1.5", FOUR, Change(scale=1.5, broken=0.005)),
    ("logits x 1.5", FOUR, Change(scale=1.5)),
    ("logits / 1.5", FOUR, Change(scale=1 / 1.5)),
    ("logits jittered by 0.3", FOUR, Change(jitter=0.3)),
)


# ---- drawing -------------------------------------------------------------------------------------------------------


def proven(populations: Mapping[RemedyKind, Population], n: int, draws: int, seed: int) -> NDArray[np.bool_]:
    """Return whether each remedy is called proven in each draw of n samples, (draws, remedies).

    The populations have the same samples and differ in their tolerance. The rows are the same in all conditions, as the
    images of a test set are; they are sorted, and the new ids give each sample its half.
    """
    random = np.random.default_rng(seed)
    found = np.zeros((draws, len(populations)), dtype=np.bool_)
    for draw in range(draws):
        rows = np.sort(random.integers(0, SIZE, n))
        cases = [taken(case, rows) for case in next(iter(populations.values())).cases]
        found[draw] = [z_of(of, kind, cases, rows) >= Z_NEED for kind, of in populations.items()]
    return found


def z_of(of: Population, kind: RemedyKind, cases: Sequence[Case], rows: NDArray[np.intp]) -> float:
    """Return the held-out z of a remedy on drawn samples under the tolerance of a population."""
    allowed = [replace(case, tolerance=of.cases[0].tolerance) for case in cases]
    return held_out_z(allowed, of.families[kind], [index[rows] for index in of.indexes[kind]])


def taken(case: Case, rows: NDArray[np.intp]) -> Case:
    """Return a condition with these samples under new ids, since a sample can be drawn twice."""
    ids = np.arange(len(rows), dtype=np.uint64)
    before, now = case.before, case.now.take(rows)
    return replace(
        case,
        before=replace(before, right=before.right[rows], trusted=before.trusted[rows]),
        now=replace(now, samples=replace(now.samples, ids=ids)),
    )


# ---- the tables ----------------------------------------------------------------------------------------------------


def errors(draws: int) -> Iterator[str]:
    """Yield how often a remedy is called proven although no rule is enough."""
    yield f"share of {draws:,} draws in which a remedy is called proven and no rule is enough, in %"
    yield f"{'':<42}{'bound of':<24}{'n':>6}" + "".join(
        f"{name:>14}" for name in (*(kind.value for kind in KINDS), "any")
    )
    shares = []
    for number, (label, hardness, change, promise) in enumerate(ERRORS):
        whole = population(label, hardness, change, seed=number)
        on_bound = {kind: whole.on_the_bound(kind, promise) for kind in KINDS}
        n = MANY if len(hardness) == 1 else FEW
        found = proven(on_bound, n, draws, seed=1000 + number)
        shares.append((*found.mean(axis=0), found.any(axis=1).mean()))
        yield f"{label:<42}{promise:<24}{n:>6}" + "".join(f"{100 * share:>14.1f}" for share in shares[-1])
    table = np.array(shares)
    for name, row in (("mean", table.mean(axis=0)), ("largest", table.max(axis=0))):
        yield f"{name:<72}" + "".join(f"{100 * share:>14.2f}" for share in row)


def power(draws: int) -> Iterator[str]:
    """Yield how often a remedy is proven under the default tolerances."""
    yield f"share of {draws:,} draws of four conditions in which a remedy is proven"
    yield f"{'':<34}{'remedy':<14}" + "".join(f"{f'n = {n:,}':>12}" for n in POWER_SIZES)
    for number, (label, hardness, change) in enumerate(POWER):
        whole = population(label, hardness, change, seed=100 + number)
        shares = [proven(dict.fromkeys(KINDS, whole), n, draws, seed=2000 + number).mean(axis=0) for n in POWER_SIZES]
        for column, kind in enumerate(KINDS):
            yield f"{label:<34}{kind.value:<14}" + "".join(f"{share[column]:>12.2f}" for share in shares)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--power-draws", type=int, default=100)
    options = parser.parse_args()
    for line in chain(errors(options.draws), [""], power(options.power_draws)):
        print(line, flush=True)


if __name__ == "__main__":
    main()

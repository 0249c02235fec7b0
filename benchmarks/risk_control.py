"""How often the true risk of a chosen rule is above the target, which chosen thresholds promise to keep.

    python benchmarks/risk_control.py [--splits 1000]

Each population is 200,000 simulated images of 10 classes; a split is n of them drawn with replacement, so the true risk
of a rule is its risk on the whole population. For comparison: the binary search of Geifman and El-Yaniv 2017, and the
threshold at which the observed risk equals the target. A second table has images in groups of 20 that succeed and fail
together: one choice uses all of them as if they were independent, one uses one of each group, as the command does.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.core.records import SCORES, Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples
from pytest_failaware.core.scores import log_softmax, scores_of
from pytest_failaware.judge.groups import one_of_each
from pytest_failaware.judge.significance.rates import clopper_pearson_upper
from pytest_failaware.judge.thresholds import By, choose

CLASSES = 10
POPULATION = 200_000
RISK, CONFIDENCE = 0.05, 0.95
SIZES = (500, 2000, 10_000)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Scores of predictions, (N,) float32 each, and which are wrong, (N,) bool, in groups of `size` successive ones."""

    confidence: NDArray[np.float32]
    entropy: NDArray[np.float32]
    wrong: NDArray[np.bool_]
    size: int = 1

    def split(self, random: np.random.Generator, n: int) -> Records:
        """Return the records of n images, in whole groups drawn with replacement; predictions of class 0 are right."""
        groups = random.integers(0, len(self.wrong) // self.size, n // self.size)
        rows = (groups[:, None] * self.size + np.arange(self.size)).ravel()
        columns = {name: np.zeros(n, dtype=np.float32) for name in SCORES}
        columns |= {"confidence": self.confidence[rows], "entropy": self.entropy[rows]}
        label, wrong = np.zeros(n, dtype=np.uint16), self.wrong[rows].astype(np.uint16)
        return Records(samples=Samples(ids=np.arange(n, dtype=np.uint64), labels=label), prediction=wrong, **columns)

    def together(self, size: int, share: float) -> Population:
        """Return the same images in groups; in each, a share of about `share` equals the first image."""
        random, count = np.random.default_rng(3), len(self.wrong)
        order = random.permutation(count)
        rows = np.where(random.random(count) < share, order[np.arange(count) // size * size], order)
        columns = {name: getattr(self, name)[rows] for name in ("confidence", "entropy", "wrong")}
        return Population(**columns, size=size)

    def truth(self, rule: FailureRule) -> tuple[float, float]:
        """Return the share of wrong answers among those that a rule trusts, and the share that it trusts."""
        trusted = ~rule.flags(confidence=self.confidence, entropy=self.entropy)
        return float(self.wrong[trusted].mean()), float(trusted.mean())


def population(chance: Floats, digits: int | None = None) -> Population:
    """Return predictions from Gaussian logits, with wrong answers at given rates.

    Args:
        chance: Rate of wrong answers, (POPULATION,), from the answer of the highest confidence to that of the lowest.
        digits: Decimals to which the scores are rounded, so that many are equal, or None.
    """
    random = np.random.default_rng(5)
    logits = random.normal(0, 1, (POPULATION, CLASSES))
    logits[:, 0] += random.gamma(3, 2, POPULATION)
    scores = scores_of(log_softmax(logits))
    wrong = np.empty(POPULATION, dtype=np.bool_)
    wrong[np.argsort(-scores.confidence, kind="stable")] = np.diff(np.floor(np.cumsum(chance)), prepend=0) > 0
    confidence, entropy = scores.confidence, scores.entropy
    if digits is not None:
        confidence, entropy = confidence.round(digits), entropy.round(digits)
    return Population(confidence=confidence, entropy=entropy, wrong=wrong)


RANK = np.arange(POPULATION) / POPULATION
JUMP = np.where(RANK < 0.5, 0.049, np.where(RANK < 0.51, 0.2, 0.051))
POPULATIONS = {
    "88 % right, a good ranking": (special.expit(14 * RANK - 12.5), None),
    "90 % right, a poor ranking": (0.02 + 0.16 * RANK, None),
    "78 % right, a good ranking": (special.expit(9 * RANK - 7.2), None),
    "78 % right, scores of one decimal": (special.expit(9 * RANK - 7.2), 1),
    "5.05 % wrong at every coverage": (np.full(POPULATION, 0.0505), None),
    "4.9 % wrong, then 20 %, then 5.1 %": (JUMP, None),
    "the surest 2 % are half wrong": (np.where(RANK < 0.02, 0.5, 0.1 * RANK), None),
}
SIZE = 20  # of the groups
SHARES = (0.5, 1.0)  # of a group's images that are alike
GROUPED_SIZES = (2000, 10_000, 50_000)


def chosen(records: Records, by: By) -> FailureRule | None:
    """Return the rule that the command writes."""
    found = choose(records, CLASSES, by, risk=RISK, confidence=CONFIDENCE)
    return None if found.chosen is None else found.rule(found.chosen)


def searched(records: Records) -> FailureRule | None:
    """Return the rule of a binary search over the confidences, whose steps share the error probability."""
    confidence, order = np.sort(records.confidence)[::-1], np.argsort(-records.confidence, kind="stable")
    missed = np.cumsum(~records.correct[order])
    steps = math.ceil(math.log2(len(records)))
    low, high, best = 0, len(records), None
    for _ in range(steps):
        count = (low + high + 1) // 2
        if clopper_pearson_upper(int(missed[count - 1]), count, (1 - CONFIDENCE) / steps) <= RISK:
            low, best = count, FailureRule(confidence=float(confidence[count - 1]), entropy=None)
        else:
            high = count - 1
    return best


def observed(records: Records) -> FailureRule | None:
    """Return the rule with the most coverage whose observed risk is at most the target."""
    order = np.argsort(-records.confidence, kind="stable")
    allowed = np.flatnonzero(np.cumsum(~records.correct[order]) <= RISK * np.arange(1, len(order) + 1))
    return FailureRule(confidence=float(records.confidence[order][allowed[-1]]), entropy=None) if len(allowed) else None


WAYS: dict[str, Callable[[Records], FailureRule | None]] = {
    "confidence": lambda records: chosen(records, By.CONFIDENCE),
    "entropy": lambda records: chosen(records, By.ENTROPY),
    "both": lambda records: chosen(records, By.BOTH),
    "binary search": searched,
    "observed risk": observed,
}

GROUPED_WAYS: dict[str, Callable[[Records], FailureRule | None]] = {
    "all images": lambda records: chosen(records, By.BOTH),
    "one of each": lambda records: chosen(
        records.take(one_of_each(records.samples.in_groups(groups_of(records)))), By.BOTH
    ),
}


def groups_of(records: Records) -> NDArray[np.uint32]:
    """Return the groups of a split: each `SIZE` successive images are a group."""
    return (np.arange(len(records)) // SIZE).astype(np.uint32)


def outcome(
    of: Population, choice: Callable[[Records], FailureRule | None], n: int, splits: int
) -> tuple[float, float]:
    """Return how often the true risk is above the target, and the mean coverage, which is 0 without a rule."""
    random = np.random.default_rng(11)
    rules = [choice(of.split(random, n)) for _ in range(splits)]
    truths = {rule: of.truth(rule) for rule in rules if rule is not None}
    found = [truths[rule] if rule is not None else (0.0, 0.0) for rule in rules]
    return sum(risk > RISK for risk, _ in found) / splits, sum(share for _, share in found) / splits


def lines(splits: int) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"share of {splits:,} splits whose true risk is above {RISK:.0%}, at most 5 % (and mean coverage), in %"
    yield f"{'':<44}{'n':>8}" + "".join(f"{way:>15}" for way in WAYS)
    for label, made in POPULATIONS.items():
        of = population(*made)
        for n in SIZES:
            cells = (outcome(of, choice, n, splits) for choice in WAYS.values())
            yield f"{label:<44}{n:>8,}" + "".join(
                f"{f'{100 * over:.1f} ({100 * share:.1f})':>15}" for over, share in cells
            )


def grouped_lines(splits: int) -> Iterator[str]:
    """Yield the lines of the table of images in groups."""
    yield f"the same of images in groups of {SIZE}, of which a share are alike"
    yield f"{'':<36}{'alike':>8}{'n':>8}" + "".join(f"{way:>15}" for way in GROUPED_WAYS)
    for label, made in list(POPULATIONS.items())[:3]:
        for alike in SHARES:
            of = population(*made).together(SIZE, alike)
            for n in GROUPED_SIZES:
                cells = (outcome(of, choice, n, splits) for choice in GROUPED_WAYS.values())
                yield f"{label:<36}{alike:>8.0%}{n:>8,}" + "".join(
                    f"{f'{100 * over:.1f} ({100 * share:.1f})':>15}" for over, share in cells
                )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=1000)
    splits = parser.parse_args().splits
    for line in chain(lines(splits), [""], grouped_lines(splits)):
        print(line, flush=True)


if __name__ == "__main__":
    main()

"""Records -> the rule that trusts the most answers while the risk, the share of wrong ones among them, is bounded.

What is guaranteed: with the stated confidence over the draw of the images, the true risk of the chosen rule is at most
the target. How: before any record is seen, a path of rules is laid down from the safest to the riskiest, each trusting
all that the one before it trusts, with thresholds of four digits, so that what is written is what was tested. Along it,
from the first rule that trusts a stated number of the images, "the risk is above the target" is tested of every set of
trusted answers, each at the full error probability: it is rejected where the exact upper bound (Clopper and Pearson
1934) is at most the target. The first set where it is not ends the sequence, and the rule before that is chosen. Tests
in a fixed sequence need no correction for their number: Angelopoulos, Bates, Candès, Jordan, Lei 2021, "Learn then
test". The binary search of Geifman and El-Yaniv 2017, "Selective classification for deep neural networks", shares the
error probability over its steps and mostly finds less coverage.

Why: let a* be the safest rule of the path whose true risk is above the target. It, or a riskier one, is chosen only
where "the risk is above the target" was rejected of the very set of answers that a* trusts, or where the sequence began
beyond that set. Given how many images a* trusts, the wrong ones are binomial with a rate above the target; so the first
happens with at most the error probability, whatever the model is like. For the second, where a* trusts fewer images
than the first tested rule does, one thing is assumed: the answers between the two are wrong more often than the target,
too. And the images must be independent draws of those to come; of images in groups, one of each group
is, and the guarantee then speaks of an image of a random group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.significance.rates import clopper_pearson_upper, clopper_pearson_uppers

_LEAST: Final = 0.2  # of the images are trusted by the first tested rule: fewer would end too many sequences by chance
_MOST: Final = 0.5  # of the images; the first test waits no longer than this for the right to see wrong answers
_WRONG: Final = 2  # that the first tested rule should survive


class By(Enum):
    """Which parts the rule has."""

    CONFIDENCE = "confidence"
    ENTROPY = "entropy"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The tested rules from the safest to the riskiest, (S,) columns, one for each set of trusted answers."""

    rules: tuple[NDArray[np.float64], NDArray[np.float64]]  # the thresholds of confidence and of entropy
    by: By
    images: int
    trusted: NDArray[np.int64]
    wrong: NDArray[np.int64]  # among the trusted
    bound: NDArray[np.float64]  # of the true risk, with the confidence that was asked for, each for its rule alone
    chosen: int | None  # the index of the chosen rule

    def rule(self, index: int) -> FailureRule:
        """One of the rules."""
        confidence, entropy = (float(column[index]) for column in self.rules)
        return FailureRule(
            confidence=None if self.by is By.ENTROPY else confidence,
            entropy=None if self.by is By.CONFIDENCE else entropy,
        )


def choose(records: Records, classes: int, by: By, *, risk: float, confidence: float = 0.95) -> Curve:
    """The rule of the best coverage whose risk is at most `risk`, with a confidence as the module's docstring says."""
    thresholds = path(by, classes)
    trusted, wrong = _counts(records, *thresholds)
    sets, rows = np.unique(trusted, return_index=True)  # of the rules that trust the same answers the safest
    rows = rows[sets >= first_count(len(records), risk, confidence)]
    trusted, wrong = trusted[rows], wrong[rows]
    bound = clopper_pearson_uppers(wrong, trusted, 1 - confidence)
    passed = int(np.argmin(np.append(bound <= risk, False)))
    return Curve(
        rules=(thresholds[0][rows], thresholds[1][rows]),
        by=by,
        images=len(records),
        trusted=trusted,
        wrong=wrong,
        bound=bound,
        chosen=passed - 1 if passed else None,
    )


def first_count(n: int, risk: float, confidence: float = 0.95) -> int:
    """How many of n images the first tested rule trusts at least; above n where there are too few images.

    >>> [first_count(n, 0.05) for n in (10000, 500, 200, 50)]
    [2000, 124, 93, 59]
    """
    needed = [fewest(risk, confidence, wrong) for wrong in range(_WRONG + 1)]
    most = max((count for count in needed if count <= _MOST * n), default=needed[0])
    return max(most, math.ceil(_LEAST * n))


def fewest(risk: float, confidence: float = 0.95, wrong: int = 0) -> int:
    """How many answers must be trusted so that a risk can be guaranteed though so many of them are wrong.

    >>> [fewest(0.05, 0.95, wrong) for wrong in (0, 1, 2)]
    [59, 93, 124]
    """
    high = wrong + 1
    while clopper_pearson_upper(wrong, high, 1 - confidence) > risk:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if clopper_pearson_upper(wrong, middle, 1 - confidence) <= risk else (middle, high)
    return high


def _counts(
    records: Records, confidence: NDArray[np.float64], entropy: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many answers each rule of the path trusts, and how many of those are wrong; (G,) both.

    An answer is trusted from the first rule on that does not flag it; as in FailureRule.flags, float32 decides.
    """
    by_confidence = np.searchsorted(-confidence.astype(np.float32), -records.confidence)
    by_entropy = np.searchsorted(entropy.astype(np.float32), records.entropy)
    since = np.maximum(by_confidence, by_entropy)
    size = len(confidence)
    trusted, wrong = (np.bincount(rows, minlength=size + 1)[:size] for rows in (since, since[~records.correct]))
    return trusted.cumsum(), wrong.cumsum()


# ---- the path ------------------------------------------------------------------------------------------------------


@cache
def path(by: By, classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The thresholds of confidence and entropy, (G,) each, from the safest rule to the riskiest.

    Both parts go together: the entropy threshold lies half-way between the least and the most entropy that a
    prediction has whose confidence is at the threshold. A part that the rule does not have never flags.
    """
    if by is By.ENTROPY:
        entropy = _entropies()
        return np.zeros(len(entropy)), entropy
    confidence = _confidences()
    if by is By.CONFIDENCE:
        return confidence, np.full(len(confidence), np.inf)
    confidence = confidence[: np.searchsorted(-confidence, -1 / classes) + 1]  # all are at least 1 / classes
    return confidence, np.array([_up(value) for value in _half_way(confidence, classes)])


def _confidences() -> NDArray[np.float64]:
    """1 down to 0.0001, with four digits of what is missing to 1 (0.8123, 0.98765), to seven decimals at most."""
    missing = [(i, 10**7) for i in range(1000)]
    missing += [(i, 10**digits) for digits in (7, 6, 5, 4) for i in range(1000, 10_000)]
    return np.array([(scale - i) / scale for i, scale in missing])


def _entropies() -> NDArray[np.float64]:
    """0 up to 12 nats, more than 65,536 classes can have, with four digits (0.9123), to seven decimals at most."""
    nats = [(i, 10**7) for i in range(1000)]
    nats += [(i, 10**digits) for digits in (7, 6, 5, 4, 3) for i in range(1000, 10_000)]
    nats += [(i, 100) for i in range(1000, 1201)]
    return np.array([i / scale for i, scale in nats])


def _half_way(confidence: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """The mean of the least and the most entropy, nats, at each confidence."""
    c = np.maximum(confidence, 1 / classes)
    as_large = np.floor(1 / c)  # least: as many classes as can have the confidence of the largest, one has the rest
    least = as_large * special.entr(c) + special.entr(np.maximum(0, 1 - as_large * c))
    rest = 1 - c  # most: shared by all the others alike
    most = special.entr(c) + special.entr(rest) + rest * math.log(classes - 1)
    middle: NDArray[np.float64] = (least + most) / 2
    return middle


def _up(value: float) -> float:
    """Four significant digits, not below the value."""
    if value == 0:
        return 0.0
    digits = 3 - math.floor(math.log10(value))
    return float(f"{math.ceil(value * 10**digits)}e-{digits}")

"""The choice of a rule: the rule that trusts the most answers while its risk, the share of wrong answers, is bounded.

The guarantee: with the stated confidence over the draw of the images, the true risk of the chosen rule is at most the
target. The method: a path of rules is fixed before any record is seen, from the safest rule to the riskiest. Each rule
trusts everything that the rule before it trusts. Thresholds have four digits, so the written rule is the tested rule.
The tests begin at the first rule that trusts a stated number of the images. For every set of trusted answers along the
path, the hypothesis "the risk is above the target" is tested at the full error probability: it is rejected if the exact
upper bound (Clopper and Pearson 1934) is at most the target. The sequence ends at the first set whose hypothesis is not
rejected, and the rule before that set is chosen. Tests in a fixed sequence need no correction for their number:
Angelopoulos, Bates, Candès, Jordan, Lei 2021, "Learn then test". The binary search of Geifman and El-Yaniv 2017,
"Selective classification for deep neural networks", divides the error probability among its steps and mostly finds less
coverage.

The reason: let a* be the safest rule of the path whose true risk is above the target. The method chooses a* or a
riskier rule only in two cases: the hypothesis was rejected for exactly the set of answers that a* trusts, or the tests
began beyond that set. Given the number of images that a* trusts, the number of wrong answers is binomial with a rate
above the target, so the first case has at most the error probability for every model. In the second case a* trusts
fewer images than the first tested rule. There the method assumes that the answers between these two rules are also
wrong more often than the target. The images must be independent draws from the same source as future images. If images
come in groups, one image of each group is used, and the guarantee holds for an image of a random group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.significance.rates import clopper_pearson_upper, clopper_pearson_uppers

_LEAST: Final = 0.2  # share of images that the first tested rule trusts: with fewer, chance ends too many sequences
_MOST: Final = 0.5  # share of images: the first test starts no later, even if it then tolerates fewer wrong answers
_WRONG: Final = 2  # wrong answers that the first tested rule should tolerate


class By(Enum):
    """The parts of a rule."""

    CONFIDENCE = "confidence"
    ENTROPY = "entropy"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The tested rules from the safest to the riskiest, (S,) columns: one rule for each set of trusted answers."""

    rules: tuple[NDArray[np.float64], NDArray[np.float64]]  # the thresholds of confidence and of entropy
    by: By
    images: int
    trusted: NDArray[np.int64]
    wrong: NDArray[np.int64]  # among the trusted
    bound: NDArray[np.float64]  # upper bound of the true risk at the requested confidence, for each rule alone
    chosen: int | None  # the index of the chosen rule
    temperature: float = 1.0  # of the scores, and so of the rules

    def rule(self, index: int) -> FailureRule:
        """Return the rule at an index."""
        confidence, entropy = (float(column[index]) for column in self.rules)
        return FailureRule(
            confidence=None if self.by is By.ENTROPY else confidence,
            entropy=None if self.by is By.CONFIDENCE else entropy,
            temperature=self.temperature,
        )


def choose(records: Records, classes: int, by: By, *, risk: float, confidence: float = 0.95) -> Curve:
    """Return the tested rules and the chosen one: the rule of the best coverage whose risk is at most `risk`.

    The module's docstring says what `confidence` guarantees.
    """
    thresholds = path(by, classes)
    trusted, wrong = _counts(records, *thresholds)
    sets, rows = np.unique(trusted, return_index=True)  # the safest of the rules that trust the same answers
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


def with_scores_at(records: Records, temperature: float) -> Records:
    """Return the records with the scores at a temperature in the place of those at 1, for `choose`.

    Raises:
        RuleColumnError: the records hold neither these scores nor the logits.
    """
    confidence, entropy = records.scores_at(temperature)
    return replace(records, confidence=confidence, entropy=entropy)


def first_count(n: int, risk: float, confidence: float = 0.95) -> int:
    """Return how many of n images the first tested rule trusts at least; more than n if there are too few images.

    >>> [first_count(n, 0.05) for n in (10000, 500, 200, 50)]
    [2000, 124, 93, 59]
    """
    needed = [fewest(risk, confidence, wrong) for wrong in range(_WRONG + 1)]
    most = max((count for count in needed if count <= _MOST * n), default=needed[0])
    return max(most, math.ceil(_LEAST * n))


def fewest(risk: float, confidence: float = 0.95, wrong: int = 0) -> int:
    """Return how many answers must be trusted to guarantee a risk if `wrong` of these answers are wrong.

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
    """Return how many answers each rule of the path trusts, and how many of these are wrong; (G,) both.

    All rules from the first rule that does not flag an answer trust it. Like FailureRule.flags, this compares float32.
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
    """Return the thresholds of confidence and entropy, (G,) each, from the safest rule to the riskiest.

    If the rule has both parts, the entropy threshold is the mean of the smallest and the largest entropy that a
    prediction at the confidence threshold can have. A part that the rule does not have never flags.
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
    """Return confidences from 1 to 0.0001; 1 - c has four digits (c = 0.8123, 0.98765) and at most seven decimals."""
    missing = [(i, 10**7) for i in range(1000)]
    missing += [(i, 10**digits) for digits in (7, 6, 5, 4) for i in range(1000, 10_000)]
    return np.array([(scale - i) / scale for i, scale in missing])


def _entropies() -> NDArray[np.float64]:
    """Return entropies from 0 to 12 nats, more than 65,536 classes can have, with four digits, at most 7 decimals."""
    nats = [(i, 10**7) for i in range(1000)]
    nats += [(i, 10**digits) for digits in (7, 6, 5, 4, 3) for i in range(1000, 10_000)]
    nats += [(i, 100) for i in range(1000, 1201)]
    return np.array([i / scale for i, scale in nats])


def _half_way(confidence: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """Return the mean of the smallest and the largest entropy, in nats, at each confidence."""
    c = np.maximum(confidence, 1 / classes)
    as_large = np.floor(1 / c)  # least: as many classes as possible have confidence c, one class has the rest
    least = as_large * special.entr(c) + special.entr(np.maximum(0, 1 - as_large * c))
    rest = 1 - c  # most: all other classes share it equally
    most = special.entr(c) + special.entr(rest) + rest * math.log(classes - 1)
    middle: NDArray[np.float64] = (least + most) / 2
    return middle


def _up(value: float) -> float:
    """Return the value rounded up to four significant digits."""
    if value == 0:
        return 0.0
    digits = 3 - math.floor(math.log10(value))
    return float(f"{math.ceil(value * 10**digits)}e-{digits}")

"""How well a score separates right from wrong answers: metrics of the ranking alone, exact if scores tie.

Each function takes a score, higher is surer, and which answers are right, (N,) each. Samples of equal score form one
step: a threshold takes all of them or none, and an average over thresholds takes them in every order at once, so that
no number depends on the order of the samples. An undefined metric is None. *Coverage* is the share of samples that are
accepted, those of highest score first; *risk* the share of wrong answers among them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.records import TEMPERATURE, Records
from pytest_failaware.judge.metrics.logits import gen, tempered

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_TPR: Final = Fraction(95, 100)
_ROUNDING: Final = 1e-4  # logits; what two float32 columns of one sample leave of a difference that is 0


def score_of(records: Records, name: str) -> Floats | None:
    """Return a stored score as float64, (N,), higher is surer; None if the records do not have it.

    max_logit - ln(confidence) is the logarithm of the sum of all exponentiated logits, the negative of what is called
    energy. For probabilities that were predicted elsewhere it is 0 up to rounding and therefore not known. `gen` and
    `temperature=T` need every logit; a sample without finite logits gets the lowest score.
    """
    confidence = records.confidence.astype(np.float64)
    match name:
        case "confidence":
            return confidence
        case "margin":
            return confidence - records.second_probability
        case "max_logit":
            return np.where(confidence > 0, records.max_logit.astype(np.float64), -np.inf)  # 0 without finite logits
        case "gini":
            return records.sum_squares.astype(np.float64)
        case "entropy":
            return -records.entropy.astype(np.float64)
        case "energy":
            answered = confidence > 0  # confidence is 0 without finite logits: the least sure samples
            energy = np.full(len(confidence), -np.inf)
            energy[answered] = records.max_logit.astype(np.float64)[answered] - np.log(confidence[answered])
            return energy if np.abs(energy[answered]).max(initial=0.0) > _ROUNDING else None
        case "gen":
            return None if records.logits is None else np.where(confidence > 0, gen(records.logits), -np.inf)
        case _ if name.startswith(TEMPERATURE):
            at = float(name.removeprefix(TEMPERATURE))
            return None if records.logits is None else tempered(records, at).confidence.astype(np.float64)
    raise ValueError(f"no score {name!r} is stored")


class Steps(NamedTuple):
    """The samples by descending score, one entry for each score that occurs: how many are right, and how many wrong."""

    right: Floats
    wrong: Floats

    @property
    def accepted(self) -> Floats:
        """Return the number of samples at or above each score."""
        accepted: Floats = np.cumsum(self.right + self.wrong)
        return accepted


def steps_of(score: Floats, right: Mask) -> Steps:
    """Return the steps of a ranking."""
    values, step = np.unique(-score, return_inverse=True)
    return Steps(*(np.bincount(step[mask], minlength=len(values)).astype(np.float64) for mask in (right, ~right)))


# ---- averages over all thresholds ----------------------------------------------------------------------------------


def auroc_f(score: Floats, right: Mask) -> float | None:
    """P(a right answer scores higher than a wrong one) + P(they tie) / 2: 1 is perfect, 1/2 is chance.

    The area under the ROC curve of failure detection. Hendrycks and Gimpel 2017, "A baseline for detecting
    misclassified and out-of-distribution examples in neural networks". None where every answer is right, or every one
    is wrong.

    >>> auroc_f(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, True, False, True, False]))
    0.8333333333333334
    """
    steps = steps_of(score, right)
    pairs = steps.right.sum() * steps.wrong.sum()
    if not pairs:
        return None
    lower = steps.wrong.sum() - np.cumsum(steps.wrong)
    return float((steps.right * (lower + steps.wrong / 2)).sum() / pairs)


def augrc(score: Floats, right: Mask) -> float | None:
    """The mean over coverage of the share of all samples that are accepted and wrong: 0 is best, 1/2 worst.

    The area under g(c) = c risk(c), in which a sure error weighs no more than its rank says. Traub et al. 2024,
    "Overcoming common flaws in the evaluation of selective classification systems". None where there is no sample.

    >>> round(augrc(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, True, False, True, False])), 6)
    0.12
    """
    if not len(score):
        return None
    steps = steps_of(score, right)
    undetected = np.cumsum(steps.wrong)
    return float(((undetected - steps.wrong / 2) * (steps.right + steps.wrong)).sum() / len(score) ** 2)


def aurc(score: Floats, right: Mask) -> float | None:
    """The mean over k = 1..N of the risk of the k surest samples: 0 is best, 1 worst; of ties, over all their orders.

    Geifman, Uziel and El-Yaniv 2019, "Bias-reduced uncertainty estimation for deep neural classifiers". The few surest
    samples dominate it: `augrc` does not have that fault. None where there is no sample.

    >>> round(aurc(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, True, False, True, False])), 6)
    0.196667
    """
    if not len(score):
        return None
    steps = steps_of(score, right)
    size, after = steps.right + steps.wrong, steps.accepted
    harmonic = np.concatenate(([0.0], np.cumsum(1 / np.arange(1, len(score) + 1))))
    before = (after - size).astype(np.intp)
    slope = steps.wrong / size  # within a step wrong answers come at this rate, in expectation over its orders
    intercept = np.cumsum(steps.wrong) - steps.wrong - slope * before
    risks = slope * size + intercept * (harmonic[after.astype(np.intp)] - harmonic[before])
    return float(risks.sum() / len(score))


def eaurc(score: Floats, right: Mask) -> float | None:
    """`aurc` less that of the same answers perfectly ranked: 0 is perfect. Geifman et al. 2019. None without a sample.

    The optimum has the same convention, so that it is reached at any N.

    >>> round(eaurc(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, True, False, True, False])), 6)
    0.066667
    """
    area, optimum = aurc(score, right), aurc(right.astype(np.float64), right)
    return None if area is None or optimum is None else max(0.0, area - optimum)  # below 0 only by rounding


def aupr_error(score: Floats, right: Mask) -> float | None:
    """The average precision with which low scores find wrong answers: 1 is perfect, the error rate is chance.

    The sum over thresholds of (recall_n - recall_n-1) precision_n, which no interpolation flatters. Hendrycks and
    Gimpel 2017. None where no answer is wrong.

    >>> round(aupr_error(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, True, False, True, False])), 6)
    0.833333
    """
    steps = steps_of(-score, right)
    if not steps.wrong.sum():
        return None
    precision = np.cumsum(steps.wrong) / steps.accepted
    return float((steps.wrong * precision).sum() / steps.wrong.sum())


# ---- one threshold, which is always a score that occurs --------------------------------------------------------------


def fpr_at_95tpr(score: Floats, right: Mask) -> float | None:
    """The share of wrong answers that are accepted once at least 95 % of the right ones are: 0 is perfect.

    Right answers are the positives, and the threshold is the highest at which their share is 0.95 or more. Liang, Li
    and Srikant 2018, "Enhancing the reliability of out-of-distribution image detection in neural networks". None where
    every answer is right, or every one is wrong.

    >>> fpr_at_95tpr(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, True, False, True, False]))
    0.5
    """
    steps = steps_of(score, right)
    if not steps.right.sum() or not steps.wrong.sum():
        return None
    enough = np.cumsum(steps.right) * _TPR.denominator >= steps.right.sum() * _TPR.numerator
    return float(np.cumsum(steps.wrong)[int(enough.argmax())] / steps.wrong.sum())


def risk_at_coverage(score: Floats, right: Mask, coverage: Fraction) -> float | None:
    """The risk at the highest threshold that accepts at least this share of the samples: 0 is best, 1 worst.

    Geifman and El-Yaniv 2017, "Selective classification for deep neural networks". None without a sample.

    >>> risk_at_coverage(np.array([0.9, 0.8, 0.7]), np.array([True, True, False]), Fraction(9, 10))
    0.3333333333333333
    """
    if not len(score):
        return None
    steps = steps_of(score, right)
    enough = steps.accepted * coverage.denominator >= len(score) * coverage.numerator
    first = int(enough.argmax())
    return float(np.cumsum(steps.wrong)[first] / steps.accepted[first])


def coverage_at_risk(score: Floats, right: Mask, risk: Fraction) -> float | None:
    """The largest coverage whose risk is at most this: 1 is best, 0 where no threshold keeps it.

    Geifman and El-Yaniv 2017. None without a sample.

    >>> coverage_at_risk(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]), Fraction(1, 4))
    1.0
    """
    if not len(score):
        return None
    steps = steps_of(score, right)
    kept = np.cumsum(steps.wrong) * risk.denominator <= steps.accepted * risk.numerator
    return float(steps.accepted[kept].max(initial=0.0) / len(score))

"""Corruption errors, mCE and relative mCE from error rates under graded corruptions, as exact ratios of counts.

Source: Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations".
E is an error rate, 1 - accuracy; c is one of ImageNet-C's 15 corruptions, s a severity from 1 to 5, ref a reference
model. A corruption counts if all five severities were measured. Lower is better everywhere, and 1 is the reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from pytest_failaware.core.conditions.published import GRADED, IMAGENET_C, SEVERITIES
from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.summary import CorruptionError, CorruptionSummary, NormalisedError, NormalisedErrors

ErrorRates = Mapping[str, Estimate]
"""The error rate of each measured condition, by the condition's key."""

_EXTRA: Final = tuple(sorted(GRADED - set(IMAGENET_C)))


def summarise(model: str, rates: ErrorRates) -> CorruptionSummary | None:
    """Return the corruption errors of a model; None if no corruption is complete.

    Args:
        model: the name of the model or of its baseline.
        rates: the model's error rates.
    """
    errors, extra = complete(rates, IMAGENET_C), complete(rates, _EXTRA)
    if not errors and not extra:
        return None
    return CorruptionSummary(
        model=model,
        errors=errors,
        mean=mean_corruption_error(errors),
        extra=extra,
        incomplete=_incomplete(rates),
    )


def normalise(rates: ErrorRates, name: str, reference: ErrorRates) -> NormalisedErrors | None:
    """Return the corruption errors of a model in units of a reference; None if no corruption of the 15 is complete.

    Args:
        rates: the model's error rates.
        name: the name of the reference.
        reference: its error rates on the same images under the same conditions.
    """
    errors = complete(rates, IMAGENET_C)
    return _normalised(errors, rates, name, reference) if errors else None


def complete(rates: ErrorRates, names: Iterable[str]) -> tuple[CorruptionError, ...]:
    """Return the corruption error of each corruption that has an error rate at all five severities."""
    return tuple(_error(name, rates) for name in names if not _missing(name, rates))


# ---- the formulas --------------------------------------------------------------------------------------------------


def mean_corruption_error(errors: Sequence[CorruptionError]) -> Estimate:
    """The mean of E over corruptions and severities, in no other model's units: the convention for CIFAR-10-C.

    Formula: sum over c and s of E_{s,c} / (5 * number of c); in [0, 1]. Undefined without a complete corruption.
    Source: Hendrycks et al. 2020 (AugMix); RobustBench's accuracy under corruptions is 1 minus it.
    """
    return _mean({error.name: error.mean for error in errors})


def corruption_error(errors: Sequence[Fraction], reference: Sequence[Fraction]) -> Estimate:
    """CE: the errors of one corruption in units of the reference's.

    Formula: CE_c = sum over s of E_{s,c} / sum over s of Eref_{s,c}; 0 or more. mCE is its mean over c. Undefined where
    the reference makes no error.

    >>> tenths = [Fraction(count, 10) for count in (1, 2, 3, 4, 5)]
    >>> corruption_error(tenths, reference=[Fraction(6, 10)] * 5).value
    0.5
    """
    return _ratio(sum(errors, Fraction(0)), sum(reference, Fraction(0)), "the reference makes no error")


def relative_corruption_error(
    errors: Sequence[Fraction], clean: Fraction, reference: Sequence[Fraction], reference_clean: Fraction
) -> Estimate:
    """Relative CE: what one corruption adds to the error on clean images, in units of what it adds to the reference's.

    Formula: sum over s of (E_{s,c} - E_clean) / sum over s of (Eref_{s,c} - Eref_clean); below 0 where the corruption
    helps. Relative mCE is its mean over c. Undefined where the corruption adds nothing to the reference's errors.

    >>> tenths = [Fraction(count, 10) for count in (1, 2, 3, 4, 5)]
    >>> relative_corruption_error(tenths, Fraction(1, 10), [Fraction(6, 10)] * 5, Fraction(2, 10)).value
    0.5
    """
    added = sum((error - clean for error in errors), Fraction(0))
    reference_added = sum((error - reference_clean for error in reference), Fraction(0))
    return _ratio(added, reference_added, "the corruption adds nothing to the reference's errors")


# ---- the parts of a summary ----------------------------------------------------------------------------------------


def _normalised(
    errors: Sequence[CorruptionError], rates: ErrorRates, name: str, reference: ErrorRates
) -> NormalisedErrors:
    others = {error.name: error for error in complete(reference, [error.name for error in errors])}
    pairs = [(error, others[error.name]) for error in errors if error.name in others]
    normalised = tuple(
        NormalisedError(
            name=error.name,
            ce=corruption_error(_fractions(error), _fractions(other)),
            relative_ce=_relative(error, rates, other, reference),
        )
        for error, other in pairs
    )
    return NormalisedErrors(
        reference=name,
        errors=normalised,
        mce=_mean({error.name: error.ce for error in normalised}),
        relative_mce=_mean({error.name: error.relative_ce for error in normalised}),
        left_out=tuple(error.name for error in errors if error.name not in others),
    )


def _relative(error: CorruptionError, rates: ErrorRates, other: CorruptionError, reference: ErrorRates) -> Estimate:
    clean, reference_clean = (side["clean"].fraction if "clean" in side else None for side in (rates, reference))
    if clean is None or reference_clean is None:
        return _undefined(f"{'the model' if clean is None else 'the reference'} was not measured on clean images")
    return relative_corruption_error(_fractions(error), clean, _fractions(other), reference_clean)


def _error(name: str, rates: ErrorRates) -> CorruptionError:
    graded = {key: rates[key] for key in (f"{name}:{severity}" for severity in SEVERITIES)}
    return CorruptionError(name=name, rates=tuple(graded.values()), mean=_mean(graded))


def _missing(name: str, rates: ErrorRates) -> tuple[int, ...]:
    """Return the severities without an error rate."""
    keys = {severity: f"{name}:{severity}" for severity in SEVERITIES}
    return tuple(severity for severity, key in keys.items() if key not in rates or rates[key].fraction is None)


def _incomplete(rates: ErrorRates) -> dict[str, tuple[int, ...]]:
    missing = {name: _missing(name, rates) for name in IMAGENET_C}
    return {name: severities for name, severities in missing.items() if 0 < len(severities) < len(SEVERITIES)}


def _fractions(error: CorruptionError) -> list[Fraction]:
    return [Fraction(rate.numerator, rate.denominator) for rate in error.rates]


def _mean(estimates: Mapping[str, Estimate]) -> Estimate:
    """Return the exact mean; undefined if any part is, with its reason: a mean of fewer parts is another number."""
    if not estimates:
        return _undefined("no corruption of ImageNet-C has all five severities")
    if reasons := {name: part.reason for name, part in estimates.items() if part.fraction is None}:
        name, reason = next(iter(reasons.items()))
        is_of_all = len(reasons) == len(estimates) and len(set(reasons.values())) == 1
        return _undefined(reason if is_of_all else f"{name}: {reason}")
    total = sum((Fraction(part.numerator, part.denominator) for part in estimates.values()), Fraction(0))
    return _ratio(total, Fraction(len(estimates)), "")


def _ratio(numerator: Fraction, denominator: Fraction, undefined: str) -> Estimate:
    if denominator <= 0:
        return _undefined(undefined)
    ratio = numerator / denominator
    return Estimate(numerator=ratio.numerator, denominator=ratio.denominator)


def _undefined(reason: str) -> Estimate:
    return Estimate(numerator=0, denominator=0, reason=reason)

"""Corruption errors: by hand, against numpy and the paper's own table, and by what must hold for any errors."""

from __future__ import annotations

import doctest
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest

from pytest_failaware.core.conditions.published import IMAGENET_C, SEVERITIES
from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.summary import CorruptionSummary, NormalisedErrors
from pytest_failaware.judge.corruption import alexnet
from pytest_failaware.judge.corruption import errors as corruption
from pytest_failaware.judge.corruption.errors import normalise, summarise

OTHER = "other"
NOTHING = "fog: the corruption adds nothing to the reference's errors"


def rates_of(clean: int | None = None, samples: int = 100, **wrong: tuple[int, ...]) -> dict[str, Estimate]:
    """Error rates from wrong predictions at severities 1, 2, ..."""
    counts = {f"{name}:{severity}": count for name, row in wrong.items() for severity, count in enumerate(row, start=1)}
    if clean is not None:
        counts["clean"] = clean
    return {key: Estimate(numerator=count, denominator=samples) for key, count in counts.items()}


def drawn(seed: int, samples: int = 1000) -> dict[str, Estimate]:
    """Random errors of all 15 corruptions, more than on clean images."""
    random = np.random.default_rng(seed)
    rows = {name: tuple(map(int, random.integers(200, samples, 5))) for name in IMAGENET_C}
    return rates_of(clean=int(random.integers(50, 200)), samples=samples, **rows)


def summary_of(rates: Mapping[str, Estimate]) -> CorruptionSummary:
    """The summary of a model."""
    found = summarise("small", rates)
    assert found is not None
    return found


def ratios_of(rates: Mapping[str, Estimate], reference: Mapping[str, Estimate]) -> NormalisedErrors:
    """The errors in units of a reference."""
    found = normalise(rates, OTHER, reference)
    assert found is not None
    return found


# ---- by hand -------------------------------------------------------------------------------------------------------


def test_two_corruptions_by_hand() -> None:
    """Fog errs on 30 % of the images and snow on 50 %, the reference on 60 % and 50 %; clean 10 % and 20 %."""
    rates = rates_of(clean=10, fog=(10, 20, 30, 40, 50), snow=(50, 50, 50, 50, 50))
    reference = rates_of(clean=20, fog=(60, 60, 60, 60, 60), snow=(30, 40, 50, 60, 70))
    summary, one = summary_of(rates), ratios_of(rates, reference)

    assert Fraction(2, 5) == summary.mean.fraction
    assert [("snow", Fraction(1, 2)), ("fog", Fraction(3, 10))] == [
        (error.name, error.mean.fraction) for error in summary.errors
    ]
    assert [Fraction(1), Fraction(1, 2)] == [error.ce.fraction for error in one.errors]
    assert [Fraction(4, 3), Fraction(1, 2)] == [error.relative_ce.fraction for error in one.errors]
    assert (OTHER, Fraction(3, 4), Fraction(11, 12)) == (one.reference, one.mce.fraction, one.relative_mce.fraction)


def test_only_whole_corruptions_of_the_fifteen_count() -> None:
    """Speckle noise stands apart, four severities are left out by name, one condition alone is no corruption."""
    rates = rates_of(fog=(10,) * 5, speckle_noise=(90,) * 5, snow=(90, 90, 90, 90))
    summary = summary_of({**rates, "blur": Estimate(numerator=1, denominator=1)})

    assert ["fog"] == [error.name for error in summary.errors]
    assert ["speckle_noise"] == [error.name for error in summary.extra]
    assert {"snow": (5,)} == summary.incomplete
    assert 0.1 == summary.mean.value
    assert summarise("small", rates_of(clean=10, snow=(90, 90, 90, 90))) is None


def test_extra_corruptions_alone_have_no_mean() -> None:
    """Extra corruptions alone have an undefined mean with a reason."""
    rates = rates_of(speckle_noise=(90,) * 5)
    summary = summary_of(rates)

    assert (None, "no corruption of ImageNet-C has all five severities") == (summary.mean.value, summary.mean.reason)
    assert normalise(rates, OTHER, rates) is None


def test_what_the_reference_lacks_is_left_out_of_mce() -> None:
    """mCE is over the corruptions that both have; the mean error over all of the model's."""
    rates = rates_of(clean=0, fog=(10,) * 5, snow=(30,) * 5)
    one = ratios_of(rates, rates_of(clean=0, fog=(20,) * 5, snow=(20,) * 4))

    assert (0.5, 0.5, ("snow",)) == (one.mce.value, one.relative_mce.value, one.left_out)


@pytest.mark.parametrize(
    ("ours", "theirs", "ce", "relative"),
    [
        ({"clean": 0}, {"clean": 0, "fog": 0}, "fog: the reference makes no error", NOTHING),
        ({"clean": 0}, {"clean": 60}, "", NOTHING),
        ({"clean": 0}, {"clean": 50}, "", NOTHING),
        ({}, {"clean": 0}, "", "the model was not measured on clean images"),
        ({"clean": 0}, {}, "", "the reference was not measured on clean images"),
    ],
)
def test_what_is_undefined_has_a_reason(ours: dict[str, int], theirs: dict[str, int], ce: str, relative: str) -> None:
    """Never a NaN and never a 0: no value, and a sentence that names the corruption where it is not that of all."""
    rates = rates_of(clean=ours.get("clean"), fog=(50,) * 5, snow=(90,) * 5)
    reference = rates_of(clean=theirs.get("clean"), fog=(theirs.get("fog", 50),) * 5, snow=(90,) * 5)
    one = ratios_of(rates, reference)

    assert (bool(ce), True) == (one.mce.value is None, one.relative_mce.value is None)
    assert (ce, relative) == (one.mce.reason, one.relative_mce.reason)


def test_no_images_are_no_error_rate() -> None:
    """A condition without an image counts as not measured."""
    empty = {"fog:5": Estimate(numerator=0, denominator=0, reason="there is no image")}

    assert summarise("small", {**rates_of(fog=(10,) * 5), **empty}) is None


# ---- against other implementations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_against_numpy(seed: int) -> None:
    """The formulas of the paper on arrays of shape (corruptions, severities)."""
    rates, reference = drawn(seed), drawn(seed + 100)
    ours, theirs = (
        np.array([[side[f"{name}:{severity}"].value for severity in SEVERITIES] for name in IMAGENET_C])
        for side in (rates, reference)
    )
    clean, others_clean = rates["clean"].value, reference["clean"].value
    summary, one = summary_of(rates), ratios_of(rates, reference)

    assert ours.mean() == pytest.approx(summary.mean.value)
    assert (ours.sum(1) / theirs.sum(1)).mean() == pytest.approx(one.mce.value)
    relative = (ours - clean).sum(1) / (theirs - others_clean).sum(1)
    assert relative.mean() == pytest.approx(one.relative_mce.value)
    assert list(relative) == pytest.approx([error.relative_ce.value for error in one.errors])


PUBLISHED_MEANS = (
    *(0.886428, 0.894468, 0.922640, 0.819880, 0.826268, 0.785948, 0.798360, 0.866816),
    *(0.826572, 0.819324, 0.564592, 0.853204, 0.646056, 0.717840, 0.606500),
)


def test_alexnet_has_the_published_means() -> None:
    """The counts at each severity make the mean errors that evaluations of ImageNet-C divide by."""
    found = summary_of(alexnet.ERRORS)

    assert list(IMAGENET_C) == [error.name for error in found.errors]
    assert [Fraction(f"{mean:.6f}") for mean in PUBLISHED_MEANS] == [error.mean.fraction for error in found.errors]


RESNETS = {  # error on clean images, CE of each corruption, mCE, relative mCE, all in per cent
    "resnet18": (30.2, (87, 88, 91, 84, 91, 87, 89, 86, 84, 78, 69, 78, 90, 80, 85), 84.7, 103.9),
    "resnet50": (23.9, (80, 82, 83, 75, 89, 78, 80, 78, 75, 66, 57, 71, 85, 77, 77), 76.7, 105.0),
}


@pytest.mark.parametrize("name", RESNETS)
def test_against_the_tables_of_the_paper(name: str) -> None:
    """From each corruption's rounded CE follow the published mCE and relative mCE, within half a per cent."""
    clean, row, mce, relative_mce = RESNETS[name]
    means = [ce / 100 * mean for ce, mean in zip(row, PUBLISHED_MEANS, strict=True)]
    wrong = {name: (round(50_000 * mean),) * 5 for name, mean in zip(IMAGENET_C, means, strict=True)}
    rates = rates_of(clean=round(500 * clean), samples=50_000, **wrong)
    one = ratios_of(rates, alexnet.ERRORS)

    assert mce == pytest.approx(100 * (one.mce.value or 0), abs=0.5)
    assert relative_mce == pytest.approx(100 * (one.relative_mce.value or 0), abs=0.5)


# ---- what must hold ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rates", [drawn(0), drawn(1, samples=77_777), alexnet.ERRORS], ids=["0", "1", "alexnet"])
def test_a_reference_is_one_in_units_of_itself(rates: Mapping[str, Estimate]) -> None:
    """In units of itself a reference is exactly 1 in every corruption and in both means."""
    one = ratios_of(rates, rates)

    assert {Fraction(1)} == {ratio.fraction for error in one.errors for ratio in (error.ce, error.relative_ce)}
    assert (Fraction(1), Fraction(1)) == (one.mce.fraction, one.relative_mce.fraction)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_conditions_does_not_matter(seed: int) -> None:
    """The order of conditions does not change the summary."""
    rates, reference = drawn(seed), drawn(seed + 100)
    keys = list(np.random.default_rng(seed).permutation(list(rates)))

    shuffled = {key: rates[key] for key in keys}
    assert summary_of(rates) == summary_of(shuffled)
    assert ratios_of(rates, reference) == ratios_of(shuffled, reference)


def test_more_errors_are_a_higher_mce() -> None:
    """One more wrong prediction in one condition raises all three means."""
    rates, reference = drawn(3), drawn(4)
    more = {**rates, "fog:3": Estimate(numerator=rates["fog:3"].numerator + 1, denominator=1000)}
    before, after = ratios_of(rates, reference), ratios_of(more, reference)

    assert (summary_of(more).mean.value or 0) > (summary_of(rates).mean.value or 0)
    assert (after.mce.value or 0) > (before.mce.value or 0)
    assert (after.relative_mce.value or 0) > (before.relative_mce.value or 0)


def test_the_examples_in_the_docstrings_hold() -> None:
    """The examples in the docstrings hold."""
    done = doctest.testmod(corruption)

    assert (0, 4) == (done.failed, done.attempted)

"""Sentences and tables on corruption errors: each number with its name and its corruptions."""

from __future__ import annotations

import pytest

from pytest_failaware.core.conditions.published import IMAGENET_C
from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.summary import CorruptionSummary, NormalisedErrors, RunReport
from pytest_failaware.judge.corruption.errors import normalise, summarise
from pytest_failaware.report.corruption import corruption_sentences, corruption_table, total_sentences
from pytest_failaware.report.markdown import markdown_text
from pytest_failaware.report.terminal.display import Display
from pytest_failaware.report.terminal.summary import summary_lines

FIVE = {"fog": (10, 20, 30, 40, 50)}


def rates(wrong: dict[str, tuple[int, ...]]) -> dict[str, Estimate]:
    """Return the rates of wrong predictions among 100 at severities 1, 2, ..., without errors on clean images."""
    counts = {f"{name}:{number}": count for name, row in wrong.items() for number, count in enumerate(row, start=1)}
    return {key: Estimate(numerator=count, denominator=100) for key, count in {**counts, "clean": 0}.items()}


def summary(ours: dict[str, tuple[int, ...]]) -> CorruptionSummary:
    """Return the summary of these wrong predictions."""
    found = summarise("small", rates(ours))
    assert found is not None
    return found


def ratios(ours: dict[str, tuple[int, ...]], theirs: dict[str, tuple[int, ...]]) -> NormalisedErrors:
    """Return the errors in units of another model."""
    found = normalise(rates(ours), "baseline 'other'", rates(theirs))
    assert found is not None
    return found


def test_all_fifteen() -> None:
    """With all 15 corruptions there are the mean and mCE; a run shows only the mean."""
    ours, theirs = dict.fromkeys(IMAGENET_C, (30,) * 5), dict.fromkeys(IMAGENET_C, (40,) * 5)
    mean = "mean corruption error 30.00% over all 15 corruptions of ImageNet-C x 5 severities"

    assert [mean] == list(corruption_sentences([summary(ours)]))
    assert [
        mean,
        "mCE 75.00%, relative mCE 75.00% of baseline 'other', over the same",
    ] == list(total_sentences(summary(ours), ratios(ours, theirs)))


def test_what_is_left_out_is_said() -> None:
    """The sentence names missing severities, missing corruptions of the reference and extra corruptions."""
    ours = {**FIVE, "frost": (10,) * 5, "snow": (1, 2, 3), "saturate": (70,) * 5}

    assert [
        "mean corruption error 20.00% over 2 of the 15 corruptions of ImageNet-C x 5 severities; left out: snow "
        "(severity 4, 5 not measured)",
        "mCE 100.00%, relative mCE 100.00% of baseline 'other', over 1 of the 15 corruptions of ImageNet-C x 5 "
        "severities; left out: frost",
        "apart from these, mean over 5 severities: saturate 70.00%",
    ] == list(total_sentences(summary(ours), ratios(ours, FIVE)))


def test_a_mean_without_a_value_says_why() -> None:
    """An undefined mean is followed by the reason."""
    sentences = list(total_sentences(summary(FIVE), ratios(FIVE, {"fog": (0,) * 5})))

    assert sentences[1].startswith(
        "mCE undefined (the reference makes no error), relative mCE undefined (the corruption"
    )


def test_the_table() -> None:
    """The table has a row per corruption, with empty fields for a missing CE."""
    ours = {**FIVE, "saturate": (70,) * 5}
    lines = corruption_table(summary(ours), ratios(ours, {"fog": (60,) * 5}))

    assert ["corruption", "1", "2", "3", "4", "5", "mean", "CE", "relative", "CE"] == lines[0].split()
    assert ["fog", "10.00%", "20.00%", "30.00%", "40.00%", "50.00%", "30.00%", "50.00%", "50.00%"] == lines[1].split()
    assert ["saturate", *["70.00%"] * 6] == lines[2].split()
    assert "mean" == corruption_table(summary(FIVE))[0].split()[-1]


@pytest.mark.parametrize("count", [1, 2])
def test_whose_errors_they_are(count: int) -> None:
    """Sentences start with the baseline's name if a run has several."""
    (first, *_) = corruption_sentences([summary(FIVE)] * count)

    assert (count == 2) == first.startswith("small: mean corruption error")


def test_where_a_run_says_it() -> None:
    """Only a complete corruption is shown, in the terminal except at -q and in the Markdown."""
    report = RunReport(corruption=(summary(FIVE),))
    sentence = "mean corruption error 30.00% over 1 of the 15 corruptions of ImageNet-C x 5 severities"

    assert sentence in [line.text for line in summary_lines(report, display=Display())]
    assert f"- {sentence}" in markdown_text(report).splitlines()
    assert [] == list(summary_lines(report, display=Display(verbosity=-1)))
    assert "corruption" not in markdown_text(RunReport())

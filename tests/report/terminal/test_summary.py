"""The lines of the summary: failures first, exact counts, and the next action last."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from judged import EVIDENCE, result

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.result import (
    ClassLoss,
    Comparison,
    Decomposition,
    Flip,
    SampleChange,
    Sensitivity,
    Verdict,
)
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.table import csv_text
from pytest_failaware.report.terminal.display import Display
from pytest_failaware.report.terminal.summary import summary_lines
from pytest_failaware.report.words import short_name


def text_of(report: RunReport, verbosity: int = 0) -> str:
    """Return the summary as plain text."""
    return "\n".join(line.text for line in summary_lines(report, display=Display(verbosity=verbosity)))


def test_regressions_come_first_with_their_numbers() -> None:
    """A regression is a red row above the table with metric, baseline, now, change, allowed and verdict."""
    passed, regressed = result("clean", Verdict.PASSED), result("blur", Verdict.REGRESSED)
    report = RunReport(results=(passed, regressed), command="pytest -q")
    lines = list(summary_lines(report, display=Display()))

    assert "test          metric    baseline     now     change  allowed  verdict" == lines[0][0]
    assert "Is the model worse?" == lines[1][0]
    assert ("test_x[blur]  accuracy    80.00%  60.00%  -20.00 pt  0.50 pt  REGRESSED", "red") == lines[2][:2]
    assert "test_x: retrain, or accept with a reason (regressed: blur)" in text_of(report).splitlines()
    assert "2 checked: 1 regressed, 1 passed" in text_of(report)
    assert '  pytest -q --failaware-update-baselines --failaware-reason="…"' == lines[-2][0]


def test_the_rates_table_has_a_row_per_item_in_run_order() -> None:
    """The table of rates has a row per item in the order of the run, gating metrics first."""
    report = RunReport(results=(result("clean", Verdict.PASSED), result("blur", Verdict.PASSED)))
    rows = [line.split() for line in text_of(report).splitlines() if line.startswith("test_x")]

    assert ["test_x[clean]", "60.00%", "40.00%", "passed"] == rows[0]
    assert "test_x[blur]" == rows[1][0]


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("a/t.py::Some::test_x[clean-k::j]", "test_x[clean-k::j]"),
        ("a[1]/t.py::test_x[clean]", "test_x[clean]"),
        ("t.py::test_x", "test_x"),
        ("t.py", "t.py"),
    ],
)
def test_a_short_name_has_no_file_and_all_parameters(nodeid: str, name: str) -> None:
    """A short name has all parameters, even with two colons in them."""
    assert name == short_name(dataclasses.replace(result("clean", Verdict.PASSED), nodeid=nodeid))


@pytest.mark.parametrize(
    ("few", "many", "expected"),
    [
        (1.0, 1.0, ["with this test set no drop can be seen: it has too few samples"]),
        (0.4, 1.0, ["an exported model: 40.00 pt", "a retrained model: no drop can be seen with so few samples"]),
    ],
)
def test_too_few_samples_see_no_drop(few: float, many: float, expected: list[str]) -> None:
    """With too few samples a sentence replaces the size of the drop."""
    sight = Sensitivity(metric="accuracy", counted_on=1, few=few, many=many, is_far=True)
    text = text_of(RunReport(results=(dataclasses.replace(result("clean", Verdict.RECORDED), sights=(sight,)),)))

    assert [True] * len(expected) == [line in text for line in expected]


def test_what_tests_of_one_name_see_is_told_of_each() -> None:
    """Tests of the same short name in two files are both listed."""
    sight = Sensitivity(metric="accuracy", counted_on=896, few=0.03, many=0.06, is_far=True)
    one = dataclasses.replace(result("clean", Verdict.RECORDED), sights=(sight,))
    report = RunReport(results=(one, dataclasses.replace(one, nodeid="tests/u.py::test_x[clean]")))
    text = text_of(report)

    assert 2 == text_of(report, verbosity=1).count("896")
    assert "if few answers change, as in an exported model: 3.00 pt\n" in text
    assert "if many answers change, as in a retrained model: 6.00 pt\n" in text
    assert "too few samples: 2 of 2 gates" in text


def test_verbosity() -> None:
    """-v also shows passed metrics, -q only the total and the notices, -qq only the notices."""
    report = RunReport(results=(result("clean", Verdict.PASSED),), facts=(Fact(text="model m"),), notices=("wrote x",))

    assert "accuracy    80.00%" not in text_of(report)
    assert "accuracy    80.00%" in text_of(report, verbosity=1)
    assert "1 checked: 1 passed\nwrote x" == text_of(report, verbosity=-1)
    assert "wrote x" == text_of(report, verbosity=-2)


def test_nothing_to_say() -> None:
    """Without results and notices there is no section at all."""
    assert [] == list(summary_lines(RunReport(), display=Display()))


@pytest.mark.parametrize(
    ("verdict", "more", "words"),
    [
        (Verdict.MISSING, {}, ["no entry in baseline 'toy': blur", "Record the expected values"]),
        (
            Verdict.INCOMPARABLE,
            {"differences": ("seed: baseline 0, now 1",)},
            ["not comparable with baseline 'toy': seed: baseline 0, now 1", "If this change is intended"],
        ),
    ],
)
def test_what_could_not_be_compared(verdict: Verdict, more: dict[str, object], words: list[str]) -> None:
    """The reason of incomparable items is shown once, and the command is last."""
    text = text_of(RunReport(results=(result("blur", verdict, **more),), command="pytest"))

    assert [] == [word for word in words if word not in text]


def test_failure_text_has_exact_counts() -> None:
    """The counts behind both rates are in the text of the failed item."""
    lines = list(failure_lines(result("blur", Verdict.REGRESSED)))

    act = "retrain, or accept with a reason"
    assert f"{act}: test_x[blur]: worse than baseline 'toy' allows" == lines[0]
    assert "  Is the model worse? yes" == lines[1]
    assert "    accuracy: 80.00% -> 60.00%, -20.00 pt (allowed 0.50 pt): REGRESSED" == lines[2]
    assert "      on these 15 samples: 12 -> 9; 4 lost, 1 gained" == lines[3]


@pytest.mark.parametrize(
    ("verdict", "p_beyond", "p_within", "p_worse", "claim"),
    [
        (Verdict.REGRESSED, 0.001, 0.999, 0.0001, ["proven to be more than 0.50 pt worse", "p 0.001, needed 0.01"]),
        (
            Verdict.REGRESSED,
            0.2,
            0.8,
            0.002,
            ["proven to be worse; more than 0.50 pt only on these", "p 0.002,"],
        ),  # any_drop
        (Verdict.NOT_SHOWN, 1.0, 0.7, 0.2, ["not shown to be at most 0.50 pt worse", "p 0.7, needed 0.01"]),
        (Verdict.DRIFTED, 0.001, 0.999, 0.0001, ["proven to be more than 0.50 pt worse"]),
    ],
)
def test_a_claim_is_what_was_proven(
    verdict: Verdict, p_beyond: float, p_within: float, p_worse: float, claim: list[str]
) -> None:
    """The claim fits the p that decided, under each policy."""
    one = result("blur", Verdict.REGRESSED)
    evidence = dataclasses.replace(EVIDENCE, p_beyond=p_beyond, p_within=p_within, p_worse=p_worse)
    comparison = dataclasses.replace(one.comparisons[0], verdict=verdict, evidence=evidence)
    text = "\n".join(failure_lines(dataclasses.replace(one, verdict=verdict, comparisons=(comparison,))))

    assert [] == [words for words in claim if words not in text]


def test_every_line_of_a_failure_fits_a_hundred_columns() -> None:
    """Every line of a failure fits 100 columns, even with the longest names and counts at -v."""
    estimates = (
        Estimate(numerator=9_123_456, denominator=9_999_999),
        Estimate(numerator=8_123_456, denominator=9_999_999),
    )
    comparison = Comparison(
        metric="confident_accuracy_at_coverage",
        reference=estimates[0],
        current=estimates[1],
        allowed=Decimal("0.005"),
        verdict=Verdict.REGRESSED,
        evidence=dataclasses.replace(EVIDENCE, lost=1_123_456, gained=123_456, paired=False),
    )
    change = SampleChange(
        samples=9_999_999,
        changed_predictions=1,
        changed_flags=1,
        negative_flips=1_123_456,
        positive_flips=123_456,
        confident_negative_flips=999_999,
        known_label_errors=12_345,
        worst=(
            Flip(
                sample_id=2**64 - 1,
                label="automobile",
                before="automobile",
                now="airplane",
                confidence_before=1.0,
                confidence_now=1.0,
            ),
        ),
        worst_class=ClassLoss(name="automobile", samples=9_999_999, before=9_123_456, now=1_123_456),
        decomposition=Decomposition(answers=-0.1234, entered=-0.1234, left=-0.1234, at_coverage=-0.1234),
    )
    failed = result("gaussian_noise", Verdict.REGRESSED, comparisons=(comparison,), change=change)

    assert [] == [(len(line), line) for line in failure_lines(failed, verbosity=1) if len(line) > 100]


def test_csv_is_the_founding_table() -> None:
    """The CSV has a row per condition under the notebook's headings; an undefined rate is empty."""
    expected = (
        "Condition,Accuracy (All),Failure Rate,Accuracy (Confident Only),Accuracy (Failure Region)\n"
        "blur,0.600000,0.400000,0.666667,\n"
    )

    assert expected == csv_text([result("blur", Verdict.PASSED)])


def test_a_wrong_set_up_is_not_counted_as_at_chance() -> None:
    """An item with a wrong set-up is not counted as at chance."""
    one = dataclasses.replace(result("clean", Verdict.RECORDED), at_chance=True)

    assert "1 at chance" in text_of(RunReport(results=(one,)))
    assert "at chance" not in text_of(RunReport(results=(dataclasses.replace(one, alarm="set up wrongly"),)))


def test_a_given_reason_is_not_asked_for() -> None:
    """A run that has a reason and failed by a bound only names the set-up."""
    failed = dataclasses.replace(result("clean", Verdict.REGRESSED), alarm="almost surely set up wrongly: all is")

    assert "unless --failaware-reason" in text_of(RunReport(results=(failed,), command="pytest"))
    assert "unless --failaware-reason" not in text_of(
        RunReport(results=(failed,), command="pytest --failaware-reason=why")
    )

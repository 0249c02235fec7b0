"""One row of bars for a graded corruption, on a scale that makes two rows comparable."""

from __future__ import annotations

import dataclasses

import pytest
from judged import result

from pytest_failaware.core.estimates import Cells, Estimate
from pytest_failaware.core.result import ItemResult, SampleChange, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.terminal.display import Display
from pytest_failaware.report.terminal.severities import BLOCKS, DIGITS, severity_ranges, severity_table
from pytest_failaware.report.terminal.summary import summary_lines


def at(condition: str, right: int, before: int | None = None, verdict: Verdict = Verdict.PASSED) -> ItemResult:
    """Return a condition with these numbers of right answers of 15 now and before."""
    one = result(condition, verdict)
    rates = {**one.stats.rates, "accuracy": Estimate(numerator=right, denominator=15)}
    change = None if before is None else change_of(right - before)
    cells = Cells(trusted_right=right, trusted_wrong=15 - right, flagged_right=0, flagged_wrong=0)
    stats = dataclasses.replace(one.stats, cells=cells, rates=rates)
    return dataclasses.replace(one, stats=stats, change=change)


def change_of(gained: int, samples: int = 15) -> SampleChange:
    """Return a change on these samples with this gain of right answers."""
    return SampleChange(
        samples=samples,
        changed_predictions=abs(gained),
        changed_flags=0,
        negative_flips=max(0, -gained),
        positive_flips=max(0, gained),
        confident_negative_flips=0,
        known_label_errors=0,
    )


def lines_of(*results: ItemResult, bars: str = BLOCKS, width: int | None = None) -> list[str]:
    """Return the table as text."""
    return [line for block in severity_table(severity_ranges(results), bars=bars, width=width) for line in block]


FOG = [at(f"fog:{number}", 15 - 3 * number, 15 - number) for number in (1, 2, 3, 4, 5)]


def test_bars_and_both_ends() -> None:
    """12/15 is 80 %, in the seventh of eight steps; 0 is the lowest step."""
    assert [
        "accuracy by severity (bars: 0 to 100 %)",
        "test              baseline                 now                      verdict",
        "test_x[fog:1..5]  █▇▇▆▆  93.33% to 66.67%  ▇▅▄▂▁  80.00% to  0.00%  5 passed",
    ] == lines_of(*FOG)


@pytest.mark.parametrize(("right", "block", "digit"), [(0, "▁", "0"), (1, "▁", "0"), (7, "▄", "4"), (15, "█", "9")])
def test_steps(right: int, block: str, digit: str) -> None:
    """The full scale is cut in eight, or in ten for digits; 100 % is in the last step."""
    results = [at(f"fog:{number}", right) for number in (1, 2, 3)]

    assert block * 3 in lines_of(*results)[-1]
    assert digit * 3 in lines_of(*results, bars=DIGITS)[-1]
    assert "accuracy by severity (digits: tens of percent)" == lines_of(*results, bars=DIGITS)[0]


def test_without_a_reference_there_is_no_before() -> None:
    """The column before is empty without a reference, or if one severity has none."""
    assert "baseline" not in "".join(lines_of(*(at(f"fog:{number}", 9) for number in (1, 2, 3))))
    assert "baseline" not in "".join(lines_of(*FOG[:4], at("fog:5", 9)))
    of_fewer = dataclasses.replace(FOG[4], change=change_of(0, samples=14))
    assert "baseline" not in "".join(lines_of(*FOG[:4], of_fewer))


def test_verdicts_are_counted_the_worst_first() -> None:
    """Verdicts are counted, the worst first, in words that need no colour."""
    results = [*FOG[:3], at("fog:4", 1, 2, Verdict.REGRESSED), at("fog:5", 1, 2, Verdict.REGRESSED)]

    assert lines_of(*results)[-1].endswith("2 REGRESSED, 3 passed")


def test_what_has_a_row() -> None:
    """Three severities of a corruption in one test get a row, in any order of the run."""
    founding = [at(name, 9) for name in ("clean", "blur", "gaussian_noise", "low_light")]
    two = [at("snow:1", 9), at("snow:2", 9)]
    gap = [at(f"precomputed/frost:{number}", 9) for number in (5, 1, 3)]
    elsewhere = dataclasses.replace(at("fog:1", 9), test=("tests/t.py::test_y[", "]"))

    assert [] == severity_ranges([*founding, *two, elsewhere])
    rows = lines_of(*founding, *gap, elsewhere, *reversed(FOG))[2:]
    assert ["test_x[precomputed/frost:1,3,5]", "test_x[fog:1..5]"] == [row.split()[0] for row in rows]


def test_the_summary_has_bars_instead_of_their_rates() -> None:
    """The summary has bars instead of rates, and both at -v."""
    report = RunReport(results=(at("clean", 15), *FOG))
    brief = [line.text for line in summary_lines(report, display=Display())]
    everything = [line.text for line in summary_lines(report, display=Display(verbosity=1))]

    assert 1 == sum("fog:" in line for line in brief)
    assert "shown at -v: all rates by test (5)" in brief
    assert all(any(f"test_x[fog:{number}]" in line for line in everything) for number in range(1, 6))
    assert not any("shown at -v" in line for line in everything)

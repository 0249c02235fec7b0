"""A summary on a terminal of any width: no line is too wide, and no number of a failure is lost."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from judged import result

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.layout import columns, wrapped
from pytest_failaware.core.result import BoundCheck, Comparison, ItemResult, Judged, SampleChange, Sensitivity, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.terminal.display import Display
from pytest_failaware.report.terminal.summary import summary_lines
from pytest_failaware.report.words import comparison_cells

SAID = st.text(st.sampled_from("abc 模é/._-\N{COMBINING ACUTE ACCENT}"), max_size=60)
WIDTHS = st.integers(40, 200)  # pytest takes a terminal that says less for one of 80
COUNTS = st.integers(0, 9_999_999)
VERDICTS = st.sampled_from(list(Verdict))
CHANGE = SampleChange(
    samples=15,
    changed_predictions=3,
    changed_flags=0,
    negative_flips=1,
    positive_flips=2,
    confident_negative_flips=0,
    known_label_errors=0,
)


@st.composite
def comparisons(draw: st.DrawFn) -> Judged:
    """Return a metric compared with a baseline or a bound."""
    before, now = (
        Estimate(numerator=min(pair), denominator=max(1, *pair))
        for pair in (draw(st.tuples(COUNTS, COUNTS)), draw(st.tuples(COUNTS, COUNTS)))
    )
    metric = draw(st.sampled_from(["accuracy", "confident_accuracy_at_coverage", "a" * 60]))
    verdict, note = draw(VERDICTS), draw(SAID)
    if draw(st.booleans()):
        return Comparison(
            metric=metric, reference=before, current=now, allowed=Decimal("0.005"), verdict=verdict, note=note
        )
    return BoundCheck(metric=metric, limit=Decimal("0.9"), is_minimum=True, current=now, verdict=verdict, note=note)


@st.composite
def items(draw: st.DrawFn) -> ItemResult:
    """Return a judged item with random names, metrics and notes."""
    condition = draw(
        st.sampled_from(["clean", "fog:1", "fog:2", "fog:3", "elastic_transform:5", "low_light(factor=0.2)"])
    )
    one = result(condition, draw(VERDICTS))
    sight = Sensitivity(metric="accuracy", counted_on=896, few=0.03, many=0.06, is_far=True)
    test = f"t.py::test_{draw(st.text('ab模', max_size=90))}"
    return dataclasses.replace(
        one,
        nodeid=f"{test}[{condition}]",
        test=(f"{test}[", "]"),
        comparisons=tuple(draw(st.lists(comparisons(), max_size=2))),
        notes=tuple(draw(st.lists(SAID, max_size=1))),
        differences=tuple(draw(st.lists(SAID, max_size=1))),
        change=draw(st.sampled_from([None, CHANGE])),
        sights=(sight,) if draw(st.booleans()) else (),
    )


@st.composite
def reports(draw: st.DrawFn) -> RunReport:
    """Return a run of a few or of many items."""
    found = draw(st.lists(items(), max_size=3)) * draw(st.sampled_from([1, 5]))
    few = st.lists(SAID, max_size=2).map(tuple)
    return RunReport(
        results=tuple(found),
        facts=tuple(Fact(text=text) for text in draw(few)),
        notices=draw(few),
        complaints=draw(few),
        obsolete=draw(few),
    )


def shown(report: RunReport, width: int, verbosity: int) -> list[str]:
    """Return the lines on the terminal without the command, which is never wrapped."""
    lines = summary_lines(report, display=Display(width=width, verbosity=verbosity))
    return [part for line in lines if not line.is_verbatim for part in wrapped(line.text, width)]


@given(reports(), WIDTHS, st.sampled_from([-2, -1, 0, 1]))
def test_no_line_is_wider_than_the_terminal(report: RunReport, width: int, verbosity: int) -> None:
    """No line is wider than the terminal for any names, notes and verbosity."""
    assert [] == [line for line in shown(report, width, verbosity) if columns(line) > width]


@given(reports(), WIDTHS)
def test_no_number_of_a_failing_row_is_lost(report: RunReport, width: int) -> None:
    """Baseline, now, change and verdict of a failing row are each complete on a line."""
    failed = [one for item in report.results for one in item.comparisons if one.verdict.fails]
    lines = shown(report, width, 0)

    for comparison in failed:
        _, *numbers, _ = comparison_cells(comparison)
        assert [] == [number for number in numbers if not any(number in line for line in lines)]


def test_a_log_keeps_full_lines() -> None:
    """Without a terminal no line is wrapped."""
    report = RunReport(results=(dataclasses.replace(result("blur", Verdict.REGRESSED), nodeid=f"t.py::{'x' * 300}"),))
    (row,) = [line.text for line in summary_lines(report, display=Display()) if line.text.endswith("pt  REGRESSED")]

    assert row.startswith("x" * 300 + "  accuracy    80.00%  60.00%")


def test_many_tests_are_tabled_where_they_failed() -> None:
    """With many tests only failures are in the table; inconclusive ones are counted, and -v shows them."""
    doubtful = dataclasses.replace(result("blur", Verdict.REGRESSED).comparisons[0], verdict=Verdict.INCONCLUSIVE)
    failed = result("fog:9", Verdict.REGRESSED)
    many = [
        dataclasses.replace(result(f"blur(radius={number})", Verdict.INCONCLUSIVE), comparisons=(doubtful,))
        for number in range(13)
    ]
    report = RunReport(results=(*many, failed))
    brief, everything = shown(report, 100, 0), shown(report, 100, 1)

    assert 1 == sum("accuracy  " in line for line in brief)
    assert "shown at -v: inconclusive metrics (13), all rates by test (14)" in brief
    assert 14 == sum("accuracy    80.00%" in line for line in everything)

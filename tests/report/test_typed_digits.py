"""Tolerances and bounds keep their typed digits in every report."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from judged import result

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.result import BoundCheck, Comparison, ItemResult, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report.failure import failure_lines
from pytest_failaware.report.html.html import html_text
from pytest_failaware.report.json_report import report_document
from pytest_failaware.report.markdown import markdown_text


def judged() -> ItemResult:
    """Return an item whose accuracy violates a tolerance of 0.00250 and a minimum of 0.900."""
    worse = result("clean", Verdict.REGRESSED).comparisons[0]
    assert isinstance(worse, Comparison)
    low = BoundCheck(
        metric="accuracy",
        limit=Decimal("0.900"),
        is_minimum=True,
        current=Estimate(numerator=9, denominator=15),
        verdict=Verdict.BELOW_MINIMUM,
    )
    comparisons = (dataclasses.replace(worse, allowed=Decimal("0.00250")), low)
    return result("clean", Verdict.BELOW_MINIMUM, comparisons=comparisons)


def test_people_read_the_digits_that_were_typed() -> None:
    """Terminal, Markdown and HTML show the typed digits of a tolerance and of a bound."""
    report = RunReport(results=(judged(),))
    terminal, markdown, page = "\n".join(failure_lines(judged())), markdown_text(report), html_text(report, {})

    assert "(allowed 0.250 pt)" in terminal
    assert "must be >= 0.900" in terminal
    assert "| 0.250 pt |" in markdown
    assert "&#62;= 0.900" in markdown
    assert "0.250 pt" in page
    assert "&gt;= 0.900" in page


def test_programs_read_the_digits_that_were_typed() -> None:
    """JSON has the tolerance and the bound as text, and a bound has no reference."""
    (item,) = report_document(RunReport(results=(judged(),)), {}, {}, "records.zip")["results"]

    assert ["0.00250", ">= 0.900"] == [comparison["allowed"] for comparison in item["comparisons"]]
    assert [True, False] == [comparison["reference"] is not None for comparison in item["comparisons"]]

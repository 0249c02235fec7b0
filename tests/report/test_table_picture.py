"""The founding table as a picture: the numbers of the CSV, bars of their lengths, and names that stay text."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

import pytest
from judged import graded

from pytest_failaware.core.estimates import Cells, ConditionStats
from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.rates import cell_rates
from pytest_failaware.report.table import COLUMNS, csv_text
from pytest_failaware.report.table_picture import svg_text

SVG = "{http://www.w3.org/2000/svg}"


def result_of(
    condition: str, *counts: int, nodeid: str = "t.py::test_x[{}]", verdict: Verdict = Verdict.REGRESSED
) -> ItemResult:
    """Return a result with these four counts of trusted or flagged, right or wrong images."""
    names = ("trusted_right", "trusted_wrong", "flagged_right", "flagged_wrong")
    cells = Cells(**dict(zip(names, counts, strict=True)))
    stats = ConditionStats(condition=condition, cells=cells, rates=cell_rates(cells))
    corruption, severity = graded(condition)
    return ItemResult(
        nodeid=nodeid.format(condition),
        baseline="b",
        rule=FailureRule(),
        stats=stats,
        corruption=corruption,
        severity=severity,
        comparisons=(),
        verdict=verdict,
    )


def elements(picture: str, tag: str) -> list[ElementTree.Element]:
    """Return the elements of a tag, in order."""
    return list(ElementTree.fromstring(picture).iter(SVG + tag))


def texts(picture: str) -> list[str]:
    """Return the texts, in order."""
    return [one.text or "" for one in elements(picture, "text")]


def bars(picture: str) -> list[str]:
    """Return the paths of the filled bars, in order."""
    return [one.get("d", "") for one in elements(picture, "path") if one.get("class") in ("first", "second")]


def test_the_numbers_are_those_of_the_csv() -> None:
    """The numbers are those of the CSV, in its order, also for failed results."""
    results = [result_of("clean", 5, 1, 2, 2), result_of("blur", 1, 2, 3, 1, verdict=Verdict.PASSED)]
    rows = list(csv.DictReader(io.StringIO(csv_text(results))))
    percents = [text for text in texts(svg_text(results)) if text.endswith("%")]

    assert [f"{float(row[heading]):.2%}" for row in rows for heading in COLUMNS.values()] == percents


def test_bars_by_hand() -> None:
    """The lengths of the bars are those computed by hand: 70 %, 40 %, 5/6 and 2/4 of 112."""
    found = [re.fullmatch(r"M(\d+) 85h([\d.]+)v10H\1Z", path) for path in bars(svg_text([result_of("a", 5, 1, 2, 2)]))]

    assert ["78.4", "44.8", "93.3", "56.0"] == [one[2] for one in found if one]


def test_an_undefined_rate_has_no_bar() -> None:
    """An undefined rate has no bar, for example if nothing is flagged."""
    picture = svg_text([result_of("clean", 3, 1, 0, 0)])

    assert "undefined" in texts(picture)
    assert 3 == len(bars(picture))
    assert "Accuracy (Failure Region) undefined" in (elements(picture, "desc")[0].text or "")


def test_tests_are_named_where_two_have_a_condition() -> None:
    """A row has the test's name if two tests share the condition, otherwise the condition."""
    results = [result_of("clean", 1, 0, 0, 0, nodeid=f"t.py::test_{name}[{{}}]") for name in "ab"]
    found = texts(svg_text([*results, result_of("blur", 1, 0, 0, 0)]))

    assert {"test_a[clean]", "test_b[clean]", "blur"} < set(found)
    assert "clean" not in found


def test_nothing_measured_is_a_picture_too() -> None:
    """A picture without results has the headings and a text that says so."""
    picture = svg_text([])

    assert "nothing was measured" == elements(picture, "desc")[0].text
    assert "Flagged" in texts(picture)


def test_names_are_inert() -> None:
    """Hostile names add no element, no control character, no script and no address."""
    wild = "</text><script>alert(1)</script>\x1b\u202e\"><image href='x'/>&#x3c;" + "a" * 200
    calm_picture, picture = (svg_text([result_of(name, 5, 1, 2, 2)]) for name in ("calm", wild))

    tags = [[one.tag for one in ElementTree.fromstring(text).iter()] for text in (calm_picture, picture)]
    assert tags[0] == tags[1]
    assert {"\n"} == {letter for letter in picture if not letter.isprintable()}
    assert ["http://www.w3.org/2000/svg"] == re.findall(r"\w+://[^\"']+", picture)
    assert None is re.search(r"<script|href=|url\(|@import", picture)


def test_wide_letters_have_room() -> None:
    """A wide letter takes the room of two narrow letters."""
    narrow, wide = (elements(svg_text([result_of(name, 5, 1, 2, 2)]), "svg")[0] for name in ("ab" * 20, "模" * 20))

    assert narrow.get("width") == wide.get("width")


@pytest.mark.parametrize("count", [1, 100])
def test_everything_lies_inside(count: int) -> None:
    """No text and no path is outside of the picture, for any number of rows."""
    picture = svg_text([result_of(f"condition_number_{number}", 5, 1, 2, 2) for number in range(count)])
    tree = ElementTree.fromstring(picture)
    width, height = int(tree.get("width", "")), int(tree.get("height", ""))
    places = [(float(one.get("x", "")), float(one.get("y", ""))) for one in elements(picture, "text")]

    assert f"0 0 {width} {height}" == tree.get("viewBox")
    assert all(0 < x < width and 0 < y < height for x, y in places)
    assert max(y for _, y in places) > height - 60

"""The same failure of many conditions is shown in full once."""

from __future__ import annotations

from pytest_failaware.report.terminal.display import Line
from pytest_failaware.report.terminal.repeats import Repeats

LONG = "data/test: no such folder; " + "give the folder that holds one folder for each class, " * 3


def test_an_error_is_in_full_once() -> None:
    """Later errors have the same beginning and name the test with the full text."""
    repeats = Repeats()

    assert LONG == repeats.named(LONG, "test_x[clean]")
    assert f"{LONG[:100].rstrip()}… (in full above, in test_x[clean])" == repeats.named(LONG, "test_x[blur]")
    assert LONG == repeats.named(LONG, "test_x[clean]")  # a test that runs again


def test_short_and_other_errors_are_said_again() -> None:
    """Short errors are repeated, because naming a test would be as long."""
    repeats = Repeats()

    assert ["model.pth: no such file"] * 2 == [repeats.named("model.pth: no such file", name) for name in "ab"]
    assert [LONG, LONG + "x"] == [repeats.named(text, name) for text, name in ((LONG, "a"), (LONG + "x", "b"))]


def test_what_follows_the_first_line_of_a_failure() -> None:
    """Lines after the first are left out if an earlier failure has the same lines."""
    repeats, rest = Repeats(), (Line(f"  {'why ' * 20}"), Line("  what to do"))
    texts = [repeats.shortened((Line(f"{name}: missing"), *rest), name) for name in ("x[clean]", "x[blur]")]

    assert ("x[clean]: missing", *(line.text for line in rest)) == tuple(line.text for line in texts[0])
    assert ["x[blur]: missing", "  as above, in x[clean]"] == [line.text for line in texts[1]]

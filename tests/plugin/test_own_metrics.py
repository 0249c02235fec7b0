"""Metrics of the user, from the gate to every report; and metrics that raise or return wrong values."""

from __future__ import annotations

import csv

import pytest
from documents import document
from project import MARKED, Project

from pytest_failaware.cli.main import main

OWN = """
from pytest_failaware import RateMetric, ScoreMetric

def top_recall(records, flagged):
    return records.correct, records.label == 0

def overconfidence(records, flagged):
    trusted = ~flagged
    return records.confidence[trusted].mean() - records.correct[trusted].mean()

def pytest_failaware_metrics():
    return [
        RateMetric(name="top_recall", masks=top_recall, higher_is_better=True, tolerance=0.02),
        ScoreMetric(name="overconfidence", compute=overconfidence, higher_is_better=False, lowest=-1),
    ]
"""
GATE = "conditions=['clean'], metrics=['top_recall', 'overconfidence'], maximum={'overconfidence': 0.6}"


def own(project: Project, text: str, gate: str) -> None:
    """Let the project's conftest file add these metrics, and its test name them."""
    (project.path / "conftest.py").write_text(text, encoding="utf-8")
    project.test(MARKED.replace("reliability", f"reliability({gate})"))


def test_both_kinds_reach_every_output(project: Project) -> None:
    """Both kinds of metrics are in every report, compared with a baseline that was recorded without them.

    The worse model predicts the second class for every image of the third. Of the images labelled top, three of five
    are right, as before. Of the 180 trusted images, 80 are right, and 120 before.
    """
    project.record()
    own(project, OWN, GATE)
    files = ("json", "md", "csv", "html")
    result = project.run(
        "-v", *(f"--failaware-report=r.{kind}" for kind in files), "--junitxml=r.xml", model="worse.pth"
    )
    text = {kind: (project.path / f"r.{kind}").read_text(encoding="utf-8") for kind in (*files, "xml")}

    result.assert_outcomes(failed=1)
    assert project.line_with(result, "top_recall", "60.00%", "+0.00 pt", "2.00 pt", "passed")
    assert project.line_with(result, "overconfidence", "0.3332", "0.5555", "+0.2222", "0.0100", "REGRESSED")
    assert project.line_with(result, "overconfidence", "0.5555", "<= 0.6", "passed")
    assert "| overconfidence | 0.3332 | 0.5555 | +0.2222 | 0.0100 | " in text["md"]
    assert ">top_recall</th>" in text["html"]
    assert 'data-label="metric">overconfidence</td>' in text["html"]
    assert '<property name="failaware.top_recall" value="0.6" />' in text["xml"]
    assert '<property name="failaware.overconfidence" value="0.555' in text["xml"]
    (clean,) = document(project)["results"]
    assert {"value": 0.6, "numerator": 60, "denominator": 100, "reason": ""} == clean["rates"]["top_recall"]
    assert {"value": pytest.approx(0.9999 - 80 / 180, abs=1e-4), "is_rate": False, "reason": ""} == clean["scores"][
        "overconfidence"
    ]
    assert ["0.02", "0.01", "0.10", "<= 0.6"] == [one["allowed"] for one in clean["comparisons"]]
    assert ["Condition", "Accuracy (All)"] == next(csv.reader(text["csv"].splitlines()))[:2]  # the default table


def test_commands_say_that_they_do_not_know_them(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`show` refuses the name of a user's metric, since commands read no conftest file."""
    own(project, OWN, GATE)
    project.record()
    monkeypatch.chdir(project.path)
    capsys.readouterr()

    assert 4 == main(["show", "toy", "--metrics", "top_recall"])
    assert "--metrics: unknown metric 'top_recall'" in capsys.readouterr().err


BROKEN = {
    "RateMetric(name='mine', masks=lambda r, f: (r.confidence, f), higher_is_better=True)": (
        "*metric mine: masks must return two boolean arrays of shape (300,), got float32 (300,), bool (300,)*"
    ),
    "RateMetric(name='mine', masks=lambda r, f: r.correct, higher_is_better=True)": (
        "*metric mine: masks must return two boolean arrays of shape (300,), got bool (300,)*"
    ),
    "RateMetric(name='mine', masks=lambda r, f: (r.correct[:7], f), higher_is_better=True)": (
        "*metric mine: masks must return two boolean arrays of shape (300,), got bool (7,), bool (300,)*"
    ),
    "RateMetric(name='mine', masks=lambda r, f: (1 / 0, f), higher_is_better=True)": (
        "*metric mine: its function raised ZeroDivisionError: division by zero; repair it*"
    ),
    "ScoreMetric(name='mine', compute=lambda r, f: 0.5, prepare=lambda r: 1 / 0, higher_is_better=True)": (
        "*metric mine: its function raised ZeroDivisionError: division by zero; repair it*"
    ),
    "ScoreMetric(name='mine', compute=lambda r, f: 0.5, prepare=lambda r: lambda rows: 1 / 0, higher_is_better=True)": (
        "*metric mine: its function raised ZeroDivisionError: division by zero; repair it*"
    ),
    "ScoreMetric(name='mine', compute=lambda r, f: r.images.mean(), higher_is_better=True)": (
        "*metric mine: its function raised AttributeError: *'images'*; repair it*"
    ),
    "ScoreMetric(name='mine', compute=lambda r, f: 2, higher_is_better=True, highest=1)": (
        "*metric mine: must return a number from 0 to 1, or None if it is undefined, got 2*"
    ),
    "ScoreMetric(name='mine', compute=lambda r, f: r.confidence, higher_is_better=True)": (
        "*metric mine: must return a number from 0 to inf, or None if it is undefined, got [[]0.99*"
    ),
}


@pytest.mark.parametrize("metric", BROKEN)
def test_a_metric_that_breaks_its_word(project: Project, metric: str) -> None:
    """A metric that raises or returns a wrong value fails in one line with its name, and nothing is stored."""
    hook = f"from pytest_failaware import *\n\ndef pytest_failaware_metrics():\n    return [{metric}]\n"
    own(project, hook, "conditions=['clean'], metrics=['mine']")
    result = project.record()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines([BROKEN[metric]])
    assert "Traceback" not in result.stdout.str()
    assert not project.baseline.exists()


def test_a_function_that_fails_on_parts_of_the_samples(project: Project) -> None:
    """A metric that raises only on a part of the samples, as in a test of a change, fails in the same line."""
    project.record()
    hook = OWN.replace("trusted = ~flagged", "trusted = ~flagged if len(flagged) == 300 else flagged.lost")
    own(project, hook, "conditions=['clean'], metrics=['overconfidence']")
    result = project.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["*metric overconfidence: its function raised AttributeError: *'lost'; repair it*"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("name='accuracy'", "*pytest_failaware_metrics: 'accuracy' exists already; choose another name"),
        ("name='negative_flip_rate'", "*pytest_failaware_metrics: 'negative_flip_rate' exists already*"),
        ("name='mine(3)'", "*pytest_failaware_metrics: 'mine(3)' cannot be a name; use small letters, digits and '_'"),
        (
            "name='mine', tolerance='much'",
            "*: mine: the tolerance must be a number*, got *much*",
        ),
        ("name='mine', tolerance=-0.1", "*: mine: the tolerance must be a number of at least 0, as in 0.01, got -0.1"),
        ("name='mine', tolerance=float('inf')", "*: mine: the tolerance must be a number of at least 0*, got inf"),
        ("name='mine', tolerance=True", "*: mine: the tolerance must be a number of at least 0*, got True"),
    ],
)
def test_a_metric_that_cannot_be_meant(project: Project, given: str, words: str) -> None:
    """A metric with a wrong name or tolerance is a usage error."""
    metric = f"ScoreMetric({given}, compute=len, higher_is_better=True)"
    hook = f"from pytest_failaware import *\n\ndef pytest_failaware_metrics():\n    return [{metric}]\n"
    own(project, hook, "conditions=['clean']")
    result = project.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([words])

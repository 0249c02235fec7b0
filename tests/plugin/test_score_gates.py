"""Metrics that are not a ratio of counts, in runs and in commands.

Of the 300 toy images under clean, 120 of the 180 most confident ones and 60 of the other 120 are right. AUGRC is
(30 x 180 + 90 x 120) / 300² = 0.18, AUROC (120 x 90 + 60 x 30) / (180 x 120) = 0.5833.
"""

from __future__ import annotations

import fnmatch
from xml.etree import ElementTree

import pytest
from documents import document
from project import MARKED, Project

from pytest_failaware.cli.main import main

CLEAN = "conditions=['clean'], metrics=['augrc', 'nll', 'augrc(margin)', 'risk_at_coverage(0.5)', 'failure_recall']"
OVERCONFIDENCE = """
from pytest_failaware import ScoreMetric

def overconfidence(records, flagged):
    trusted = ~flagged
    return records.confidence[trusted].mean() - records.correct[trusted].mean() if trusted.any() else None

def pytest_failaware_metrics():
    return [ScoreMetric(name="overconfidence", compute=overconfidence, higher_is_better=False, lowest=-1)]
"""


def marked(project: Project, arguments: str) -> None:
    project.test(MARKED.replace("reliability", f"reliability({arguments})"))


def test_scores_gate_and_reach_every_output(project: Project) -> None:
    """Scores are judged and reported with four digits, rates in percent, with a baseline recorded without them."""
    project.record()
    marked(project, f"{CLEAN}, minimum={{'auroc_f': 0.6}}")
    outputs = ("--failaware-report=r.json", "--failaware-report=r.md", "--junitxml=junit.xml")
    result = project.run("-v", *outputs, model="worse.pth")

    result.assert_outcomes(failed=1)
    for words in (
        ("augrc ", "0.1800", "0.2867", "+0.1067", "0.0020", "REGRESSED"),
        ("risk_at_coverage(0.5)", "33.33%", "55.56%", "+22.22 pt", "1.00 pt", "REGRESSED"),
        ("failure_recall", "50.00%", "44.44%", "-5.56 pt"),
        ("auroc_f", "0.5556", ">= 0.6", "BELOW MINIMUM"),
    ):
        assert project.line_with(result, *words), words
    result.stdout.fnmatch_lines(["*on samples like these: proven to be more than 0.0020 worse", "*0.0* to 0.1* worse*"])
    lines = (project.path / "r.md").read_text(encoding="utf-8").splitlines()
    assert fnmatch.filter(lines, "| * | augrc | 0.1800 | 0.2867 | +0.1067 | 0.0020 | * worse | * | REGRESSED |")
    (clean,) = document(project)["results"]
    assert {"value": pytest.approx(0.28666667), "is_rate": False, "reason": ""} == clean["scores"]["augrc"]
    assert clean["comparisons"][0]["evidence"]["p_beyond"] < 0.001
    properties = ElementTree.parse(project.path / "junit.xml").getroot().iter("property")
    assert pytest.approx(0.28666667) == float(
        next(one.get("value") or "" for one in properties if one.get("name") == "failaware.augrc")
    )


def test_scores_of_the_same_model_are_unchanged(project: Project) -> None:
    """The same checkpoint is unchanged in every score, and incomparable without its sample file."""
    project.record()
    marked(project, CLEAN)
    project.run().stdout.fnmatch_lines(["1 checked: 1 unchanged"])

    project.sample_file("clean").unlink()
    unpaired = project.run()
    unpaired.assert_outcomes(failed=1)
    assert project.line_with(unpaired, "not comparable with baseline", "sample files absent: baselines/toy/clean-")


def test_a_name_that_cannot_be_meant(project: Project) -> None:
    """A misspelt score is a collection error in one line, without a traceback."""
    marked(project, "metrics=['augrc(margn)']")
    result = project.run()

    result.stdout.fnmatch_lines(["*metrics: augrc(margn): unknown score 'margn'; did you mean 'margin'*"])
    assert "Traceback" not in result.stdout.str()


def test_show_and_plan(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`show` computes scores from the stored samples, and `plan` names the scores for which it has no formula."""
    project.record()
    monkeypatch.chdir(project.path)
    capsys.readouterr()
    assert 0 == main(["show", "toy", "--metrics", "augrc", "fpr_at_95tpr", "failure_recall"])
    shown = capsys.readouterr().out.splitlines()
    assert ["0.1800", "100.00%", "50.00%"] == shown[3].split()[7:10]

    assert 0 == main(["plan", "toy", "--gate=metrics=accuracy augrc"])
    planned = capsys.readouterr().out
    assert "no formula says which drops these gates find: augrc; run selftest, which plants drops" in planned
    assert 2 == sum("accuracy" in line for line in planned.splitlines())

    assert 4 == main(["show", "toy", "--metrics", "agrc"])
    assert "--metrics: unknown metric 'agrc'; did you mean 'augrc'" in capsys.readouterr().err
    project.sample_file("clean").unlink()
    assert 0 == main(["show", "toy", "--metrics", "augrc"])
    assert "no sample file" in capsys.readouterr().out


def test_a_score_of_ones_own(project: Project) -> None:
    """A user's score is judged against stored samples and against a bound, and printed as a number."""
    project.record()
    (project.path / "conftest.py").write_text(OVERCONFIDENCE)
    marked(project, "conditions=['clean'], metrics=['overconfidence'], maximum={'overconfidence': 0.34}")
    result = project.run("-v")

    result.assert_outcomes(passed=1)
    assert project.line_with(result, "overconfidence", "0.3332", "+0.0000", "0.0100")
    worse = project.run(model="worse.pth")
    worse.assert_outcomes(failed=1)
    assert project.line_with(worse, "overconfidence", "0.3332", "0.5555", "REGRESSED")

    (project.path / "conftest.py").write_text(OVERCONFIDENCE.replace("if trusted.any() else None", "+ float('nan')"))
    broken = project.run()
    broken.stdout.fnmatch_lines(["*metric overconfidence: must return a number from -1 to inf, or None*got nan*"])

"""Outputs that other programs read: JSON, Markdown, annotations, JUnit; and names that could break them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from documents import document
from PIL import Image
from project import MARKED, Command, Project


def test_json_of_a_failing_run(project: Project) -> None:
    """The JSON report of a failing run has the counts, rates, verdicts and the place of the records."""
    project.record()
    project.run("--failaware-report=r.json", model="worse.pth")
    found = document(project)

    assert (False, "", {"regressed": 2}) == (found["passed"], found["incomplete"], found["counts"])
    clean = found["results"][0]
    assert "test_toy.py::test_toy[clean]" == clean["nodeid"]
    assert {"value": 0.4, "numerator": 120, "denominator": 300, "reason": ""} == clean["rates"]["accuracy"]
    assert ["test_toy.py", 4] == clean["location"]
    accuracy = clean["comparisons"][0]
    assert ("accuracy", "0.005", "regressed") == (accuracy["metric"], accuracy["allowed"], accuracy["verdict"])
    assert 180 == accuracy["reference"]["numerator"]
    assert "r.records.zip" == found["records"]
    assert {"0.npz", "1.npz"} == {result["measurement"]["records"]["member"] for result in found["results"]}


def test_the_command_that_stores_a_report(project: Project, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report names the command that stores it, with the folder of the baselines if needed, and that command works.

    Two runs with the same date write the same report, and the report names no folder of the machine.
    """
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    first = project.run("--failaware-report=r.json", "--failaware-report=r.md", "--failaware-strict")
    text = (project.path / "r.json").read_text(encoding="utf-8")
    first.stdout.fnmatch_lines(["wrote r.json and r.records.zip beside it"])
    assert "python -m pytest_failaware accept r.json" == document(project)["accept"]
    assert "    python -m pytest_failaware accept r.json" in (project.path / "r.md").read_text().splitlines()
    assert "1970-01-02T00:00:00Z" == document(project)["date"]
    assert str(project.path) not in text + (project.path / "r.md").read_text()
    project.run("--failaware-report=r.json", "--failaware-report=r.md", "--failaware-strict")
    assert text == (project.path / "r.json").read_text(encoding="utf-8")

    assert 0 == command(*document(project)["accept"].split()[3:])[0]
    assert "1970" not in (project.path / "baselines" / "toy.yaml").read_text()
    project.run("--failaware-report=r.json", model="worse.pth")
    assert 'python -m pytest_failaware accept r.json --reason="…"' == document(project)["accept"]
    project.run("--failaware-report=r.json", "--failaware-baseline-dir=other")
    assert "python -m pytest_failaware accept r.json --baseline-dir=other" == document(project)["accept"]
    project.run("--failaware-report=r.json")
    assert "" == document(project)["accept"]


def test_json_of_runs_that_compare_nothing(project: Project) -> None:
    """The JSON report is valid without a baseline, with an unusable model, with skips and without a marked test."""
    project.run("--failaware-report=r.json")
    assert {"missing": 2} == document(project)["counts"]

    project.run("--failaware-report=r.json", model="absent.pth")
    absent = document(project)
    assert (False, 2, 2) == (absent["passed"], len(absent["errors"]), len(absent["unchecked"]))
    assert "absent.pth" in absent["errors"]["test_toy.py::test_toy[clean]"]

    project.run("--failaware-report=skipped.json", model=None)
    assert 2 == len(document(project, "skipped.json")["unchecked"])

    project.test("def test_other(): pass\n")
    project.run("--failaware-report=none.json", "--failaware-report=none.md", model=None)
    assert not (project.path / "none.json").exists()
    project.run("--failaware-report=strict.json", "--failaware-strict", model=None)
    assert "no reliability result" in document(project, "strict.json")["complaints"][0]


def test_reports_of_the_ini(project: Project) -> None:
    """Reports of the ini file are written; the next run removes them before it measures, a collection does not."""
    project.ini("failaware_report =\n    r.json\n    r.html")
    first = project.run()
    project.run("--collect-only")

    first.stdout.fnmatch_lines(["wrote r.json and r.records.zip beside it", "wrote r.html"])
    assert {"missing": 2} == document(project)["counts"]
    project.test(MARKED.replace("(): pass", "(): assert not __import__('os').path.exists('r.html')"))
    project.run("--failaware-update-new").assert_outcomes(passed=2)


def test_an_undefined_rate_has_a_reason(project: Project) -> None:
    """A rate that is undefined has the reason in the JSON report, as for a rule that flags every image."""
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean'], rule='confidence < 1')"))
    project.record("--failaware-report=r.json")
    rate = document(project)["results"][0]["rates"]["confident_accuracy"]

    assert (None, 0, "every prediction is flagged") == (rate["value"], rate["denominator"], rate["reason"])


def test_markdown_has_the_failures_and_the_rates(project: Project) -> None:
    """The Markdown report has a heading with the total, a row for each failed metric and a row of rates."""
    project.record()
    project.run("--failaware-report=r.md", model="worse.pth")
    lines = (project.path / "r.md").read_text(encoding="utf-8").splitlines()

    assert "## ❌ Reliability: 2 checked: 2 regressed" == lines[0]
    start = "| test_toy[clean] | accuracy | 60.00% | 40.00% | -20.00 pt | 0.50 pt | "
    (row,) = (line for line in lines if line.startswith(start))
    assert row.endswith(" pt worse | 60, 0 | REGRESSED |")
    assert "| test_toy[clean] | 40.00% | 44.44% | 44.44% | 26.67% | 40.00% | REGRESSED |" in lines
    project.run("--failaware-report=r.md")
    assert "## ✅ " in (project.path / "r.md").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_stops_no_other(project: Project) -> None:
    """A report that cannot be written is named, the run ends with exit code 4, and the others are written."""
    project.record()
    (project.path / "there").mkdir()
    target = project.path / "there" / "r.json"
    project.test(f"{MARKED}\ndef test_removes(): __import__('shutil').rmtree({str(target.parent)!r})\n")
    blocked = "def test_blocks(): __import__('pathlib').Path('there').write_text('in the way')\n"
    project.test((project.path / "test_toy.py").read_text() + blocked)
    result = project.run("--failaware-report=there/r.json", "--failaware-report=r.csv")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["not written: there/r.json (*); free the place or name another file", "wrote r.csv"])


# ---- GitHub --------------------------------------------------------------------------------------------------------


def test_github_gets_a_summary_and_annotations(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job page is appended to what the step wrote, and annotations name file and line from the checkout's root."""
    project.record()
    summary = project.path / "summary.md"
    summary.write_text("from another command\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path.parent))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = project.run(model="worse.pth")

    assert summary.read_text(encoding="utf-8").startswith("from another command\n## ❌ Reliability")
    marks = [line for line in result.outlines if line.startswith("::")]
    assert 2 == len(marks)
    place = f"::error file={project.path.name}/test_toy.py,line=4,title=test_toy[clean]::retrain, or accept"
    assert marks[0].startswith(place)
    assert "60.00%25 -> 40.00%25" in marks[0]


def test_github_can_be_switched_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations are printed under GITHUB_ACTIONS unless failaware_github = false."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    runs = [project.run("-o", f"failaware_github={switch}") for switch in ("true", "false")]

    assert [True, False] == [any(line.startswith("::") for line in run.outlines) for run in runs]
    assert [True, False] == ["no job summary: GITHUB_STEP_SUMMARY is not set" in run.outlines for run in runs]


def test_at_most_ten_annotations(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with twelve failing gates prints ten annotations, and a run that fails nothing prints none."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    keys = [f"blur(radius={number})" for number in range(3, 15)]
    project.test(MARKED.replace("reliability", f"reliability(conditions={keys})"))
    failing, quiet = project.run(), project.run(model=None)

    failing.assert_outcomes(failed=12)
    assert (10, 0) == tuple(sum(line.startswith("::") for line in run.outlines) for run in (failing, quiet))


# ---- JUnit ---------------------------------------------------------------------------------------------------------


def test_junit_has_the_numbers(project: Project) -> None:
    """Each case of the JUnit file has its verdict and every rate as properties."""
    project.record()
    project.run("--junitxml=junit.xml", model="worse.pth")
    cases = ElementTree.parse(project.path / "junit.xml").getroot().iter("testcase")
    found = {case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")} for case in cases}

    assert {"test_toy[clean]", "test_toy[low_light]"} == set(found)
    clean = found["test_toy[clean]"]
    assert ("regressed", "0.4", "toy", "300") == tuple(
        clean[f"failaware.{name}"] for name in ("verdict", "accuracy", "baseline", "samples")
    )


# ---- hostile names -------------------------------------------------------------------------------------------------

HOSTILE = ("::error file=x::owned", "a|b<script>alert(1)</script>", "\x1b[31mred\r\n::warning::w\u202e ##[error]x `c`")


@pytest.mark.parametrize("where", ["class names", "file names"])
def test_hostile_names_inject_nothing(project: Project, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """A hostile name adds no workflow command, tag, table cell or control character to any output."""
    summary = project.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    if where == "class names":
        (project.path / "bad.py").write_text(f"import toy\nclass Bad(toy.Images):\n    classes = {HOSTILE!r}\n")
        project.record()
        data = "bad:Bad"
    else:
        data = f"folder:{project.path / 'data'}"
        for name in HOSTILE:
            folder = project.path / "data" / name.replace("/", "∕")
            folder.mkdir(parents=True)
            Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(folder / "fine.png")
            (folder / f"{name.replace('/', '∕')}.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    outputs = (
        "--failaware-report=r.json",
        "--failaware-report=r.md",
        "--failaware-report=r.csv",
        "--junitxml=junit.xml",
    )
    result = project.run("-v", *outputs, f"--failaware-dataset={data}")

    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR)
    commands = [line for line in result.outlines if line.lstrip().startswith("::")]
    assert all(line.startswith("::error file=test_toy.py,line=") for line in commands)
    assert 2 == len(commands)
    assert "##[" not in result.stdout.str()
    for text in (result.stdout.str(), (project.path / "r.md").read_text(), summary.read_text()):
        assert not [letter for letter in text if letter != "\n" and not letter.isprintable() and letter != "\u200b"]
    for line in (project.path / "r.md").read_text().splitlines():
        assert not re.search("<[A-Za-z/!?]", line)
        assert "`" not in line
        assert line.count("|") in (0, 6, 7, 8, 10)
    ElementTree.parse(project.path / "junit.xml")
    assert document(project)["passed"] is False

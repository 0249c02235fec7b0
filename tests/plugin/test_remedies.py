"""The advice for a test whose operating point moved: a rule that makes it green when pasted."""

from __future__ import annotations

import html
import json
import re

import numpy as np
import pytest

from pytest_failaware.cli.main import main

STORED = "confidence < 0.6 or entropy > 1.0"
LOOSE = "confidence < 0.3 or entropy > 3.0"
MARKED = """
import pytest

@pytest.mark.reliability(
    conditions=["clean", "blur"],
    baseline="b",
    metrics=["accuracy", "confident_accuracy_at_coverage", "confident_accuracy", "confident_correct_rate"],
    tolerance={"confident_correct_rate": 0.05},
)
def test_m(): pass
"""


class Project:
    """A project with the predictions of one model under two conditions, and a marked test."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.path = pytester, pytester.path
        (self.path / "test_gate.py").write_text(MARKED, encoding="utf-8")

    def predict(self, scale: float, *, wrong: float = 0.0) -> None:
        """Write logits of ten classes times `scale`, with a share of the answers turned wrong."""
        random, samples = np.random.default_rng(0), 5000
        label, columns = random.integers(0, 10, samples), []
        broken = np.random.default_rng(1).random(samples) < wrong
        for margin in (2.5, 2.0):
            logits = random.normal(0, 1, (samples, 10))
            logits[np.arange(samples), label] += margin + 2 * random.normal(0, 1, samples)
            logits[broken] = np.roll(logits[broken], 1, axis=1)
            columns.append((2 * scale * logits).astype(np.float32))
        np.savez(
            self.path / "p.npz",
            sample_id=np.tile(np.arange(samples), 2),
            label=np.tile(label, 2),
            condition=np.repeat(["clean", "blur"], samples),
            logits=np.concatenate(columns),
        )

    def run(self, *options: str, rule: str = STORED) -> pytest.RunResult:
        """Run pytest with a rule in the ini, on the predictions."""
        self.pytester.makeini(f"[pytest]\nfailaware_rule = {rule}\n")
        off = ("-p", "no:randomly", "-p", "no:rerunfailures", "--failaware-predictions=p.npz")
        return self.pytester.runpytest_inprocess(*off, *options, no_reraise_ctrlc=True)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    made = Project(pytester)
    made.predict(1.0)
    made.run("--failaware-update-new").assert_outcomes(passed=2)
    return made


def named_rules(text: str) -> list[str]:
    """Return the rules that a text names as remedies."""
    return re.findall(r"^  failaware_rule = (.*)\n    (?:enough|green)", text, re.MULTILINE)


def test_a_named_rule_makes_the_test_green(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Sharper logits move the operating point; each rule that the run names passes, and the report has the same."""
    project.predict(1.5)
    red = project.run("--failaware-report=r.json", "--failaware-report=r.md", "--failaware-report=r.html")
    red.stdout.fnmatch_lines(
        [
            "test_m: choose another rule (*",
            "  in the ini*",
            "*at temperature 1.*",
            "    enough, proven on held-out halves;*",
        ]
    )
    rules = named_rules(red.stdout.str())
    document = json.loads((project.path / "r.json").read_text(encoding="utf-8"))
    assert rules == [remedy["rule"] for remedy in document["advice"][0]["remedies"]]
    page = html.unescape((project.path / "r.html").read_text(encoding="utf-8"))
    assert rules == re.findall("<code>failaware_rule = (.*?)</code>", page)
    summary = (project.path / "r.md").read_text(encoding="utf-8")
    assert rules == re.findall("^  - `failaware_rule = (.*)`: enough", summary, re.MULTILINE)
    assert "choose another rule" == document["advice"][0]["act"]
    capsys.readouterr()
    assert 0 == main(["remedy", "r.json"])
    assert rules == named_rules(capsys.readouterr().out)
    assert 0 == main(["thresholds", "r.json", "--risk", "0.1", "--condition", "blur"])
    assert "r.json, blur: 5,000 images, 58.96% right" in capsys.readouterr().out
    for rule in rules:
        project.run(rule=rule).assert_outcomes(passed=2)


OWN = """
import pytest_failaware

def pytest_failaware_metrics():
    return [pytest_failaware.RateMetric(
        name="sure_rate", masks=lambda records, flagged: (records.confidence > 0.9, records.confidence > 0),
        higher_is_better=True, tolerance=1,
    )]
"""


def test_the_command_prints_what_the_run_printed(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The command remedy prints the lines of the run, also if the run had a metric of a hook."""
    (project.path / "conftest.py").write_text(OWN, encoding="utf-8")
    source = MARKED.replace('"confident_correct_rate"],', '"confident_correct_rate", "sure_rate"],')
    (project.path / "test_gate.py").write_text(source, encoding="utf-8")
    project.predict(1.5)
    printed = project.run("--failaware-report=r.json").stdout.str()
    capsys.readouterr()

    assert 0 == main(["remedy", "r.json"])
    lines = capsys.readouterr().out
    assert 2 == len(named_rules(lines))
    assert " ".join(lines.split()) in " ".join(printed.split())


def test_the_command_on_other_reports(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says that a green run needs nothing, and refuses a damaged report in one line."""
    project.run("--failaware-report=r.json")
    assert 0 == main(["remedy", "r.json"])
    assert capsys.readouterr().out.endswith("no operating point moved, and no model is worse\n")
    document = json.loads((project.path / "r.json").read_text(encoding="utf-8"))
    (project.path / "r.json").write_text(json.dumps({**document, "tasks": [{"act": 3}]}), encoding="utf-8")
    assert 4 == main(["remedy", "r.json"])
    assert "r.json: is damaged (" in capsys.readouterr().err


def test_a_loosened_rule_names_the_stored_one(project: Project) -> None:
    """If the same model is red under a loose rule, the stored rule is what mends it."""
    red = project.run(rule=LOOSE)
    red.stdout.fnmatch_lines([f"  failaware_rule = {STORED}", "    the stored rule, green*"])


def test_a_selection_says_so(project: Project) -> None:
    """Under -k the advice says that it comes from a part of the conditions."""
    project.predict(1.5)
    selected = project.run("-k", "clean")
    selected.stdout.fnmatch_lines(["*from 1 of 2 declared conditions*"])


def test_a_worse_model_gets_no_rule(project: Project) -> None:
    """If a condition is regressed, the advice is to retrain, with labels to look at and no rule."""
    project.predict(1.0, wrong=0.1)
    red = project.run()
    red.stdout.fnmatch_lines(["test_m: retrain, or accept with a reason (*", "  *lost most:*"])
    red.stdout.fnmatch_lines(["*look at these labels first:*"])
    assert not named_rules(red.stdout.str())


def test_a_green_run_gives_no_advice(project: Project) -> None:
    """There is nothing to do about a test that passes."""
    project.run().stdout.no_fnmatch_line("test_m: *")

"""The page of a CI job: Markdown and annotations, with the command that stores the values."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
from judged import EVIDENCE, result

from pytest_failaware.core.result import ItemResult, SampleChange, Verdict
from pytest_failaware.core.summary import RunReport
from pytest_failaware.report import json_report as machine
from pytest_failaware.report.github import workflow_commands
from pytest_failaware.report.html.html import html_text
from pytest_failaware.report.json_report import report_document
from pytest_failaware.report.markdown import markdown_text

ACCEPT = 'python -m pytest_failaware accept report.json --reason="…"'


def inconclusive(condition: str) -> ItemResult:
    """Return an item whose accuracy fell by more than its tolerance, which 15 images do not prove."""
    whole = result(condition, Verdict.INCONCLUSIVE)
    (comparison,) = whole.comparisons
    evidence = dataclasses.replace(EVIDENCE, low=-0.01)
    return dataclasses.replace(
        whole, comparisons=(dataclasses.replace(comparison, verdict=Verdict.INCONCLUSIVE, evidence=evidence),)
    )


def regressed(condition: str) -> ItemResult:
    """Return an item that is worse, with its flips."""
    change = SampleChange(
        samples=15,
        changed_predictions=5,
        changed_flags=0,
        negative_flips=4,
        positive_flips=1,
        confident_negative_flips=2,
        known_label_errors=0,
    )
    return result(condition, Verdict.REGRESSED, change=change)


def test_a_failed_gate_in_the_table() -> None:
    """A failed gate has the interval and the flips in its row, with the act above it and the command below."""
    lines = markdown_text(RunReport(results=(regressed("clean"),), accept=ACCEPT)).splitlines()

    assert (
        "| test_x[clean] | accuracy | 80.00% | 60.00% | -20.00 pt | 0.50 pt | 1.00 to 20.00 pt worse | 4, 1 | "
        "REGRESSED |"
    ) in lines
    assert "**Is the model worse?**" in lines
    assert "- **test_x: retrain, or accept with a reason (regressed: clean)**" == lines[2]
    assert f"    {ACCEPT}" in lines


def test_an_inconclusive_gate_is_no_green_tick() -> None:
    """An inconclusive gate has its p, an explanation and its own mark in the headline."""
    (comparison,) = inconclusive("clean").comparisons
    noted = dataclasses.replace(comparison, note="p 0.004, needed 0.00063")
    open_one = dataclasses.replace(inconclusive("clean"), comparisons=(noted,))
    text = markdown_text(RunReport(results=(open_one,)))

    assert text.startswith("## ⚠️ Reliability: 1 checked: 1 inconclusive\n")
    assert "| inconclusive (p 0.004, needed 0.00063) |" in text
    assert "- inconclusive: the drop on these samples is beyond the tolerance and may be chance, since p is not" in text
    assert markdown_text(RunReport(results=(open_one, regressed("blur")))).startswith("## ❌")
    assert markdown_text(RunReport(results=(result("clean", Verdict.PASSED),))).startswith("## ✅")
    assert any(
        ", p 0.004, needed 0.00063" in one for one in workflow_commands(RunReport(results=(open_one,)), Path(), "")
    )
    assert "p 0.004, needed 0.00063" in html_text(RunReport(results=(open_one,)), {})


def test_why_the_golden_reference_is_reset() -> None:
    """The text says why the accepting command resets the golden reference."""
    drifted = dataclasses.replace(regressed("clean"), drifts=True)
    text = markdown_text(RunReport(results=(drifted,), accept=f"{ACCEPT} --reset-golden"))
    assert "--reset-golden is in it because the loss since the first accepted values is beyond the drift" in text
    assert "is in it because" not in markdown_text(RunReport(results=(regressed("clean"),), accept=ACCEPT))


def test_one_sentence_for_all_that_is_missing() -> None:
    """All missing items share one sentence."""
    note = "there is no baseline in baselines yet"
    results = tuple(result(key, Verdict.MISSING, comparisons=(), notes=(note,)) for key in ("clean", "blur"))
    text = f"no entry in baseline 'toy', so nothing was compared: test_x[clean], test_x[blur]; {note}"
    assert 1 == markdown_text(RunReport(results=results)).splitlines().count(f"- {text}")


def test_an_inconclusive_gate_in_the_table() -> None:
    """An inconclusive gate is in the table although it does not fail."""
    lines = markdown_text(RunReport(results=(inconclusive("blur"),))).splitlines()

    assert (
        "| test_x[blur] | accuracy | 80.00% | 60.00% | -20.00 pt | 0.50 pt | 1.00 pt better to 20.00 pt worse | 4, 1 | "
        "inconclusive |"
    ) in lines


def test_an_inconclusive_gate_is_a_warning() -> None:
    """An inconclusive gate is a warning; there are at most ten errors and ten warnings."""
    results = [regressed(f"blur(radius={number})") for number in range(12)]
    results += [inconclusive(f"fog(level={number})") for number in range(12)]
    marks = list(workflow_commands(RunReport(results=tuple(results), accept=ACCEPT), Path("/w"), ""))

    assert [10, 10] == [sum(mark.startswith(f"::{kind} ") for mark in marks) for kind in ("error", "warning")]
    assert marks[0].endswith(f"if these values are meant: {ACCEPT}")
    assert marks[10].endswith(
        "%0A  accuracy: 80.00%25 -> 60.00%25, -20.00 pt (allowed 0.50 pt); 1.00 pt better to 20.00 pt worse (95 %25)"
    )


def test_files_say_when_and_from_what_they_were_made() -> None:
    """Markdown, HTML and JSON have date, commit and versions."""
    report = RunReport(
        results=(regressed("clean"),),
        accept=ACCEPT,
        date="2026-01-31T12:00:00Z",
        commit="0123abcd",
        versions={"python": "3.12.1", "torch": "2.10.0"},
    )

    made = "- 2026-01-31T12:00:00Z; commit 0123abcd; python 3.12.1, torch 2.10.0"
    assert made == markdown_text(report).splitlines()[-2]
    page = html_text(report, {})
    assert "<dt>date</dt><dd>2026-01-31T12:00:00Z</dd><dt>commit</dt><dd>0123abcd</dd>" in page
    assert "<dt>versions</dt><dd>python 3.12.1, torch 2.10.0</dd>" in page
    assert "accept report.json" in page
    document = report_document(report, {}, {}, "report.records.zip")
    assert ("2026-01-31T12:00:00Z", "0123abcd", {"python": "3.12.1", "torch": "2.10.0"}, ACCEPT) == tuple(
        document[name] for name in ("date", "commit", "versions", "accept")
    )
    schema = json.loads((Path(machine.__file__).parent / "schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.dumps(document)), schema)


@pytest.mark.parametrize("text", ["", "::error::x\n# owned"])
def test_a_report_without_them_says_nothing(text: str) -> None:
    """A run outside of a repository shows no commit; an odd commit is shown as text."""
    lines = markdown_text(RunReport(results=(regressed("clean"),), commit=text)).splitlines()
    assert (["- commit :&#58;error::x &#35; owned"] if text else []) == [line for line in lines if "commit" in line]

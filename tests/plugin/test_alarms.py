"""Alarms: a set-up that is almost surely wrong is reported, and its values are stored only with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import torch
import toy
from project import MARKED, NORMED, Command, Project

import pytest_failaware
from pytest_failaware import evaluate
from pytest_failaware.core.errors import FailAwareWarning

NEW = "--failaware-update-new"
ALL = "--failaware-update-baselines"
REASON = "--failaware-reason=meant"
TURNED = "--failaware-dataset=turned:images"
SOURCE = """
import toy

def images():
    found = toy.Images()
    found.labels = (found.labels + 1) % 3
    return found
"""
RENAMING = "0 'top' -> 1 'middle', 1 'middle' -> 2 'bottom', 2 'bottom' -> 0 'top'"
SCHEMA = json.loads((Path(pytest_failaware.__file__).parent / "report" / "schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def turned(project: Project) -> Project:
    """The project with a data set whose labels are those of the next class."""
    (project.path / "turned.py").write_text(SOURCE)
    return project


def test_no_next_step_is_to_record(turned: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an alarm, neither the terminal, a failure, a report file nor the job page advises to record the values."""
    job = turned.path / "job.md"
    job.touch()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    files = {kind: turned.path / f"r.{kind}" for kind in ("json", "md", "html")}
    outputs = [f"--failaware-report={path}" for path in files.values()]
    result = turned.run(TURNED, *outputs, "-v")

    result.assert_outcomes(failed=2)
    assert RENAMING in turned.line_with(result, "ALARM: ")
    assert turned.line_with(result, "Correct the set-up first, then run again.")
    texts = [path.read_text(encoding="utf-8") for path in (*files.values(), job)]
    for text in (result.stdout.str(), *texts):
        assert NEW not in text
        assert "ecord it" not in text
        assert "alarm" in text.lower()
    document = json.loads(texts[0])
    jsonschema.validate(document, SCHEMA)
    assert [True, True] == [RENAMING in one["alarm"] for one in document["results"]]


@pytest.mark.parametrize("workers", [("-p", "no:xdist"), ("-n", "2")], ids=["alone", "two workers"])
def test_nothing_of_it_is_recorded_without_a_reason(turned: Project, workers: tuple[str, ...]) -> None:
    """An update without a reason stores no condition of a set-up with an alarm, with or without workers."""
    refused = turned.run(TURNED, NEW, *workers)

    assert (pytest.ExitCode.USAGE_ERROR, {}) == (refused.ret, turned.files())
    assert turned.line_with(refused, "baseline 'toy' NOT written: the condition clean gives an ALARM", 'reason="why"')


def test_another_baseline_of_the_same_subject_is_not_written_either(turned: Project) -> None:
    """An alarm on clean images stops the writing of every baseline that has the same model and data."""
    markers = {"one": "conditions=['low_light'], baseline='one'", "two": "conditions=['clean'], baseline='two'"}
    tests = [
        MARKED.replace("reliability", f"reliability({text})").replace("toy", name) for name, text in markers.items()
    ]
    turned.test("\n".join(tests))
    refused = turned.run(TURNED, NEW)

    assert (pytest.ExitCode.USAGE_ERROR, {}) == (refused.ret, turned.files())
    assert all(turned.line_with(refused, f"baseline '{name}' NOT written: ") for name in markers)
    assert turned.line_with(refused, "the end of the run says what to do") == ""


def test_a_reason_stores_it_and_every_run_says_it(turned: Project) -> None:
    """After an alarm was accepted, runs pass and still report it, and new conditions need no second reason."""
    stored = turned.run(TURNED, NEW, REASON)
    assert (pytest.ExitCode.OK, {"clean", "low_light"}) == (stored.ret, set(turned.stored()))
    assert turned.line_with(stored, "Correct the set-up first") == ""

    again = turned.run(TURNED)
    assert pytest.ExitCode.OK == again.ret
    assert RENAMING in turned.line_with(again, "ALARM (the stored values have it too): ")
    assert pytest.ExitCode.OK == turned.run(TURNED, ALL).ret

    turned.ini("failaware_metrics = accuracy")
    turned.test(MARKED.replace("reliability", "reliability(conditions=['clean', 'blur'])"))
    more = turned.run(TURNED, NEW)
    assert (pytest.ExitCode.OK, {"clean", "low_light", "blur"}) == (more.ret, set(turned.stored()))


def test_it_does_not_replace_a_good_baseline(turned: Project) -> None:
    """An update with an alarm changes no file without a reason, even if it resets the golden values."""
    turned.record()
    before = turned.files()
    plain = turned.run(TURNED)
    refused = turned.run(TURNED, ALL, "--failaware-reset-golden", "--failaware-reason=")

    assert ALL not in plain.stdout.str()
    assert turned.line_with(plain, "Correct the set-up first, then run again.")
    assert pytest.ExitCode.USAGE_ERROR == refused.ret
    assert before == turned.files()


def test_accept_refuses_what_an_update_refuses(turned: Project, command: Command) -> None:
    """`accept` refuses values with an alarm in one line with exit code 4, and stores them if a reason is given."""
    turned.run(TURNED, "--failaware-report=r.json")
    code, text = command("accept", "r.json")

    assert (4, {}) == (code, turned.files())
    assert RENAMING in text
    assert text.endswith('if the values are right nonetheless, add --reason="why"\n')
    assert 0 == command("accept", "r.json", "--reason=meant")[0]
    assert {"clean", "low_light"} == set(turned.stored())


def test_a_condition_that_is_known_before_clean_does_not_say_record(turned: Project) -> None:
    """The failure of an earlier condition says to wait for clean, and the report written at the end does not."""
    turned.test(MARKED.replace("reliability", "reliability(conditions=['low_light', 'clean'])"))
    result = turned.run(TURNED, "--failaware-report=r.html")

    assert turned.line_with(result, "the end of the run says what to do, once the condition clean is known")
    assert "the end of the run says" not in (turned.path / "r.html").read_text(encoding="utf-8")


def test_predictions_of_another_order(project: Project) -> None:
    """Predictions from a file whose classes are in another order give the alarm, and nothing is stored."""
    lines = [f"{number},{'abc'[number % 3]},{(number + 1) % 3}" for number in range(200)]
    logits = {0: "9,0,0", 1: "0,9,0", 2: "0,0,9"}
    rows = [f"{line.rpartition(',')[0]},{logits[int(line[-1])]}" for line in lines]
    (project.path / "p.csv").write_text("\n".join(["sample_id,label,logit_a,logit_b,logit_c", *rows]) + "\n")
    (project.path / "tox.ini").write_text("[pytest]\nfailaware_baseline = text\nfailaware_conditions = clean\n")
    result = project.run(NEW, "--failaware-predictions=p.csv", model=None)

    assert (pytest.ExitCode.USAGE_ERROR, {}) == (result.ret, project.files())
    assert "0 'a' -> 2 'c', 1 'b' -> 0 'a', 2 'c' -> 1 'b'" in project.line_with(result, "ALARM: ")


def test_evaluate_warns_of_the_order() -> None:
    """`evaluate` warns that the classes are in another order and notes which class is taken for which."""
    data, model = toy.Images(), toy.network()
    data.labels = (data.labels + 1) % 3
    model.load_state_dict(toy.weights())
    with pytest.warns(FailAwareWarning, match="clean: the classes are almost surely in another order"):
        found = evaluate(model=model, dataset=data, preprocess="none", conditions=["clean"])

    assert any(RENAMING in note for note in found.notes)


def test_a_rule_that_flags_everything_says_so(project: Project) -> None:
    """A rule that flags every sample passes with a note that names the command for choosing another rule."""
    project.ini("failaware_rule = confidence < 0.999999")
    result = project.record()

    assert pytest.ExitCode.OK == result.ret
    line = project.line_with(result, "note: the rule flags 300 of 300 clean samples")
    assert "python -m pytest_failaware thresholds toy --risk" in line


def test_weights_that_know_nothing_are_not_recorded(project: Project) -> None:
    """An update refuses a model with zero weights, which answers the first class for every image."""
    state = {name: torch.zeros_like(value) for name, value in toy.weights().items()}
    torch.save(state, project.path / "dead.pth")
    result = project.run(NEW, model="dead.pth")

    assert (pytest.ExitCode.USAGE_ERROR, {}) == (result.ret, project.files())
    assert project.line_with(result, "test_toy[clean]: ALARM: set up wrongly: 33.33% of 300 clean samples are right")


# ---- a run without clean -------------------------------------------------------------------------------------------


def test_wrong_inputs_are_seen_without_clean(turned: Project, command: Command) -> None:
    """Without clean, a look at a few clean images raises the alarm, which an update and `accept` refuse to store."""
    (turned.path / "own.py").write_text(NORMED)
    low_light = (TURNED, "--failaware-arch=own:network", "-k", "low_light")
    refused = turned.run(*low_light, NEW)

    assert (pytest.ExitCode.USAGE_ERROR, {}) == (refused.ret, turned.files())
    assert turned.line_with(refused, "ALARM: almost surely set up wrongly: the clean inputs are not what the model")
    turned.run(*low_light, "--failaware-report=r.json")
    assert 4 == command("accept", "r.json")[0]
    assert pytest.ExitCode.OK == turned.run(*low_light, NEW, REASON).ret


def test_values_that_are_stored_without_clean_say_so(turned: Project) -> None:
    """A run that records without clean has a note that says how many of a few clean images are right."""
    note = "note: clean was not measured, so whether the set-up is right is not known; 0 of"

    assert turned.line_with(turned.run(TURNED, NEW, "-k", "low_light"), note)


def test_values_beside_a_stored_clean_do_not_say_so(project: Project) -> None:
    """The note is left out if clean of the same model is stored, and stays if clean of another model is stored."""
    project.record()
    same, other = (project.run("-k", "low_light", ALL, REASON, model=name) for name in ("good.pth", "worse.pth"))

    assert "clean was not measured" not in same.stdout.str()
    assert project.line_with(other, "note: clean was not measured")


def test_predictions_without_clean_say_so(project: Project) -> None:
    """Predictions recorded without clean have the note without a count, since there are no images to look at."""
    rows = [f"{number},{number % 3},{'9,0,0' if number % 3 else '0,0,9'},blur" for number in range(60)]
    (project.path / "p.csv").write_text("\n".join(["sample_id,label,logit_a,logit_b,logit_c,condition", *rows]) + "\n")
    (project.path / "tox.ini").write_text("[pytest]\nfailaware_baseline = text\nfailaware_conditions = blur\n")
    result = project.run(NEW, "--failaware-predictions=p.csv", model=None)

    assert project.line_with(result, "note: clean was not measured, so whether the set-up is right is not known")


def test_the_alarm_is_the_headline(turned: Project) -> None:
    """The alarm opens the failure and its line in the short summary, and the last section refers to it briefly."""
    result = turned.run(TURNED)

    assert RENAMING in turned.line_with(result, "test_toy[clean]: ALARM: set up wrongly: ")
    assert turned.line_with(result, "FAILED test_toy.py::test_toy[low_light] - ALARM: set up wrongly")
    assert "ALARM: set up wrongly, as said above at the condition clean" in result.outlines
    assert "with nothing to lose" not in result.stdout.str()
    assert 1 == result.stdout.str().count("Nothing is stored of it unless")

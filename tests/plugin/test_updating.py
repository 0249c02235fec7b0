"""The ways to update: missing entries, a dry run, a reason, an accepted report, deleted entries."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from project import MARKED, Command, Project

CLEAN = MARKED.replace("reliability", "reliability(conditions=['clean'])")


# ---- on pytest's command line --------------------------------------------------------------------------------------


def test_only_what_is_missing(project: Project) -> None:
    """--failaware-update-new records new entries, and judges existing ones without changing them."""
    project.test(CLEAN)
    project.record()
    before = project.files()
    project.test(MARKED)
    result = project.run("--failaware-update-new", model="worse.pth")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["2 checked: 1 regressed, 1 recorded", "*toy.yaml: recorded low_light; review*"])
    assert project.sample_file("clean").is_file()
    assert before.items() - {("toy.yaml", before["toy.yaml"])} <= project.files().items()
    assert {"clean", "low_light"} == set(project.stored())


def test_a_dry_run_shows_the_difference(project: Project) -> None:
    """A dry run prints the difference of the file and writes nothing."""
    project.record()
    before = project.files()
    result = project.record("--failaware-dry-run", model="worse.pth")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "-      trusted_right: 120",
            "+      trusted_right: 80",
            "*toy.yaml: updated clean, low_light; dry run, nothing*",
        ]
    )
    assert before == project.files()
    project.test(CLEAN)
    pruning = project.run("--failaware-prune", "--failaware-dry-run")
    pruning.stdout.fnmatch_lines(["-  low_light:", "*toy.yaml: pruned low_light; dry run, nothing written"])
    assert before == project.files()


def test_reasons_are_kept_with_what_they_changed(project: Project) -> None:
    """An update with a reason adds it to the history of each changed entry and to no other."""
    project.record("--failaware-reason=first values")
    project.run(
        "--failaware-update-baselines", "--failaware-reason=smaller: model # 2", "-k", "clean", model="worse.pth"
    )
    project.run("--failaware-update-baselines")
    stored = project.stored()
    reasons = {key: [change["reason"] for change in stored[key]["history"]] for key in stored}  # type: ignore[index]

    assert {"clean": ["first values", "smaller: model # 2"], "low_light": ["first values"]} == reasons
    project.run().stdout.fnmatch_lines(["2 checked: 2 unchanged"])


def test_a_reason_can_be_required(project: Project) -> None:
    """failaware_require_reason = true refuses updates without a reason."""
    project.ini("failaware_require_reason = true")
    refused = project.record()

    assert pytest.ExitCode.USAGE_ERROR == refused.ret
    refused.stderr.fnmatch_lines(["*failaware_require_reason*--failaware-reason=*"])
    assert not project.baseline.exists()
    project.record("--failaware-reason=first").assert_outcomes(passed=2)


def test_checks_need_no_write_access(project: Project) -> None:
    """A run without an update creates and changes no file except in pytest's cache."""
    project.record()
    before = sorted(
        (path, path.stat().st_mtime_ns) for path in project.path.rglob("*") if "__pycache__" not in str(path)
    )
    project.run("-p", "no:cacheprovider").assert_outcomes(passed=2)
    after = sorted(
        (path, path.stat().st_mtime_ns) for path in project.path.rglob("*") if "__pycache__" not in str(path)
    )

    assert before == after


def test_workers_that_load_one_model_are_told(project: Project) -> None:
    """The summary advises --dist loadfile if two workers loaded the same model, and not if it was used."""
    pytest.importorskip("xdist")
    project.record()
    told = project.run("-n", "2")
    told.stdout.fnmatch_lines(["2 workers loaded the same model; --dist loadfile*"])
    assert "loadfile keeps" not in project.run("-n", "2", "--dist", "loadfile").stdout.str()


# ---- python -m pytest_failaware ------------------------------------------------------------------------------------


def test_show(project: Project, command: Command) -> None:
    """`show` prints one row for each condition and the reasons of its history."""
    project.record("--failaware-reason=first values")
    code, text = command("show", "toy")

    lines = text.splitlines()
    assert (0, "toy: 300 images, 3 classes; preprocess none") == (code, lines[0])
    assert "rule: confidence < 0.6 or entropy > 1.0" == lines[1]
    assert ["clean", "60.00%", "66.67%", "20.00%", "40.00%", "40.00%", "50.00%"] == lines[3].split()[:7]
    assert lines[5].startswith("clean: first values (model ")
    assert (0, text) == command("show", "baselines/toy.yaml")
    assert (0, text) == command("show", "toy", "--metrics", "accuracy,", "failure_rate")
    assert "error: --metrics: unknown metric 'agrc'" == command("show", "toy", "--metrics", "agrc")[1][:39]
    code, text = command("show", "toi")
    assert 4 == code
    assert "toi.yaml: no such baseline; did you mean 'toy'" in text


def test_version(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the name and the version of the package."""
    with pytest.raises(SystemExit, match="0"):
        command("--version")
    assert f"pytest-failaware {version('pytest-failaware')}\n" == capsys.readouterr().out


def test_diff(project: Project, command: Command) -> None:
    """`diff` prints the rows that differ with exit code 1, or `no difference` with exit code 0."""
    project.record()
    shutil.copytree(project.path / "baselines", project.path / "old")
    project.test(CLEAN)
    project.record(model="worse.pth")
    code, text = command("diff", "old/toy.yaml", "toy")

    assert 1 == code
    assert "clean      accuracy" in text
    assert "-20.00 pt" in text
    assert "low_light" not in text
    assert (0, "no difference\n") == command("diff", "toy", "toy")


def test_accept(project: Project, command: Command) -> None:
    """`accept` writes from a report the same baselines that an update in that run would have written."""
    project.record()
    assert pytest.ExitCode.TESTS_FAILED == project.run("--failaware-report=r.json", model="worse.pth").ret
    before = project.files()
    code, text = command("accept", "r.json", "--dry-run", "--reason", "smaller model")
    assert (0, before) == (code, project.files())
    assert "+      trusted_right: 80" in text

    code, text = command("accept", "r.json", "--reason", "smaller model")
    written = (
        "baselines/toy.yaml: updated clean, low_light; review and commit it: git add baselines/toy.yaml baselines/toy"
    )
    assert (0, f"{written}\n") == (code, text)
    accepted = {name: content for name, (content, _) in project.files().items()}
    shutil.rmtree(project.path / "baselines")
    project.record()
    project.run("--failaware-update-baselines", "--failaware-reason=smaller model", model="worse.pth")
    assert accepted == {name: content for name, (content, _) in project.files().items()}


def test_accept_of_a_report_that_was_judged_against_other_values(project: Project, command: Command) -> None:
    """`accept` refuses a report if the baseline has changed since its run."""
    project.record(model="worse.pth")
    project.run("--failaware-report=r.json", model="worse.pth")
    project.record("--failaware-reset-golden", "--failaware-reason=better")
    before = project.files()
    code, text = command("accept", "r.json", "--reason", "why")

    assert (4, before) == (code, project.files())
    assert "toy.yaml: conditions.clean has changed since the run of this report; run the gate again" in text


def test_accept_twice(project: Project, command: Command) -> None:
    """A second `accept` of the same report finds the values unchanged and writes nothing."""
    project.record()
    project.run("--failaware-report=r.json", model="worse.pth")
    words = ("accept", "r.json", "--reason", "smaller model")
    command(*words)

    assert (0, "baselines/toy.yaml: unchanged clean, low_light; nothing written\n") == command(*words)


def test_accept_where_the_baseline_is_not(project: Project, command: Command) -> None:
    """`accept` refuses a folder that does not have the baseline with which the run compared."""
    project.record()
    project.run("--failaware-report=r.json", model="worse.pth")
    code, text = command("accept", "r.json", "--reason=why", "--baseline-dir", "elsewhere")

    assert 4 == code
    assert "elsewhere/toy.yaml: there is no such baseline, but the run compared with it; give its folder" in text
    assert not (project.path / "elsewhere").exists()


def test_accept_leaves_out_what_must_not_be_stored(project: Project, command: Command) -> None:
    """`accept` leaves out a value outside its minimum and an item whose teardown failed."""
    project.test(
        """
import pytest

@pytest.fixture
def broken():
    yield
    raise ValueError("late")

@pytest.mark.reliability(conditions=["clean"], minimum={"accuracy": 0.9})
def test_bound(): pass

@pytest.mark.reliability(conditions=["low_light"])
def test_teardown(broken): pass

@pytest.mark.reliability(conditions=["blur"])
def test_fine(): pass
"""
    )
    project.run("--failaware-report=r.json")
    code, text = command("accept", "r.json")

    assert (0, {"blur"}) == (code, set(project.stored()))
    assert "left out: test_toy.py::test_bound[clean]: outside a minimum or maximum" in text
    assert "left out: test_toy.py::test_teardown[low_light]: its body or teardown failed" in text


def test_accept_lets_no_drift_pass(project: Project, command: Command) -> None:
    """`accept` refuses values that drifted from the golden reference until golden is reset with a reason."""
    project.test(CLEAN)
    project.record()
    budget = ("-o", "failaware_drift_budget=0.1", "--failaware-report=r.json")
    for baseline in ("golden itself", "a step away from it"):
        before = project.files()
        project.run(*budget, model="worse.pth")
        code, text = command("accept", "r.json")
        assert (4, before) == (code, project.files()), baseline
        assert "drifted from the golden reference; if that is meant, add --reset-golden" in text
        project.record(model="worse.pth")
        assert "golden" in project.baseline.read_text()
    code, text = command("accept", "r.json", "--reset-golden")
    assert (4, True) == (code, "--reset-golden: forgets what drift was measured against; add --reason" in text)

    code, text = command("accept", "r.json", "--reset-golden", "--reason=new product")
    assert code == 0
    assert text.startswith(
        "baselines/toy.yaml: updated clean; drift starts from the new values for clean; review and commit it: "
    )
    assert "golden:" not in project.baseline.read_text()
    assert [True] == [change["golden_reset"] for change in project.stored()["clean"]["history"][-1:]]  # type: ignore[index]
    assert "clean: new product (model " in command("show", "toy")[1]
    assert ", golden reset)" in command("show", "toy")[1]


def cut_short(path: Path) -> None:
    text = json.loads((path / "r.json").read_text())
    (path / "r.json").write_text(json.dumps(text | {"incomplete": "an xdist worker was lost"}))


def without_records(path: Path) -> None:
    (path / "r.records.zip").unlink()


def other_records(path: Path) -> None:
    with zipfile.ZipFile(path / "r.records.zip", "w") as archive:
        archive.writestr("0.npz", b"other")


def no_json(path: Path) -> None:
    (path / "r.json").write_text("{")


def other_schema(path: Path) -> None:
    (path / "r.json").write_text('{"schema": 99}')


def no_fields(path: Path) -> None:
    (path / "r.json").write_text('{"schema": 3, "incomplete": "", "results": [{"measurement": {"acceptable": true}}]}')


def absent(path: Path) -> None:
    (path / "r.json").unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_short, "an xdist worker was lost, so its results are not accepted"),
        (without_records, "r.records.zip: is not beside the report"),
        (other_records, "r.records.zip: 0.npz is not what r.json names (sha256 differs)"),
        (no_json, "r.json: is no JSON"),
        (other_schema, "r.json: schema is 99, this version reads 3"),
        (no_fields, "r.json: is damaged (KeyError"),
        (absent, "No such file or directory"),
    ],
)
def test_accept_refuses_what_it_cannot_trust(
    project: Project, command: Command, damage: Callable[[Path], None], words: str
) -> None:
    """`accept` refuses a report that it cannot trust in one line with exit code 4, and writes nothing."""
    project.run("--failaware-report=r.json")
    damage(project.path)
    code, text = command("accept", "r.json")

    assert 4 == code
    assert words in text
    assert 1 == len(text.splitlines())
    assert not project.baseline.exists()


def test_prune(project: Project, command: Command) -> None:
    """`prune` deletes the named entries and their files, and nothing if a name is wrong."""
    project.record()
    code, text = command("prune", "toy", "low_light", "clear")
    assert 4 == code
    assert "has no entry 'clear'; did you mean 'clean'" in text
    assert {"clean", "low_light"} == set(project.stored())

    code, text = command("prune", "toy", "low_light")
    assert (0, True) == (code, text.startswith("baselines/toy.yaml: pruned low_light; review and commit it: git add "))
    named = [project.sample_file(key) for key in ("clean", "samples")]
    assert {"toy.yaml", *(f"toy/{path.name}" for path in named)} == set(project.files())
    project.test(CLEAN)
    project.run().stdout.fnmatch_lines(["1 checked: 1 unchanged"])

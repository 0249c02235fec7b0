"""First steps and first mistakes of a new user: the messages explain them, and the printed commands work."""

from __future__ import annotations

import shlex

import pytest
from project import MARKED, Project


def test_the_command_that_accepts_a_great_loss(project: Project) -> None:
    """The printed command for a drop beyond the drift budget resets golden and, if run, stores every condition."""
    tox = (project.path / "tox.ini").read_text(encoding="utf-8")
    (project.path / "tox.ini").write_text(tox.replace("drift_budget = 1", "drift_budget = 0.01"))
    project.record()
    failed = project.run(model="worse.pth")
    failed.assert_outcomes(failed=2)
    printed = project.line_with(failed, "  pytest", "--failaware-update-baselines")

    assert printed.endswith(' --failaware-update-baselines --failaware-reset-golden --failaware-reason="…"')
    words = shlex.split(printed.replace("…", "a smaller network"))[1:]
    accepted = project.run(*words, model=None)
    accepted.assert_outcomes(passed=2)
    accepted.stdout.fnmatch_lines(["2 checked: 2 updated"])
    assert pytest.ExitCode.OK == project.run(model="worse.pth").ret


def test_the_command_that_accepts_a_small_one(project: Project) -> None:
    """The printed command for a drop within the drift budget needs a reason and no reset."""
    project.record()
    printed = project.line_with(project.run(model="worse.pth"), "  pytest", "--failaware-update-baselines")

    assert printed.endswith(' --failaware-update-baselines --failaware-reason="…"')


def test_a_tolerance_in_points(project: Project) -> None:
    """A run notes that a tolerance of 0.5 is 50 points, and has no note on the default tolerance."""
    project.record()
    said = "note: a tolerance of 0.5 is 50 points; half a point is 0.005"
    assert not project.line_with(project.run(), "note: a tolerance")
    project.test(MARKED.replace("reliability", "reliability(tolerance=0.5)"))

    project.run(model="worse.pth").stdout.fnmatch_lines([said])


def test_no_model(project: Project) -> None:
    """A run without a model counts the skipped items in one line, and a strict run fails with that line."""
    give = "pass --failaware-model=FILE or override the fixture failaware_model"
    skipped = project.run(model=None)
    skipped.assert_outcomes(skipped=2)
    skipped.stdout.fnmatch_lines([f"no model given, so 2 items skipped; {give}"])
    strict = project.run("--failaware-strict", model=None)

    assert pytest.ExitCode.TESTS_FAILED == strict.ret
    strict.stdout.fnmatch_lines(["strict: no reliability result at all, *", f"no model given, so 2 *; {give}"])


def test_no_marked_test(project: Project) -> None:
    """A run without a marked test has no line on a missing model."""
    project.test("def test_other(): pass")

    project.run(model=None).stdout.no_fnmatch_line("*no model given*")


def test_a_misspelt_key(project: Project) -> None:
    """A misspelt ini key is an error that suggests the right one, and a key that a conftest.py adds is accepted."""
    (project.path / "conftest.py").write_text('def pytest_addoption(parser): parser.addini("failaware_mine", "")\n')
    project.ini("failaware_mine = 1")
    project.run(model=None).assert_outcomes(skipped=2)
    project.ini("failaware_tolerence = 0.02")
    result = project.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        ["ERROR: tox.ini: unknown key 'failaware_tolerence'; did you mean 'failaware_tolerance'? choose from *"]
    )


def test_a_metric_that_was_chosen(project: Project) -> None:
    """A metric that the marker names has a row even if it passes, unless it has a column anyway."""
    project.record()
    project.test(MARKED.replace("reliability", "reliability(metrics=['accuracy', 'augrc'], maximum={'nll': 9})"))
    result = project.run()

    assert project.line_with(result, "test_toy[clean]", "augrc", "0.1800", "+0.0000", "passed")
    assert project.line_with(result, "test_toy[clean]", "nll", "<= 9", "passed")
    assert not project.line_with(result, "test_toy[clean]", "accuracy", "+0.00 pt")


def test_a_condition_of_predictions(project: Project) -> None:
    """The error on an unknown condition of a model test says that such a name needs predictions."""
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean', 'typos'])"))

    project.run().stdout.fnmatch_lines(["*unknown condition 'typos'; *; any other name needs --failaware-predictions*"])

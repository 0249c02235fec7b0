"""What a newcomer does first, and gets wrong: it is said, and the commands that are printed work."""

from __future__ import annotations

import shlex

import pytest
from project import MARKED, Project


def test_the_command_that_accepts_a_great_loss(project: Project) -> None:
    """A drop beyond the drift budget needs the flag that resets it: printed, copied, done for every condition."""
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
    """Within the budget nothing is reset, and a reason is needed alone."""
    project.record()
    printed = project.line_with(project.run(model="worse.pth"), "  pytest", "--failaware-update-baselines")

    assert printed.endswith(' --failaware-update-baselines --failaware-reason="…"')


def test_a_tolerance_in_points(project: Project) -> None:
    """0.5 is fifty points, not half a one: a note; none on the default."""
    project.record()
    said = "note: a tolerance of 0.5 is 50 points; half a point is 0.005"
    assert not project.line_with(project.run(), "note: a tolerance")
    project.test(MARKED.replace("reliability", "reliability(tolerance=0.5)"))

    project.run(model="worse.pth").stdout.fnmatch_lines([said])


def test_no_model(project: Project) -> None:
    """Skipped items are counted in a line, and a strict run says why there is no result."""
    give = "pass --failaware-model=FILE or override the fixture failaware_model"
    skipped = project.run(model=None)
    skipped.assert_outcomes(skipped=2)
    skipped.stdout.fnmatch_lines([f"no model given, so 2 items skipped; {give}"])
    strict = project.run("--failaware-strict", model=None)

    assert pytest.ExitCode.TESTS_FAILED == strict.ret
    strict.stdout.fnmatch_lines(["strict: no reliability result at all, *", f"no model given, so 2 *; {give}"])


def test_no_marked_test(project: Project) -> None:
    """Nothing is said where nothing is to be measured."""
    project.test("def test_other(): pass")

    project.run(model=None).stdout.no_fnmatch_line("*no model given*")


def test_a_misspelt_key(project: Project) -> None:
    """An error with the key that is meant; a key that a conftest.py adds is none."""
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
    """It has a row though it passes; what has a column or gates by default has none."""
    project.record()
    project.test(MARKED.replace("reliability", "reliability(metrics=['accuracy', 'augrc'], maximum={'nll': 9})"))
    result = project.run()

    assert project.line_with(result, "test_toy[clean]", "augrc", "0.1800", "+0.0000", "passed")
    assert project.line_with(result, "test_toy[clean]", "nll", "<= 9", "passed")
    assert not project.line_with(result, "test_toy[clean]", "accuracy", "+0.00 pt")


def test_a_condition_of_predictions(project: Project) -> None:
    """Beside a test of a model: the message says what such a name needs."""
    project.test(MARKED.replace("reliability", "reliability(conditions=['clean', 'typos'])"))

    project.run().stdout.fnmatch_lines(["*unknown condition 'typos'; *; any other name needs --failaware-predictions*"])

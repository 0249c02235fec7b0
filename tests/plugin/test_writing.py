"""When baselines are written, and above all when they are not."""

from __future__ import annotations

import pytest
import yaml
from project import MARKED, Project

BROKEN_TEARDOWN = """
import pytest

@pytest.fixture
def broken():
    yield
    raise ValueError("late")

@pytest.mark.reliability(conditions=["clean"])
def test_teardown(broken): pass

@pytest.mark.reliability(conditions=["low_light"])
def test_body():
    raise ValueError("in the body")

@pytest.mark.reliability(conditions=["blur"])
def test_fine(): pass
"""


def test_nothing_is_written_without_the_flag(project: Project) -> None:
    """Failing, passing and missing gates leave the folder as it is."""
    project.run()
    assert not (project.path / "baselines").exists()
    project.record()
    before = project.files()
    project.run(model="worse.pth")

    assert before == project.files()


def test_only_items_whose_three_phases_passed_are_written(project: Project) -> None:
    """A failure in the body or in the teardown keeps that entry out, and it is said."""
    project.test(BROKEN_TEARDOWN)
    result = project.record()

    result.assert_outcomes(passed=2, failed=1, errors=1)
    assert ["blur"] == list(yaml.safe_load(project.baseline.read_text())["conditions"])
    result.stdout.fnmatch_lines(["not written: test_toy.py::test_teardown[[]clean] failed in its teardown"])


def test_a_run_cut_short_writes_nothing(project: Project) -> None:
    """-x after a failure: what was ready is not written, and it is said."""
    project.test(MARKED + "\ndef test_then_fails(): raise ValueError\n\ndef test_never(): pass\n")
    result = project.record("-x")

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert not project.baseline.exists()
    result.stdout.fnmatch_lines(
        ["baselines NOT written: the run was cut short (stopping after 1 failures); 2 results*"]
    )


def test_an_interrupted_run_writes_nothing(project: Project) -> None:
    """Ctrl-C ends the run with exit code 2."""
    project.test(MARKED + "\ndef test_interrupt(): raise KeyboardInterrupt\n")
    result = project.record()

    assert pytest.ExitCode.INTERRUPTED == result.ret
    assert not project.baseline.exists()
    result.stdout.fnmatch_lines(["baselines NOT written: *2 results were ready"])


def test_other_data_is_refused_unless_every_entry_is_updated(project: Project) -> None:
    """A partial update to other data would leave a file that describes two data sets."""
    project.record()
    before = project.files()
    half = "def half(): return toy.Images(order=tuple(range(200)))"
    (project.path / "half.py").write_text(f"import toy\n{half}\n")
    partial = project.record("--failaware-dataset=half:half", "-k", "clean")
    assert pytest.ExitCode.USAGE_ERROR == partial.ret
    partial.stdout.fnmatch_lines(["baseline 'toy' NOT written: *"])
    assert before == project.files()

    whole = project.record("--failaware-dataset=half:half")
    whole.assert_outcomes(passed=2)
    assert pytest.ExitCode.OK == whole.ret
    assert 200 == yaml.safe_load(project.baseline.read_text())["data"]["samples"]
    project.run("--failaware-dataset=half:half").assert_outcomes(passed=2)


def test_a_folder_that_cannot_be_written(project: Project) -> None:
    """A file where the folder should be: one line, exit code 4, no traceback."""
    (project.path / "baselines").write_text("in the way")
    result = project.record()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert "in the way" == (project.path / "baselines").read_text()

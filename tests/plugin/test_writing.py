"""When baselines are written, in addition to the tests of the acceptance matrix."""

from __future__ import annotations

import pytest
import yaml
from project import Project


def test_nothing_is_written_without_the_flag(project: Project) -> None:
    """Without an update option, failing, passing and missing gates change no file."""
    project.run()
    assert not (project.path / "baselines").exists()
    project.record()
    before = project.files()
    project.run(model="worse.pth")

    assert before == project.files()


def test_other_data_is_refused_unless_every_entry_is_updated(project: Project) -> None:
    """An update to other data is refused unless it updates every entry, so a file describes one data set."""
    project.record()
    before = project.files()
    half = "def half(): return toy.Images(order=tuple(range(200)))"
    (project.path / "half.py").write_text(f"import toy\n{half}\n")
    partial = project.record("--failaware-dataset=half:half", "-k", "clean")
    assert pytest.ExitCode.USAGE_ERROR == partial.ret
    partial.stdout.fnmatch_lines(["baseline 'toy' NOT written: *"])
    assert before == project.files()

    whole = project.record(
        "--failaware-dataset=half:half", "--failaware-reset-golden", "--failaware-reason=fewer images"
    )
    whole.assert_outcomes(passed=2)
    assert pytest.ExitCode.OK == whole.ret
    assert 200 == yaml.safe_load(project.baseline.read_text())["data"]["samples"]
    project.run("--failaware-dataset=half:half").assert_outcomes(passed=2)


def test_a_folder_that_cannot_be_written(project: Project) -> None:
    """A baseline folder that cannot be written ends with exit code 4 and without a traceback."""
    (project.path / "baselines").write_text("in the way")
    result = project.record()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["2 checked: 2 not written*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert "in the way" == (project.path / "baselines").read_text()

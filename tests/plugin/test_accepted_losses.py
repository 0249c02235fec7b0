"""Losses that are accepted with a reason, and places where no baseline may be written."""

from __future__ import annotations

import pytest
from project import MARKED, Command, Project

CLEAN = MARKED.replace("reliability", "reliability(conditions=['clean'])")
ALL = "--failaware-update-baselines"
FALLEN = """
import pytest

@pytest.mark.reliability
def test_toy(reliability):
    assert reliability.stats.cells.right > 290
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """The project with a baseline of one condition."""
    project.test(CLEAN)
    project.record()
    return project


def test_a_worse_model_is_stored_only_with_a_reason(recorded: Project, command: Command) -> None:
    """An update and `accept` refuse worse values without a reason and change no file."""
    before = recorded.files()
    update = recorded.run(ALL, model="worse.pth")
    assert (pytest.ExitCode.USAGE_ERROR, before) == (update.ret, recorded.files())
    sentence = (
        "baseline 'toy' NOT written: the new values of clean are worse than the stored ones; if that is meant, add"
    )
    assert f'{sentence} --failaware-reason="why"' in update.stdout.str()

    recorded.run("--failaware-report=r.json", model="worse.pth")
    code, text = command("accept", "r.json")
    assert (4, before) == (code, recorded.files())
    assert 'test_toy[clean]: is worse than what was stored; if that is meant, add --reason="why"' in text
    assert 0 == command("accept", "r.json", "--reason=smaller")[0]


def test_a_better_model_needs_no_reason(project: Project) -> None:
    """An update to a better model and an update to an equal model need no reason."""
    project.test(CLEAN)
    project.record(model="worse.pth")

    assert [0, 0] == [project.run(ALL, model="good.pth").ret for _ in range(2)]


def test_an_accepted_loss_stays_in_sight(recorded: Project) -> None:
    """The row of an accepted loss shows the old number, the new number and `updated (was regressed)`."""
    result = recorded.run(ALL, "--failaware-reason=smaller", model="worse.pth")

    assert pytest.ExitCode.OK == result.ret
    assert recorded.line_with(result, "test_toy[clean]", "accuracy", "60.00%", "40.00%", "updated (was regressed)")


@pytest.mark.parametrize("words", [("accept", "r.json", "--reason=meant"), ("prune", "toy", "clean")])
def test_commands_write_no_baseline_on_a_ci_server(
    recorded: Project, command: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """The commands `accept` and `prune` write nothing on a CI server, except if the ini file allows it."""
    recorded.run("--failaware-report=r.json", model="worse.pth")
    before = recorded.files()
    monkeypatch.setenv("CI", "true")
    code, text = command(*words)

    assert (4, before) == (code, recorded.files())
    assert "this is a CI server (CI is set), where baselines are not written: " in text
    assert (0, before) == (command(*words, "--dry-run")[0], recorded.files())
    recorded.ini("failaware_update_in_ci = true")
    assert 0 == command(*words)[0]
    assert before != recorded.files()


def test_a_body_that_fails_keeps_its_row(project: Project) -> None:
    """A test whose body fails still has its measured row in the summary, and nothing of it is stored."""
    project.record()
    before = project.files()
    project.test(FALLEN)
    for args in ((), (ALL,), ("-n", "2")):
        result = project.run(*args)

        result.assert_outcomes(failed=2)
        assert before == project.files()
        assert project.line_with(result, "test_toy[clean]", "60.00%", "unchanged")
        assert project.line_with(result, "note: the body of the test failed, so nothing of it is stored")
        assert "assert 180 > 290" in result.stdout.str()

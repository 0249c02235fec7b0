"""If one condition drifted, an update writes nothing, so a baseline never has the values of two models."""

from __future__ import annotations

import pytest
from project import Command, Project

ALL, REASON = "--failaware-update-baselines", "--failaware-reason=smaller"
BUDGET = ("-o", "failaware_drift_budget=0.1")
TWO = """
import pytest

@pytest.mark.reliability(conditions=["clean"])
def test_clean(): pass

@pytest.mark.reliability(conditions=["low_light"], metrics=["accuracy"], tolerance=0.9, class_guard="off")
def test_low_light(): pass
"""
"""With a worse model clean drifts, and low_light passes because its tolerance is large."""
DRIFTED = "baseline 'toy' NOT written: the new values of clean drifted from the golden reference; if that is meant, add"


@pytest.fixture
def recorded(project: Project) -> Project:
    """Return the project with a baseline of both conditions."""
    project.test(TWO)
    project.record()
    return project


@pytest.mark.parametrize(
    ("given", "lacking"),
    [((), '--failaware-reset-golden --failaware-reason="why"'), ((REASON,), "--failaware-reset-golden")],
)
def test_an_update_with_a_drifted_condition_writes_nothing(
    recorded: Project, given: tuple[str, ...], lacking: str
) -> None:
    """An update with a drifted condition writes nothing and names the missing options and the other conditions."""
    before = recorded.files()
    result = recorded.run(ALL, *BUDGET, *given, model="worse.pth")
    text = result.stdout.str()

    assert (pytest.ExitCode.USAGE_ERROR, before) == (result.ret, recorded.files())
    assert f"{DRIFTED} {lacking}; not written either: low_light" in text
    assert "2 checked: 1 drifted, 1 not written" in text
    assert "" == recorded.line_with(result, "updated")
    assert recorded.line_with(result, "test_low_light[low_light]", "40.00%", "not written")
    assert "review and commit" not in text
    assert recorded.line_with(result, "  pytest ", ALL, "--failaware-reset-golden", "--failaware-reason=")


def test_one_command_stores_all_of_it(recorded: Project) -> None:
    """An update with the options that the refusal names stores all conditions."""
    result = recorded.run(ALL, *BUDGET, REASON, "--failaware-reset-golden", model="worse.pth")

    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["2 checked: 2 updated"])


def test_accept_of_a_drifted_condition_writes_nothing(recorded: Project, command: Command) -> None:
    """`accept` of a report with a drifted condition writes nothing and ends with exit code 4."""
    recorded.run("--failaware-report=r.json", *BUDGET, model="worse.pth")
    before = recorded.files()
    for reason in ((), ("--reason=smaller",)):
        code, text = command("accept", "r.json", *reason)
        lacking = "--reset-golden" if reason else '--reset-golden --reason="why"'

        assert (4, before) == (code, recorded.files())
        assert f"{DRIFTED} {lacking}; not written either: low_light" in text
    assert 0 == command("accept", "r.json", "--reset-golden", "--reason=smaller")[0]


def test_what_is_not_used_is_counted_among_what_is_stored_now(project: Project) -> None:
    """A run counts unused entries among all that are stored now, and a run with -k counts none."""
    project.record()
    result = project.run("--failaware-update-new", "--failaware-baseline=other")
    result.stdout.fnmatch_lines(["used by no test of this run: 2 of 4 stored entries"])
    assert "used by no test of this run" not in project.run("-k", "clean").stdout.str()

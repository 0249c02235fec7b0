"""What to do about a marked test, as one block."""

from __future__ import annotations

import dataclasses

from judged import result

from pytest_failaware.core.remedy import Act, Advice, Remedy, RemedyKind
from pytest_failaware.core.result import Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.report.advice import task_lines, tasks

REGRESSED = result("clean", Verdict.REGRESSED)
MOVED = result("low_light", Verdict.OPERATING_POINT_MOVED)
SHARPER = Remedy(
    kind=RemedyKind.TEMPERATURE,
    rule=FailureRule.parse("confidence < 0.6 at temperature 1.52"),
    is_proven=True,
    z=2.5,
    price={"clean": -1.24, "low_light": 0.31},
    images=5000,
    images_needed=3010,
)


def block(*advice: Advice) -> list[str]:
    """Return the lines for a test of which low light is moved."""
    return [line for task in tasks([MOVED], advice) for line in task_lines(task)]


def test_what_to_do_is_said_once_for_each_test() -> None:
    """If one condition is regressed, the act is to retrain for all conditions of its test, but not for other tests."""
    other = dataclasses.replace(MOVED, test=("tests/t.py::test_y[", "]"))

    assert [
        "test_x: retrain, or accept with a reason (regressed: clean; operating point moved: low_light)",
        "test_y: choose another rule (operating point moved: low_light)",
    ] == [task.act for task in tasks([REGRESSED, MOVED, other, result("blur", Verdict.PASSED)], ())]


def test_a_rule_has_a_line_of_its_own() -> None:
    """The rules follow the act, each ready to paste, with its proof and its price below; then come the notes."""
    unproven = dataclasses.replace(SHARPER, rule=FailureRule.parse("confidence < 0.7"), is_proven=False)
    advice = Advice(test=MOVED.test, act=Act.RULE, remedies=(SHARPER, unproven), sentences=("from 1 of 2 conditions",))

    assert [
        "test_x: choose another rule (operating point moved: low_light)",
        "  in the ini, or as the rule of the marker:",
        "  failaware_rule = confidence < 0.6 at temperature 1.52",
        "    enough, proven on held-out halves; trusted and right: clean -1.2, low_light +0.3 points",
        "  failaware_rule = confidence < 0.7",
        "    green on these images, not proven with 5,000; about 3,100 would do; "
        "trusted and right: clean -1.2, low_light +0.3 points",
        "  from 1 of 2 conditions",
    ] == block(advice)


def test_if_no_rule_is_enough_the_act_says_so() -> None:
    """A moved operating point that no rule mends asks for a new model, and names no rule."""
    (act,) = block(Advice(test=MOVED.test, act=Act.NO_RULE))

    assert act.startswith("test_x: no single rule or temperature does: retrain, or accept with a reason (operating po")

"""Each changed rule of a run is said once, with the tests that it concerns."""

from __future__ import annotations

import dataclasses

from judged import result

from pytest_failaware.core.result import ItemResult, Verdict
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.rule_changes import rule_changes

OLD, NEW = FailureRule(), FailureRule(confidence=0.3, entropy=None)
CHANGE = f"rule changed: {OLD} -> {NEW}"


def item(test: str, condition: str, *, is_changed: bool = True) -> ItemResult:
    return dataclasses.replace(
        result(condition, Verdict.PASSED),
        nodeid=f"t.py::{test}[{condition}]",
        test=(f"t.py::{test}[", "]"),
        rule=NEW if is_changed else OLD,
        stored_rule=OLD,
    )


def test_one_change_of_all_conditions_is_said_once() -> None:
    """Nothing is said of equal rules, nor where nothing is stored."""
    missing = dataclasses.replace(item("test_a", "clean"), stored_rule=None)

    assert [CHANGE] == list(rule_changes([item("test_a", "clean"), item("test_a", "blur")]))
    assert [] == list(rule_changes([missing, item("test_a", "blur", is_changed=False)]))


def test_the_tests_of_a_change_are_named_unless_it_is_of_all() -> None:
    """A test is named as a whole, or with those of its conditions that are stored under another rule."""
    other = item("test_b", "clean", is_changed=False)
    whole = [item("test_a", "clean"), item("test_a", "blur"), other]
    part = [item("test_a", "clean"), item("test_a", "blur", is_changed=False), other]

    assert [f"{CHANGE} (t.py::test_a)"] == list(rule_changes(whole))
    assert [f"{CHANGE} (t.py::test_a[clean])"] == list(rule_changes(part))

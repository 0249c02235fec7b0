"""What an item gates: the condition, and the marked test that it belongs to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.plugin.gated_items import FIXTURE, marked_test


@pytest.mark.parametrize(
    ("name", "condition", "names", "parts"),
    [
        ("test_x[fog:1]", "fog:1", [FIXTURE], ("t.py::test_x[", "]")),
        ("test_fog[fog:1-small]", "fog:1", [FIXTURE, "size"], ("t.py::test_fog[", "-small]")),
        ("test_clean[small-clean]", "clean", ["size", FIXTURE], ("t.py::test_clean[small-", "]")),
        ("test_clean[clean-clean]", "clean", [FIXTURE, "size"], ("t.py::test_clean[", "-clean]")),
    ],
)
def test_the_marked_test_is_the_id_around_the_condition(
    name: str, condition: str, names: list[str], parts: tuple[str, str]
) -> None:
    """All conditions of a marked test share the parts of the id before and after the condition."""
    callspec = SimpleNamespace(id=name.partition("[")[2].removesuffix("]"), params=dict.fromkeys(names))
    item = cast(Any, SimpleNamespace(nodeid=f"t.py::{name}", callspec=callspec))

    assert parts == marked_test(item, parse_condition(condition, "here"))

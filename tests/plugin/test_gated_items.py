"""What an item gates: the condition, and the marked test that it belongs to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.plugin.gated_items import marked_test


@pytest.mark.parametrize(
    ("name", "condition", "parts"),
    [
        ("test_x[fog:1]", "fog:1", ("t.py::test_x[", "]")),
        ("test_fog[fog:1-small]", "fog:1", ("t.py::test_fog[", "-small]")),
        ("test_clean[small-clean]", "clean", ("t.py::test_clean[small-", "]")),
    ],
)
def test_the_marked_test_is_the_id_around_the_condition(name: str, condition: str, parts: tuple[str, str]) -> None:
    """All conditions of a marked test share the parts of the id before and after the condition."""
    item = cast(Any, SimpleNamespace(nodeid=f"t.py::{name}"))

    assert parts == marked_test(item, parse_condition(condition, "here"))

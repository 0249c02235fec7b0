"""Find the items that gate a condition, and refuse those that cannot be measured."""

from __future__ import annotations

from typing import Any, Final

import pytest

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import UpdateMode
from pytest_failaware.measure.requirements import check_requirements, torn_entries
from pytest_failaware.plugin.session import FROM_FIXTURES, GatedCondition, Session

FIXTURE: Final = "reliability"
GIVE_ONE: Final = "pass --failaware-model=FILE or override the fixture failaware_model"
_PLUGIN: Final = "pytest_failaware.plugin.fixtures"


def is_marked(item: pytest.Item) -> bool:
    """Return whether the marker is on an item, on its class or on its module."""
    return item.get_closest_marker("reliability") is not None


def takes_gates(item: pytest.Item) -> bool:
    """Return whether an item is a plain test function or method; pytest_generate_tests is not called for others."""
    import unittest

    return isinstance(item, pytest.Function) and not (item.cls and issubclass(item.cls, unittest.TestCase))


def gated_of(item: pytest.Item) -> GatedCondition | None:
    """Return what an item gates, or None if it gates nothing.

    The user may parametrize with the name of our fixture, so the type of the value decides.
    """
    callspec = getattr(item, "callspec", None)
    value = None if callspec is None else callspec.params.get(FIXTURE)
    return value if isinstance(value, GatedCondition) else None


def marked_test(item: pytest.Item, condition: Condition) -> tuple[str, str]:
    """Return the id of the marked test of an item: what pytest puts before and after the condition.

    Pytest joins the ids of all parameters, and `parametrise` makes the key of the condition one of them. Usually it is
    the first one; another parameter can have the same id.
    """
    callspec: Any = getattr(item, "callspec", None)  # Any: pytest's, which is private
    before = item.nodeid.removesuffix(f"{callspec.id}]")
    if next(iter(callspec.params)) == FIXTURE and callspec.id.startswith(condition.key):
        return before, f"{callspec.id.removeprefix(condition.key)}]"
    before, _, after = item.nodeid.rpartition(condition.key)
    return before, after


def refuse_unready(item: pytest.Item, gated: GatedCondition, session: Session) -> None:
    """Refuse an item that cannot be measured or stored, before anything is opened for it.

    Raises:
        ConfigError: an option is absent, or another test updates the same entry in another way.
    """
    check_requirements(session.config, gated.gate, gated.condition, overridden=overridden(item))
    if item.nodeid in session.torn:
        raise ConfigError(session.torn[item.nodeid])


def find_torn(items: list[pytest.Item], session: Session) -> None:
    """Store in the session which selected items would update the same entry in different ways."""
    if session.config.writing.update is UpdateMode.NOTHING:
        return
    pairs = ((item, gated_of(item)) for item in items)
    gates = [
        (item.nodeid, gated.gate, gated.condition)
        for item, gated in pairs
        if gated is not None and (gated.gate.baseline or "model" not in overridden(item))
    ]
    session.torn = torn_entries(gates)


def brings_model(definition: pytest.Item) -> bool:
    """Return whether a fixture or a parameter of a test that is not yet parametrised gives its model."""
    names = (marker.args[0] for marker in definition.iter_markers("parametrize") if marker.args)
    return any("failaware_model" in name for name in names) or "model" in overridden(definition)


def overridden(item: pytest.Item) -> list[str]:
    """Return which of model and data set a fixture or a parameter of the tests gives to an item."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return [name for name in FROM_FIXTURES if f"failaware_{name}" in parameters or not _is_ours(item, name)]


def _is_ours(item: pytest.Item, name: str) -> bool:
    """Return whether an item takes the model or the data set from the fixture of this plugin."""
    fixture = f"failaware_{name}"
    place: Any = item if pytest.version_tuple >= (8, 1) else item.nodeid  # Any: pytest 8.0 takes the id
    of_item = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})  # pytest looks here first
    fixtures = of_item.get(fixture) or item.session._fixturemanager.getfixturedefs(fixture, place)
    return not fixtures or getattr(fixtures[-1].func, "__globals__", {}).get("__name__") == _PLUGIN

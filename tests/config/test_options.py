"""The rows of the options: each has a reader and a place in the request, and a default stands once."""

from __future__ import annotations

from dataclasses import fields

from pytest_failaware.config.options import BY_NAME, OPTIONS
from pytest_failaware.config.readers import READERS
from pytest_failaware.core.request import DRIFT_BUDGET, Loading, Outputs, RunConfig, Writing

DECIDES = {"update-baselines", "update-new", "require-reason", "update-in-ci"}
"""The options that only decide what a run may write."""

GATE = {"baseline"}
"""The option whose value is an argument of the gate."""


def test_every_option_has_a_field() -> None:
    """A new option is one row, and one field of the request."""
    names = {field.name for part in (RunConfig, Loading, Outputs, Writing) for field in fields(part)}

    assert DECIDES | GATE == {option.name for option in OPTIONS if (option.field or option.key) not in names}


def test_every_option_has_a_reader() -> None:
    """No reader is there for nothing."""
    assert set(READERS) == {"switch" if option.flag else option.read for option in OPTIONS}


def test_no_two_options_share_a_name_or_a_field() -> None:
    """One value cannot stand in the place of another."""
    assert len(OPTIONS) == len(BY_NAME) == len({option.field or option.key for option in OPTIONS})


def test_the_default_of_the_drift_budget() -> None:
    """The judge has the same one, for callers that have no options."""
    assert str(DRIFT_BUDGET) == BY_NAME["drift-budget"].default


def test_the_help_ends_in_the_default() -> None:
    """The text of an option does not repeat it."""
    assert "where torchvision data sets lie. Default: data" == BY_NAME["data-root"].help
    assert [] == [option.name for option in OPTIONS if option.default and "Default" in option.says]

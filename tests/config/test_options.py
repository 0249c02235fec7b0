"""The table of options: each has a reader and a field of the request, and each default is written once."""

from __future__ import annotations

from dataclasses import fields

from pytest_failaware.config.options import BY_NAME, OPTIONS
from pytest_failaware.config.readers import READERS
from pytest_failaware.core.request import DRIFT_BUDGET, Loading, Outputs, RunConfig, Writing

DECIDING = {"update-baselines", "update-new", "add-seed", "require-reason", "update-in-ci"}
"""The options that only decide what a run may write."""

GATING = {"baseline"}
"""The options whose values are arguments of the gate."""


def test_every_option_has_a_field() -> None:
    """Every option has a field of the request, except those that decide about writing or belong to the gate."""
    names = {field.name for part in (RunConfig, Loading, Outputs, Writing) for field in fields(part)}

    assert DECIDING | GATING == {option.name for option in OPTIONS if (option.field or option.key) not in names}


def test_every_option_has_a_reader() -> None:
    """Every option has a reader, and every reader has an option."""
    assert set(READERS) == {"switch" if option.flag else option.read for option in OPTIONS}


def test_no_two_options_share_a_name_or_a_field() -> None:
    """Two options never share a name or a field, so a value cannot replace another value."""
    assert len(OPTIONS) == len(BY_NAME) == len({option.field or option.key for option in OPTIONS})


def test_the_default_of_the_drift_budget() -> None:
    """The default of the option is the default of the judge, which callers without options use."""
    assert str(DRIFT_BUDGET) == BY_NAME["drift-budget"].default


def test_the_help_ends_in_the_default() -> None:
    """The help of an option ends in its default, and its text does not repeat the default."""
    assert "where torchvision data sets lie. Default: data" == BY_NAME["data-root"].help
    assert [] == [option.name for option in OPTIONS if option.default and "Default" in option.says]

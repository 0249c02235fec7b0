"""What the command line says of a gate that no reviewed file says; PYTEST_ADDOPTS is a part of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pytest_failaware.marker import INI_KEYS
from pytest_failaware.options import OPTIONS

if TYPE_CHECKING:
    import pytest

PREFIX: Final = "failaware_"
DEFINING: Final = frozenset(
    {*(f"{PREFIX}{key}" for key in INI_KEYS), *(option.ini for option in OPTIONS if option.defines)}
)
"""The ini keys that define a gate; all others of ours only say how it is executed."""

_TYPED: Final = tuple(option.typed for option in OPTIONS if option.defines and option.typed)


def ini_overrides(config: pytest.Config) -> tuple[str, ...]:
    """The texts KEY=VALUE of every -o."""
    return tuple(config.getoption("override_ini", None) or ())


def defines_gate(override: str) -> bool:
    """Whether the text of an -o sets a key that defines a gate."""
    return override.partition("=")[0].strip() in DEFINING


def bends_of(config: pytest.Config, overrides: Mapping[str, str]) -> tuple[str, ...]:
    """What the command line says of the gates, and which files it names instead of those that pytest would find."""
    found = [f"-o {text}" for text in ini_overrides(config) if defines_gate(text)]
    found += [f"{name}={value}" for name in _TYPED if (value := config.getoption(name, None))]
    found += [f"--failaware-override {key}={value}" for key, value in overrides.items()]
    for option, spelled in (("inifilename", "-c "), ("rootdir", "--rootdir=")):
        if value := config.getoption(option, None):
            found.append(f"{spelled}{value}")
    return tuple(found)

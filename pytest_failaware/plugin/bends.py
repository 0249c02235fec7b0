"""Find the words of the command line that change a gate without a reviewed file.

PYTEST_ADDOPTS is a part of the command line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pytest_failaware.config.option_texts import TRUE
from pytest_failaware.config.options import INI_KEYS, OPTIONS, PREFIX
from pytest_failaware.core.request import PlaceKind
from pytest_failaware.plugin.ini_values import ini_overrides, ini_values, key_of

if TYPE_CHECKING:
    import pytest

    from pytest_failaware.core.request import RunConfig

DEFINING: Final = frozenset(
    {*(f"{PREFIX}{key}" for key in INI_KEYS), *(option.ini for option in OPTIONS if option.defines)}
)
"""The ini keys that define a gate. All our other keys only say how the gate is executed."""

STRICT: Final = next(option for option in OPTIONS if option.name == "strict")

_TYPED: Final = tuple(option.typed for option in OPTIONS if option.defines and option.typed)


def defines_gate(override: str) -> bool:
    """Return whether the text of an -o sets a key that defines a gate."""
    return key_of(override) in DEFINING


def bends_of(config: pytest.Config, run: RunConfig) -> tuple[str, ...]:
    """Return the words that change a gate, and those that name another ini file or root folder."""
    words = [f"-o {text}" for text in ini_overrides(config) if defines_gate(text)]
    words += [f"{name}={value}" for name in _TYPED if (value := config.getoption(name, None))]
    words += [f"--failaware-override {key}={value}" for key, value in run.overrides.items()]
    words += _not_strict(config, run)
    for option, spelled in (("inifilename", "-c "), ("rootdir", "--rootdir=")):
        if value := config.getoption(option, None):
            words.append(f"{spelled}{value}")
    return tuple(words)


def _not_strict(config: pytest.Config, run: RunConfig) -> Iterator[str]:
    """Yield what switches off a strict run that the ini asks for.

    An -o hides the value of the ini, so it is always named.
    """
    if run.strict:
        return
    yield from (f"-o {text}" for text in ini_overrides(config) if key_of(text) == STRICT.ini)
    is_strict = str(ini_values(config)[STRICT.key]).lower() in TRUE
    if is_strict and (text := os.environ.get(STRICT.environment)):
        yield f"{STRICT.environment}={text}"


def typed_text(config: pytest.Config, run: RunConfig, name: str) -> str:
    """Return how an option was typed, or "" if its value is in the ini or it has none."""
    origin = run.origins.get(name)
    if origin is None:
        return ""
    if origin.kind is PlaceKind.COMMAND_LINE:
        return f"--failaware-{name}={origin.text}"
    if origin.kind is PlaceKind.ENVIRONMENT:
        return f"{origin.place}={origin.text}"
    return next((f"-o {text}" for text in ini_overrides(config) if key_of(text) == f"{PREFIX}{name}"), "")

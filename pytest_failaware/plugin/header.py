"""Write the header of a run: what is under test, and with -v every value with the place it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from pytest_failaware.config.options import PREFIX
from pytest_failaware.core.text import printable, without_home
from pytest_failaware.plugin.bends import bends_of
from pytest_failaware.plugin.console import verbosity_of
from pytest_failaware.plugin.startup import session_of
from pytest_failaware.plugin.stash import IN_USE

if TYPE_CHECKING:
    from pytest_failaware.core.gate import Gate

_SHOWN: Final = {"model": "model", "predictions": "predictions", "data": "dataset", "preprocess": "preprocess"}
_IS_SHOWN: Final = pytest.StashKey[bool]()


def header_lines(config: pytest.Config) -> list[str]:
    """Return the header: the typed model and data, with -v every value with its origin, in colour what changes a gate.

    The controller of xdist collects nothing, so it opens the session here. A wrong value becomes an error only when
    a worker collects a marked test.
    """
    config.stash[_IS_SHOWN] = True
    try:
        run = session_of(config).config
    except pytest.UsageError:
        return []
    bends = bends_of(config, run) if config.stash[IN_USE] else ()
    bent = [printable(without_home(f"failaware: {bend}")) for bend in bends]
    lines = [config.get_terminal_writer().markup(line, yellow=True, bold=True) for line in bent]
    if not run.is_named:
        return lines
    typed = {name: option for name, option in _SHOWN.items() if option in (*run.subject.options, "preprocess")}
    known = [f"{name} {run.origins[option].text}" for name, option in typed.items() if option in run.origins]
    if run.against is not None:
        known.append(f"against {run.origins['against'].text}, both under the configured rule")
    origins = [f"  {name} = {origin.text} ({origin.place})" for name, origin in run.origins.items()]
    values = [*origins, *gate_lines(config, run.gate)] if verbosity_of(config) > 0 else []
    header = [f"failaware: {', '.join(known)}", *values]
    return [*(printable(without_home(line)) for line in header), *lines]


def late_header_lines(config: pytest.Config) -> list[str]:
    """Return the header lines if pytest shows a header and they were not in it."""
    is_hidden = verbosity_of(config) < 0 or config.getoption("no_header", False)
    return [] if is_hidden or _IS_SHOWN in config.stash else header_lines(config)


def gate_lines(config: pytest.Config, gate: Gate) -> Iterator[str]:
    """Yield a line for each value of the ini's gate with the place it comes from; a marker wins over each of them."""
    yield "  a marker without arguments means"
    ini = config.inipath.name if config.inipath else "ini"
    for key, text in _values(gate).items():
        if text:
            place = "default" if config.getini(f"{PREFIX}{key}") is None else ini
            yield f"    {key} = {text} ({place})"


def _values(gate: Gate) -> Mapping[str, str]:
    """Return the value of each argument of a marker if the marker does not give it, "" for no value."""
    alpha = gate.policy.alpha if gate.alpha is None else gate.alpha
    return {
        "conditions": " ".join(condition.key for condition in gate.conditions),
        "rule": str(gate.rule),
        "metrics": " ".join(gate.metrics),
        "tolerance": _bounds({name: gate.allowed(name) for name in gate.metrics}),
        "minimum": _bounds(gate.minimum),
        "maximum": _bounds(gate.maximum),
        "policy": gate.policy.value,
        "alpha": str(alpha),
        "class_guard": "off" if gate.class_guard is None else str(gate.class_guard),
        "seed": str(gate.seed),
    }


def _bounds(bounds: Mapping[str, Decimal]) -> str:
    return " ".join(f"{name}={bound}" for name, bound in bounds.items())

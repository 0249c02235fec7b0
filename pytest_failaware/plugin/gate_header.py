"""The gate that a marker without arguments means, as the header shows it at -v."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_failaware.config.options import PREFIX

if TYPE_CHECKING:
    import pytest

    from pytest_failaware.core.gate import Gate


def gate_lines(config: pytest.Config, gate: Gate) -> Iterator[str]:
    """Yield a line for each value of the ini's gate with the place it stands in; a marker wins over each of them."""
    yield "  a marker without arguments means"
    ini = config.inipath.name if config.inipath else "ini"
    for key, text in _values(gate).items():
        if text:
            place = "default" if config.getini(f"{PREFIX}{key}") is None else ini
            yield f"    {key} = {text} ({place})"


def _values(gate: Gate) -> Mapping[str, str]:
    """The arguments of a marker with what they are if it gives none, "" for none."""
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
        "seed": str(gate.seed),
    }


def _bounds(bounds: Mapping[str, Decimal]) -> str:
    return " ".join(f"{name}={bound}" for name, bound in bounds.items())

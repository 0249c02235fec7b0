"""Names, parameters and spellings of the degradations; imports no torch, so collecting tests stays cheap."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pytest_failaware.errors import ConfigError, choices
from pytest_failaware.schema import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a degradation: its founding value, its closed range and its unit."""

    name: str
    default: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a name means; `implementation` rises whenever the pixels it yields change."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    implementation: int = 1
    is_random: bool = False


class Degrade(Protocol):
    """Turns a batch of images into degraded ones: same shape, dtype and device, never in place."""

    def __call__(self, images: Any, strength: Mapping[str, float], random: Any, /) -> Any:
        """`images` is a uint8 tensor (N, C, H, W), `random` a SampleRandom. Any: torch stays out of here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """A degradation of the user's own, for the hook `pytest_failaware_conditions`.

    `parameters` gives each parameter its default. A function that draws from `random` needs `is_random=True`; raise
    `implementation` when its pixels change, so that old baselines become incomparable instead of wrong.
    """

    name: str
    function: Degrade
    parameters: Mapping[str, float] = field(default_factory=dict)
    implementation: int = 1
    is_random: bool = False

    @property
    def definition(self) -> Definition:
        """The entry of the table of conditions."""
        parameters = tuple(
            Parameter(name=name, default=float(value), low=-1e6, high=1e6, unit="")
            for name, value in self.parameters.items()
        )
        return Definition(
            name=self.name, parameters=parameters, implementation=self.implementation, is_random=self.is_random
        )


DEFINITIONS: Final[Mapping[str, Definition]] = {
    definition.name: definition
    for definition in (
        Definition(name="clean"),
        Definition(
            name="gaussian_noise",
            parameters=(Parameter(name="sigma", default=0.3, low=0.0, high=2.0, unit="of the range [0, 1]"),),
            is_random=True,
        ),
        Definition(
            name="blur",
            parameters=(Parameter(name="radius", default=2.0, low=0.0, high=64.0, unit="pixels"),),
        ),
        Definition(
            name="low_light",
            parameters=(Parameter(name="factor", default=0.4, low=0.0, high=1.0, unit="of the brightness"),),
        ),
    )
}

FOUNDING: Final = ("clean", "gaussian_noise", "blur", "low_light")
"""The conditions of a gate that names none."""

_SPELLING: Final = re.compile(r"(?P<name>\w+)(?::(?P<severity>\w*))?(?:\((?P<arguments>.*)\))?")


def parse_conditions(
    texts: Iterable[str], where: str, definitions: Mapping[str, Definition] = DEFINITIONS
) -> tuple[Condition, ...]:
    """Conditions in the order given; `where` names the marker or ini key in an error."""
    found = tuple(parse_condition(text, where, definitions) for text in texts)
    if not found:
        raise ConfigError(f"{where}: no condition given; choose from {', '.join(definitions)}")
    keys = [condition.key for condition in found]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"{where}: {key!r} is given twice; remove one")
    return found


def parse_condition(text: str, where: str, definitions: Mapping[str, Definition] = DEFINITIONS) -> Condition:
    """`clean`, `blur` or `gaussian_noise(sigma=0.1)` as a Condition with every parameter resolved."""
    match = _SPELLING.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"{where}: cannot read the condition {text!r}; write it as in 'gaussian_noise(sigma=0.1)'")
    if match["name"] not in definitions:
        raise ConfigError(f"{where}: unknown condition {match['name']!r}; {choices(match['name'], definitions)}")
    definition = definitions[match["name"]]
    if match["severity"] is not None:
        raise ConfigError(f"{where}: {definition.name} has no severities, got {text!r}; {_usage(definition)}")
    given = _arguments(match["arguments"] or "", definition, where)
    parameters = tuple((p.name, given.get(p.name, p.default)) for p in definition.parameters)
    return Condition(
        name=definition.name,
        parameters=parameters,
        key=_key(definition, parameters),
        implementation=definition.implementation,
        is_random=definition.is_random,
    )


def _arguments(text: str, definition: Definition, where: str) -> dict[str, float]:
    known = {parameter.name: parameter for parameter in definition.parameters}
    given: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in known or name in given:
            raise ConfigError(f"{where}: {definition.name} cannot take {part!r}; {_usage(definition)}")
        given[name] = _number(value, known[name], f"{where}: {definition.name}")
    return given


def _number(text: str, parameter: Parameter, where: str) -> float:
    try:
        value = float(text) + 0.0  # -0.0 is 0.0
    except ValueError:
        value = math.nan
    if not parameter.low <= value <= parameter.high:
        bounds = f"{parameter.low:g}..{parameter.high:g} {parameter.unit}".rstrip()
        raise ConfigError(f"{where}: {parameter.name} must be {bounds}, got {text!r}")
    return value


def _usage(definition: Definition) -> str:
    if not definition.parameters:
        return f"write {definition.name!r} alone"
    example = ", ".join(f"{p.name}={p.default:g}" for p in definition.parameters)
    return f"write it as '{definition.name}({example})'"


def _key(definition: Definition, parameters: tuple[tuple[str, float], ...]) -> str:
    """The shortest spelling: only parameters that differ from the founding values are written."""
    defaults = {parameter.name: parameter.default for parameter in definition.parameters}
    changed = [f"{name}={value:g}" if float(f"{value:g}") == value else f"{name}={value!r}"
               for name, value in parameters if value != defaults[name]]  # fmt: skip
    return f"{definition.name}({','.join(changed)})" if changed else definition.name

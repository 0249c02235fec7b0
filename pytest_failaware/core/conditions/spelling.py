"""Read conditions: `fog:3`, `fog:1..5`, `imagenet-c`, `gaussian_noise(sigma=0.1)`, `pkg.mod:function`."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pytest_failaware.core.condition import MEAN, Condition, ConditionKind
from pytest_failaware.core.conditions.catalogue import DEFINITIONS, Definition, Parameter, free_parameter
from pytest_failaware.core.conditions.published import (
    IMAGENET_C,
    IMAGENET_C_EXTRA,
    SEVERITIES,
    published_side,
    strength_of,
)
from pytest_failaware.core.errors import ConfigError, choices

SUITES: Final[Mapping[str, tuple[str, ...]]] = {"imagenet-c": IMAGENET_C, "imagenet-c-extra": IMAGENET_C_EXTRA}
"""Names for several corruptions, each at all five severities, or only at those written as in `imagenet-c:3`."""

PUBLISHED_FOR: Final = "published_for_px"
"""The parameter of a measured severity that says which published table its other parameters come from."""

NO_CONDITION: Final = f"{MEAN!r} is the name of the verdict over all conditions; give the condition another name"
PRECOMPUTED: Final = "precomputed/"
"""The prefix of a corruption whose images are in the folder of --failaware-precomputed."""

_STORED: Final = re.compile(r"(?P<name>precomputed/[A-Za-z0-9_]+):(?P<severity>.*)", re.ASCII)
_SPELLING: Final = re.compile(r"(?P<name>[\w-]+)(?::(?P<severity>[^(]*))?(?:\((?P<arguments>.*)\))?")
_RANGE: Final = re.compile(r"([1-5])(?:\.\.([1-5]))?")
_FUNCTION: Final = re.compile(r"(?P<name>[A-Za-z_][\w.]*:[A-Za-z_]\w*)(?:\((?P<arguments>.*)\))?", re.ASCII)


def parse_conditions(
    texts: Iterable[str], where: str, definitions: Mapping[str, Definition] = DEFINITIONS
) -> tuple[Condition, ...]:
    """Return all conditions in the order of the texts; ranges and suites become several conditions.

    Raises:
        ConfigError: a text cannot be read, there is no condition, or one is given twice. `where` names the marker or
            the ini key.
    """
    conditions = tuple(condition for text in texts for condition in _spread(text.strip(), where, definitions))
    if not conditions:
        raise ConfigError(f"{where}: no condition given; choose from {', '.join(definitions)}")
    keys = [condition.key for condition in conditions]
    if MEAN in keys:
        raise ConfigError(f"{where}: {NO_CONDITION}")
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"{where}: {key!r} is given twice; remove one")
    return conditions


def parse_condition(text: str, where: str, definitions: Mapping[str, Definition] = DEFINITIONS) -> Condition:
    """Return one condition, such as `clean`, `fog:3` or `gaussian_noise(sigma=0.1)`, with its known parameters.

    Raises:
        ConfigError: the text cannot be read, or means several conditions. The message names `where`, the text and what
            to write instead.
    """
    conditions = tuple(_spread(text.strip(), where, definitions))
    if len(conditions) != 1:
        raise ConfigError(f"{where}: {text!r} is {len(conditions)} conditions; give one, as in {conditions[0].key!r}")
    return conditions[0]


def at_size(condition: Condition, height: int, width: int) -> Condition:
    """Return the condition as measured and recorded: with the published parameters for images of this size."""
    if condition.severity is None or condition.is_precomputed:
        return condition
    side = published_side(height, width)
    names = [parameter.name for parameter in DEFINITIONS[condition.name].parameters]
    strength = strength_of(condition.name, condition.severity, side)
    parameters = ((PUBLISHED_FOR, float(side)), *zip(names, strength, strict=True))
    return dataclasses.replace(condition, parameters=parameters)


def published_for(condition: Condition) -> int | None:
    """Return the side in pixels that the parameters of a measured severity were published for, else None."""
    side = dict(condition.parameters).get(PUBLISHED_FOR)
    return None if side is None else int(side)


def kind_of_name(name: str) -> ConditionKind:
    """Return the kind of a name that is neither a function nor a precomputed corruption."""
    return ConditionKind.BUILT_IN if name in DEFINITIONS else ConditionKind.OTHER


def _spread(text: str, where: str, definitions: Mapping[str, Definition]) -> Iterator[Condition]:
    if text.startswith(PRECOMPUTED):
        yield from _stored(text, where)
        return
    match = _SPELLING.fullmatch(text)
    name = match["name"] if match else ""
    if name not in definitions and name not in SUITES and (function := _FUNCTION.fullmatch(text)):
        yield _user_function(function["name"], function["arguments"] or "", where)
        return
    if match is None:
        raise ConfigError(f"{where}: cannot read the condition {text!r}; write it as in 'fog:3' or 'blur(radius=1)'")
    if name not in definitions and name not in SUITES:
        raise ConfigError(
            f"{where}: unknown condition {name!r}; {choices(name, (*definitions, *SUITES))}; any other name needs "
            "--failaware-predictions"
        )
    members = SUITES.get(name, (name,))
    if match["severity"] is None and name in definitions:
        yield _with_arguments(definitions[name], match["arguments"] or "", where)
        return
    usage = _range_usage(name)
    if name in definitions and not definitions[name].has_severities:
        raise ConfigError(f"{where}: {name} has no severities, got {text!r}; {_usage(definitions[name])}")
    if match["arguments"] is not None:
        raise ConfigError(f"{where}: {text!r}: a severity and parameters exclude each other; {usage}")
    severity_text = match["severity"]
    severities = SEVERITIES if severity_text is None else _severities(severity_text, f"{where}: {text!r}: {usage}")
    yield from (_graded(definitions[member], severity) for member in members for severity in severities)


def _stored(text: str, where: str) -> Iterator[Condition]:
    """Return precomputed conditions; any name is accepted, since the folder is read only with the images."""
    match = _STORED.fullmatch(text)
    if match is None:
        raise ConfigError(f"{where}: cannot read {text!r}; write it as in '{PRECOMPUTED}fog:3'")
    name = match["name"]
    for severity in _severities(match["severity"], f"{where}: {text!r}: {_range_usage(name)}"):
        yield Condition(name=name, kind=ConditionKind.PRECOMPUTED, key=f"{name}:{severity}", severity=severity)


def _range_usage(name: str) -> str:
    return f"write 1 to 5, as in {name + ':3'!r}, or a range as in {name + ':1..5'!r}"


def _severities(text: str, complaint: str) -> range:
    match = _RANGE.fullmatch(text.strip())
    if match is None or (last := int(match[2] or match[1])) < int(match[1]):
        raise ConfigError(complaint)
    return range(int(match[1]), last + 1)


def _graded(definition: Definition, severity: int) -> Condition:
    return Condition(
        name=definition.name,
        kind=kind_of_name(definition.name),
        key=f"{definition.name}:{severity}",
        severity=severity,
        implementation=definition.implementation,
        is_random=definition.is_random,
    )


def _user_function(name: str, text: str, where: str) -> Condition:
    """Return the condition of a user-defined function.

    The function is not imported yet, so any parameter is accepted, and the function may draw random numbers.
    """
    parameters = tuple(
        (key, _number(value, free_parameter(key), f"{where}: {name}"))
        for key, value in sorted(_pairs(text, f"{where}: {name}", "write name=number, each name once"))
    )
    key = _key(name, parameters)
    return Condition(name=name, kind=ConditionKind.FUNCTION, parameters=parameters, key=key, is_random=True)


def _with_arguments(definition: Definition, text: str, where: str) -> Condition:
    values = _arguments(text, definition, where)
    if any(parameter.default is None and parameter.name not in values for parameter in definition.parameters):
        raise ConfigError(f"{where}: {definition.name} needs its strength; {_usage(definition)}")
    parameters = tuple((p.name, values.get(p.name, p.default or 0.0)) for p in definition.parameters)
    defaults = {parameter.name: parameter.default for parameter in definition.parameters}
    changed = [(name, value) for name, value in parameters if value != defaults[name]]
    return Condition(
        name=definition.name,
        kind=kind_of_name(definition.name),
        parameters=parameters,
        key=_key(definition.name, changed),
        implementation=definition.implementation,
        is_random=definition.is_random,
    )


def _arguments(text: str, definition: Definition, where: str) -> dict[str, float]:
    known = {parameter.name: parameter for parameter in definition.parameters}
    values: dict[str, float] = {}
    for name, value in _pairs(text, f"{where}: {definition.name}", _usage(definition)):
        if name not in known:
            raise ConfigError(f"{where}: {definition.name} cannot take '{name}={value}'; {_usage(definition)}")
        values[name] = _number(value, known[name], f"{where}: {definition.name}")
    return values


def _pairs(text: str, where: str, usage: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name.isidentifier() or name in seen:
            raise ConfigError(f"{where} cannot take {part!r}; {usage}")
        seen.add(name)
        yield name, value


def _number(text: str, parameter: Parameter, where: str) -> float:
    try:
        value = float(text) + 0.0  # -0.0 is 0.0
    except ValueError:
        value = math.nan
    if not parameter.low <= value <= parameter.high or (parameter.is_whole and value != int(value)):
        bounds = f"{parameter.low:g}..{parameter.high:g} {parameter.unit}".rstrip()
        kind = "a whole number in " if parameter.is_whole else ""
        raise ConfigError(f"{where}: {parameter.name} must be {kind}{bounds}, got {text!r}")
    return value


def _usage(definition: Definition) -> str:
    """Return how to write a condition."""
    if not definition.parameters:
        return f"write {definition.name!r} alone"
    example = ", ".join(
        f"{p.name}=…" if p.default is None else f"{p.name}={p.default:g}" for p in definition.parameters
    )
    severity = f"'{definition.name}:3' or " if definition.has_severities else ""
    return f"write it as {severity}'{definition.name}({example})'"


def _key(name: str, changed: Iterable[tuple[str, float]]) -> str:
    """Return the shortest spelling, which has only the parameters that differ from their defaults."""
    written = ",".join(f"{key}={value:g}" if float(f"{value:g}") == value else f"{key}={value!r}"
                       for key, value in changed)  # fmt: skip
    return f"{name}({written})" if written else name

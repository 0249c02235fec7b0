"""The command `conditions`: list the conditions that a gate can name."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from pytest_failaware.core.conditions.catalogue import DEFINITIONS, Definition, Parameter
from pytest_failaware.core.conditions.spelling import SUITES
from pytest_failaware.core.layout import aligned


def add_arguments(parser: ArgumentParser) -> None:
    """Add no argument; the command takes none."""


def run(options: Namespace) -> Iterator[str]:
    """Yield a table of the built-in conditions with severities and parameters, then the suites."""
    rows = [_row(definition) for definition in DEFINITIONS.values()]
    yield from aligned([("condition", "severities", "draws", "parameters"), *rows], left=(0, 1, 2, 3))
    yield ""
    for suite, members in SUITES.items():
        yield f"{suite}: {len(members)} corruptions at severities 1 to 5, or at one as in {suite + ':3'}"
    yield "name:1..5 is a range; name(parameter=value) sets your strength; pkg.mod:function is your function"
    yield "severities have the strength published for images of 32 pixels (up to 48), 64 (up to 112) or 224 (above)"


def _row(definition: Definition) -> tuple[str, ...]:
    return (
        definition.name,
        "1..5" if definition.has_severities else "",
        "random" if definition.is_random else "",
        ", ".join(_parameter(parameter) for parameter in definition.parameters),
    )


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.default is None else f"={parameter.default:g}"
    unit = " px" if parameter.unit == "pixels" else ""
    return f"{parameter.name}{default} ({parameter.low:g}..{parameter.high:g}{unit})"

"""`conditions` and `preview`: what can be named in a gate, in words and in pictures."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_failaware.config.lists import names_of
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.catalogue import DEFINITIONS, FOUNDING, Definition, Parameter
from pytest_failaware.core.conditions.published import IMAGENET_C, IMAGENET_C_EXTRA
from pytest_failaware.core.conditions.spelling import PRECOMPUTED, SUITES, is_precomputed, parse_conditions
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.layout import aligned

_LARGEST: Final = 1024  # pixels a side of a preview: a sheet of all conditions is five of them wide


def list_conditions(given: Namespace) -> Iterator[str]:
    """Every built-in condition with its severities and parameters, then the suites."""
    rows = [_row(definition) for definition in DEFINITIONS.values()]
    yield from aligned([("condition", "severities", "draws", "parameters"), *rows], left=(0, 1, 2, 3))
    yield ""
    for suite, members in SUITES.items():
        yield f"{suite}: {len(members)} corruptions at severities 1 to 5, or at one as in {suite + ':3'}"
    yield "name:1..5 is a range, name(parameter=value) a strength of your own, pkg.mod:function a function of your own"
    yield "severities have the strength published for images of 32 pixels (up to 48), 64 (up to 112) or 224 (above)"


def preview_conditions(given: Namespace) -> Iterator[str]:
    """Write a contact sheet of an image under the conditions."""
    from pytest_failaware.measure.preview import contact_sheet, open_picture

    if given.output and not given.output.parent.is_dir():
        raise ConfigError(f"--output: the folder {given.output.parent} does not exist; create it first")
    if given.size and given.size > _LARGEST:
        raise ConfigError(f"--size: must be at most {_LARGEST:,} pixels a side, got {given.size:,}")
    if given.conditions:
        found = parse_conditions(names_of(given.conditions), "--conditions")
        if any(is_precomputed(condition) for condition in found):
            raise ConfigError(f"--conditions: what {PRECOMPUTED}… names is of a data set, not of this image")
        rows = [tuple(one for one in found if one.name == name) for name in dict.fromkeys(one.name for one in found)]
    else:
        rows = _every_row()
    picture = open_picture(given.image, given.size)
    output = given.output or Path(f"{given.image.stem}-preview.png")
    contact_sheet(picture, rows, given.seed).save(output, format="PNG")
    count = sum(len(row) for row in rows)
    yield f"{output}: {given.image} at {picture.width} x {picture.height} pixels under {count} conditions"


def _every_row() -> list[tuple[Condition, ...]]:
    """The founding four in one row, then each corruption's severities in one."""
    graded = [name for name, definition in DEFINITIONS.items() if definition.has_severities]
    published = [*IMAGENET_C, *IMAGENET_C_EXTRA]
    names = published + [name for name in graded if name not in published]
    return [parse_conditions(FOUNDING, "preview"), *(parse_conditions([f"{name}:1..5"], "preview") for name in names)]


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

"""The command `preview`: write a contact sheet of an image under the conditions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from pytest_failaware.config.lists import names_of
from pytest_failaware.config.sources import positive
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.catalogue import DEFAULT_CONDITIONS, DEFINITIONS
from pytest_failaware.core.conditions.published import IMAGENET_C, IMAGENET_C_EXTRA
from pytest_failaware.core.conditions.spelling import PRECOMPUTED, parse_conditions
from pytest_failaware.core.errors import ConfigError

_LARGEST: Final = 1024  # pixels per side of one image; a sheet is five images wide


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("image", metavar="IMAGE", type=Path, help="a JPEG, PNG or other image file")
    parser.add_argument("--conditions", metavar="NAME", nargs="+", help="as in a gate, fog:1..5; default: all of them")
    parser.add_argument(
        "--size", metavar="PX", type=partial(positive, where="--size"), help="default: 224, or the image's own if less"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the random conditions; default: 0")
    parser.add_argument("--output", metavar="FILE", type=Path, help="default: the image's name with -preview.png")


def run(options: Namespace) -> Iterator[str]:
    """Write a contact sheet of an image under the conditions."""
    from pytest_failaware.measure.preview import contact_sheet, open_picture

    if options.output and not options.output.parent.is_dir():
        raise ConfigError(f"--output: the folder {options.output.parent} does not exist; create it first")
    if options.size and options.size > _LARGEST:
        raise ConfigError(f"--size: must be at most {_LARGEST:,} pixels a side, got {options.size:,}")
    if options.conditions:
        conditions = parse_conditions(names_of(options.conditions), "--conditions")
        if any(condition.is_precomputed for condition in conditions):
            raise ConfigError(
                f"--conditions: {PRECOMPUTED}… names images of a data set and cannot change this image; leave it out"
            )
        names = dict.fromkeys(condition.name for condition in conditions)
        rows = [tuple(condition for condition in conditions if condition.name == name) for name in names]
    else:
        rows = _every_row()
    picture = open_picture(options.image, options.size)
    output = options.output or Path(f"{options.image.stem}-preview.png")
    contact_sheet(picture, rows, options.seed).save(output, format="PNG")
    count = sum(len(row) for row in rows)
    yield f"{output}: {options.image} at {picture.width} x {picture.height} pixels under {count} conditions"


def _every_row() -> list[tuple[Condition, ...]]:
    """Return the four default conditions in one row, then one row of severities for each corruption."""
    graded = [name for name, definition in DEFINITIONS.items() if definition.has_severities]
    published = [*IMAGENET_C, *IMAGENET_C_EXTRA]
    names = published + [name for name in graded if name not in published]
    return [
        parse_conditions(DEFAULT_CONDITIONS, "preview"),
        *(parse_conditions([f"{name}:1..5"], "preview") for name in names),
    ]

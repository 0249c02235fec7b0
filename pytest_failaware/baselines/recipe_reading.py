"""Strict reading of the seeds of a recipe: every condition holds the same seeds in the same order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pytest_failaware.baselines.strict_yaml import Node
from pytest_failaware.core.baseline import BaselineEntry, Seed
from pytest_failaware.core.estimates import Cells

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")


def read_seeds(seeds: Node, samples: int) -> tuple[Seed, ...]:
    """Return the further seeds of one condition; `samples` is the size of the data set."""
    return tuple(_read_seed(seed, samples) for seed in seeds.items())


def _read_seed(seed: Node, samples: int) -> Seed:
    fields = seed.mapping(required=(*Cells.__slots__, "records", "model"), optional=())
    return Seed(
        cells=_checked({name: fields[name].count() for name in Cells.__slots__}, seed, samples),
        records_sha256=read_hash(fields["records"]),
        model_sha256=fields["model"].text(),
    )


def read_cells(cells: Node, samples: int) -> Cells:
    """Return four counts, which add up to the size of the data set."""
    counts = {name: count.count() for name, count in cells.mapping(required=Cells.__slots__, optional=()).items()}
    return _checked(counts, cells, samples)


def _checked(counts: Mapping[str, int], place: Node, samples: int) -> Cells:
    if sum(counts.values()) != samples:
        raise place.error(f"add up to {sum(counts.values())}, the data set has {samples} samples")
    return Cells(**counts)


def read_hash(entry: Node) -> str:
    """Return a valid hash, because a part of it becomes the name of a file."""
    text = entry.text()
    if not _HASH.fullmatch(text):
        raise entry.error(f"must be sha256: and 64 digits of a hash, got {text[:80]!r}")
    return text


def check_recipe(recipe: Node | None, conditions: Node, entries: Mapping[str, BaselineEntry]) -> None:
    """Refuse entries whose seeds are not those of the other entries, or not as many as the recipe says."""
    count = 1
    if recipe is not None:
        number = recipe.mapping(required=("seeds",), optional=())["seeds"]
        count = number.count()
        if count < 2:
            raise number.error(f"is {count}; a recipe has at least 2 seeds")
    nodes = conditions.mapping()
    for key, entry in entries.items():
        fields = nodes[key].mapping()
        place = fields.get("seeds", nodes[key])
        if len(entry.model_hashes) != count:
            expected = f"recipe.seeds is {count}" if recipe is not None else "recipe.seeds is missing"
            raise place.error(f"holds {len(entry.model_hashes)} seeds with the first one, and {expected}")
    if count > 1:
        _check_models(nodes, entries)


def _check_models(nodes: Mapping[str, Node], entries: Mapping[str, BaselineEntry]) -> None:
    """Refuse a model that stands twice, and a seed that is another model than that of the first entry."""
    first = next(iter(entries))
    models = entries[first].model_hashes
    for key, entry in entries.items():
        fields = nodes[key].mapping()
        places = [fields["model"], *fields["seeds"].items()]
        for number, (model, expected) in enumerate(zip(entry.model_hashes, models, strict=True), start=1):
            if model != expected:
                raise places[number - 1].error(f"is another model than seed {number} of {first}")
            if model in models[: number - 1]:
                raise places[number - 1].error(f"is the model of seed {models.index(model) + 1}, too")

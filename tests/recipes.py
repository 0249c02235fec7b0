"""Baselines with several seeds of a recipe, stored in a folder; outcomes are written as letters, as in five.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import toy
from five import RULE, measurement_of

from pytest_failaware.baselines.entries import RuledMeasurement
from pytest_failaware.baselines.outcome import UpdateOutcome
from pytest_failaware.baselines.seed_plan import SeedChange
from pytest_failaware.baselines.update import change_seeds

KEYS = ("blur", "clean")
LETTERS = {"m1": "RRWrw", "m2": "RRRrw", "m3": "RWWrw", "m4": "RRRRw", "m5": "RRRrr"}
"""The outcomes of the models that are stored as seeds, one after the other."""


def measured(model: str, letters: str = "", keys: tuple[str, ...] = KEYS) -> list[RuledMeasurement]:
    """Return what a run of a model measured under each condition."""
    return [(measurement_of(letters or LETTERS[model], key, model=model), RULE) for key in keys]


def add_seed(folder: Path, model: str, letters: str = "", **more: str) -> UpdateOutcome:
    """Store one more seed of the baseline `small`."""
    return change_seeds(folder, "small", SeedChange(measured=measured(model, letters), **more))


def store_recipe(folder: Path, seeds: int = 3) -> None:
    """Store a baseline `small` of several seeds, of two conditions with five samples."""
    for model in list(LETTERS)[:seeds]:
        outcome = add_seed(folder, model)
        assert outcome.seed or outcome.recorded


def contents(folder: Path) -> Mapping[str, bytes]:
    """Return the content of every file by its path in the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- models of the toy project -------------------------------------------------------------------------------------

FLIPPED = {"seed2.pth": 10.6, "seed3.pth": 11.2, "seed4.pth": 11.9, "seed5.pth": 12.6}
"""Weights on a pixel that holds the number of the copy: they flip the dim images of the last 1, 2, 3 and 4 copies."""


def write_models(folder: Path) -> None:
    """Write models that differ a little from good.pth, as if they were trained with other seeds."""
    for name, weight in FLIPPED.items():
        weights = toy.weights()
        weights["linear.weight"][0, 17] = weight
        torch.save(weights, folder / name)

"""The condition that a model is measured under: a degradation with its parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One degradation with its parameters; `key` is its spelling in markers, test ids and baselines.

    `parameters` holds every parameter with its value, defaults included, in the order of the table in catalogue.py.
    The parameters of a published severity depend on the size of the images: a condition as typed has none of them, a
    measured or recorded condition has all. `implementation` increases each time the pixels of a degradation change.
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()
    key: str
    implementation: int = 1
    is_random: bool = False

    @property
    def slug(self) -> str:
        """The key as a file name: `gaussian_noise(sigma=0.1)` -> `gaussian_noise-sigma-0.1`."""
        return re.sub(r"[^a-z0-9._-]+", "-", self.key.lower().replace("+", "")).strip("-.")

    @property
    def severity(self) -> int | None:
        """The published severity in the key, 3 in `fog:3`; None if the key has none."""
        _, _, severity = self.key.partition(":")
        return int(severity) if severity.isdecimal() else None

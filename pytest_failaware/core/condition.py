"""The condition that a model is measured under: a degradation with its parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

CLEAN: Final = "clean"
"""The key of the condition without a degradation."""
MEAN: Final = "mean"
"""The name that the pooled verdict of a marked test has in place of a condition, so no condition may have it."""


class ConditionKind(Enum):
    """Who makes the images of a condition."""

    BUILT_IN = "built-in"  # this package
    OTHER = "other"  # a hook of the user, or another program whose predictions name the condition
    FUNCTION = "function"  # a function of the user, `pkg.mod:function`
    PRECOMPUTED = "precomputed"  # another program; the images are read from a folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One degradation with its parameters; `key` is its spelling in markers, test ids and baselines.

    `parameters` holds every parameter with its value, defaults included, in the order of its definition. The
    parameters of a published severity depend on the size of the images: a typed condition has none of them, and a
    measured or recorded condition has all of them. `implementation` increases each time the pixels of a degradation
    change. `content` is the hash of precomputed images, which is known after the images are opened.
    """

    name: str
    kind: ConditionKind
    parameters: tuple[tuple[str, float], ...] = ()
    key: str
    severity: int | None = None
    content: str = ""
    implementation: int = 1
    is_random: bool = False

    @property
    def slug(self) -> str:
        """The key as a file name: `gaussian_noise(sigma=0.1)` -> `gaussian_noise-sigma-0.1`."""
        return re.sub(r"[^a-z0-9._-]+", "-", self.key.lower().replace("+", "")).strip("-.")

    @property
    def corruption(self) -> str:
        """The key without its severity: `fog:3` -> `fog`."""
        return self.key if self.severity is None else self.key.removesuffix(f":{self.severity}")

    @property
    def is_precomputed(self) -> bool:
        """Whether the images are read from files instead of computed."""
        return self.kind is ConditionKind.PRECOMPUTED

    @property
    def is_built_in(self) -> bool:
        """Whether only code of this package makes the images."""
        return self.kind is ConditionKind.BUILT_IN

    @property
    def is_user_defined(self) -> bool:
        """Whether user code makes the images."""
        return self.kind in (ConditionKind.OTHER, ConditionKind.FUNCTION)

    @property
    def settings(self) -> Mapping[str, float | str]:
        """The values that decide the pixels, besides the name, the seed and the code."""
        return {**dict(self.parameters), **({"content": self.content} if self.content else {})}

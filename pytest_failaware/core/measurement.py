"""One condition, measured, with everything that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.records import NO_CLASS, Records
from pytest_failaware.core.samples import Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MOST_OUTPUTS: Final = NO_CLASS - 1
"""The most outputs that a model may have: every prediction is then a uint16 below `NO_CLASS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What identifies a data set: a hash over sample ids and labels, its size, its class names in label order.

    `skipped` counts images that could not be used and were left out, which are in neither of the first two. `groups`
    counts those that the samples come in, 0 where none are told; the same data can be grouped in many ways.
    """

    fingerprint: str
    samples: int
    classes: tuple[str, ...]
    skipped: int = 0
    groups: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What identifies a model: a hash over its weights, the name of its architecture ("" where unknown)."""

    sha256: str
    architecture: str


ELSEWHERE: Final = "made elsewhere"
"""The preprocessing of predictions that do not say what theirs was."""


DECLARED_OUTPUTS: Final = "outputs"
"""The key of an environment that says what the model returns; it is absent if that is logits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a measurement: the first two decide comparability, the others explain a change."""

    data: DataFacts
    preprocessing: str
    model: ModelFacts
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What identified the data under the class names before failaware_rename: ids hold the name of the class.

    `sample_id` is in the order of the records' samples, (N,).
    """

    classes: tuple[str, ...]
    fingerprint: str
    sample_id: NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything one condition's pass over the data yields, before any judgement."""

    condition: Condition
    seed: int | None  # None where the condition draws no random numbers
    records: Records
    provenance: Provenance
    former: Former | None = None  # None if no class has a new name

    @property
    def samples(self) -> Samples:
        """The samples that were measured."""
        return self.records.samples


def in_groups(data: DataFacts) -> str:
    """What follows the number of samples that come in groups."""
    return f" in {data.groups:,} groups" if data.groups else ""

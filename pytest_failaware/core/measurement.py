"""The measurement of one condition, with the identity of everything that produced it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.records import Records
from pytest_failaware.core.samples import Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """The identity of a data set: a hash over sample ids and labels, its size, and its class names in label order.

    `skipped` is the number of images that could not be used and were left out; they count neither in the hash nor in
    the size. `groups` is the number of groups of the samples, 0 if they have none. It is not compared, since the same
    data can be grouped in many ways. `copies` is the number of samples that have the content and the label of another;
    each is in the group of the other. It is not stored, and 0 if no contents are known.
    """

    fingerprint: str
    samples: int
    classes: tuple[str, ...]
    skipped: int = 0
    groups: int = field(default=0, compare=False)
    copies: int = field(default=0, compare=False)

    @property
    def groups_copies_alone(self) -> bool:
        """Whether only copies are in groups, so that nobody had to name a group."""
        return 0 < self.copies == self.samples - self.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """The identity of a model: a hash over its weights, and the name of its architecture ("" if unknown)."""

    sha256: str
    architecture: str


ELSEWHERE: Final = "made elsewhere"
"""The preprocessing of predictions that do not name their preprocessing."""


DECLARED_OUTPUTS: Final = "outputs"
"""The key in an environment that says what the model returns; it is absent if the model returns logits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The origin of a measurement: data and preprocessing decide comparability, the other fields explain a change."""

    data: DataFacts
    preprocessing: str
    model: ModelFacts
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """The identity of the data under the class names before failaware_rename; ids depend on the class names.

    `sample_id` is in the order of the samples of the records, (N,).
    """

    classes: tuple[str, ...]
    fingerprint: str
    sample_id: NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The result of measuring one condition on all data, before it is judged."""

    condition: Condition
    seed: int | None  # None if the condition draws no random numbers
    records: Records
    provenance: Provenance
    former: Former | None = None  # None if no class has a new name

    @property
    def samples(self) -> Samples:
        """The measured samples."""
        return self.records.samples


def in_groups(data: DataFacts) -> str:
    """Return the text to add to the number of samples if they come in groups, else ""."""
    copies = f", {data.copies:,} of them {'a copy' if data.copies == 1 else 'copies'}," if data.copies else ""
    return f"{copies} in {data.groups:,} groups" if data.groups else ""

"""The samples of a measurement or of a reference: their ids, labels and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


SAMPLE_ID: Final = "sample_id"
LABEL: Final = "label"
GROUP: Final = "group"
"""The column with the group of each sample, unless --failaware-group names another column."""

MOST_OUTPUTS: Final = 65534
"""The largest number of outputs of a model; with it every label and every prediction is a uint16 below `NO_CLASS`."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Samples:
    """N samples as columns of length N, ascending by id.

    Samples with the same group number are not independent of each other. `groups` is None if no group is known; the
    samples then count as independent.
    """

    ids: NDArray[np.uint64]
    labels: NDArray[np.uint16]
    groups: NDArray[np.uint32] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<{len(self):,} samples>"

    def take(self, rows: NDArray[np.intp] | slice) -> Samples:
        """Return the samples in these rows; the rows must ascend, so that the ids ascend."""
        groups = None if self.groups is None else self.groups[rows]
        return Samples(ids=self.ids[rows], labels=self.labels[rows], groups=groups)

    def in_groups(self, groups: NDArray[np.uint32] | None) -> Samples:
        """Return the same samples with other groups, (N,)."""
        return replace(self, groups=groups)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:  # Any: of three types
        """The columns by their names in files, without the groups if there are none."""
        columns: dict[str, NDArray[Any]] = {SAMPLE_ID: self.ids, LABEL: self.labels}
        return columns if self.groups is None else {**columns, GROUP: self.groups}

    @staticmethod
    def from_columns(columns: Mapping[str, NDArray[Any]]) -> Samples:  # Any: of three types
        """Return the samples in these columns; other columns are ignored."""
        return Samples(ids=columns[SAMPLE_ID], labels=columns[LABEL], groups=columns.get(GROUP))

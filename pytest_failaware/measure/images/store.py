"""The decoded images of a data set: uint8 at the model's input size, in memory or memory-mapped."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_failaware.core.measurement import DataFacts, Former
from pytest_failaware.core.npz import read_only
from pytest_failaware.core.samples import Samples
from pytest_failaware.measure.images.data import ImageSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageStore:
    """The images of a data set in the data set's order, decoded once; `facts` are those of the whole data set."""

    images: NDArray[np.uint8]  # (N, H, W, C), possibly a memory map
    labels: NDArray[np.uint16]  # (N,)
    sample_id: NDArray[np.uint64]  # (N,), all different
    facts: DataFacts
    has_class_names: bool
    source: ImageSet
    index: NDArray[np.intp]  # (N,), the number of each image in the source
    groups: NDArray[np.uint32] | None = None  # (N,), the same number for samples that are not independent
    former: Former | None = None  # in the same order
    notes: tuple[str, ...] = ()
    folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def samples(self) -> Samples:
        """The samples in ascending order of their ids; their columns are read-only."""
        order = np.argsort(self.sample_id)
        groups = None if self.groups is None else read_only(self.groups[order])
        return Samples(ids=read_only(self.sample_id[order]), labels=read_only(self.labels[order]), groups=groups)

    def limited(self, count: int) -> ImageStore:
        """Return the images with the `count` smallest ids: a sample over all classes that ignores the data's order."""
        rows = np.sort(np.argsort(self.sample_id)[:count])
        return replace(
            self,
            images=self.images[rows],
            labels=self.labels[rows],
            sample_id=self.sample_id[rows],
            index=self.index[rows],
            groups=None if self.groups is None else self.groups[rows],
            former=None if self.former is None else replace(self.former, sample_id=self.former.sample_id[rows]),
        )

    def rows(self, sample_ids: Sequence[int]) -> dict[int, int]:
        """Return the rows of the given samples by id; unknown samples are left out."""
        wanted = np.array(sample_ids, dtype=np.uint64)
        return {int(self.sample_id[row]): int(row) for row in np.flatnonzero(np.isin(self.sample_id, wanted))}

    def names(self, sample_ids: Sequence[int]) -> dict[int, str]:
        """Return the names of the given samples by id; unknown samples are left out."""
        return {sample_id: self.source.name(int(self.index[row])) for sample_id, row in self.rows(sample_ids).items()}

    def close(self) -> None:
        """Remove the file of the memory map, if it has a name."""
        if self.folder is not None:
            self.folder.cleanup()


Geometry = Callable[[Image.Image], Image.Image]


def silent(done: int, total: int) -> None:
    """Ignore the progress."""

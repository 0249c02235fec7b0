"""Restrict a data set to some samples, so that only these are decoded."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.images.data import ImageSet, Sample


class Subset(ImageSet):
    """The samples of a data set with the given numbers, in the given order."""

    def __init__(self, images: ImageSet, numbers: Sequence[int]) -> None:
        self.images = images
        self.numbers = numbers
        self.classes = images.classes
        self.has_class_names = images.has_class_names
        self.reads_in_parallel = images.reads_in_parallel
        self.groups = None if images.groups is None else [images.groups[number] for number in numbers]

    def __len__(self) -> int:
        return len(self.numbers)

    def name(self, index: int) -> str:
        """Return the name of the sample in the whole data set."""
        return self.images.name(self.numbers[index])

    def file(self, index: int) -> str:
        """Return the path of the sample's file."""
        return self.images.file(self.numbers[index])

    def read(self, index: int) -> Sample:
        """Read the sample from the whole data set."""
        return self.images.read(self.numbers[index])

    @property
    def notes(self) -> tuple[str, ...]:
        """The lines of the whole data set on the samples that were read."""
        return self.images.notes

    def undoing(self, numbers: Preprocessing | None) -> ImageSet:
        """Return the same samples, whose floats may be normalised by these numbers."""
        return Subset(self.images.undoing(numbers), self.numbers)

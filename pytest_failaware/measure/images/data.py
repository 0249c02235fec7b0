"""The data set that the package reads: labelled Pillow images, each with a key of its content."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image

from pytest_failaware.core.preprocessing import Preprocessing

CHANNELS: Final = ((), (1,), (3,))
"""What can follow (N, H, W) in the shape of an array of images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One labelled image before geometry, mode L or RGB; `key` identifies its content."""

    key: bytes
    image: Image.Image
    label: int


class ImageSet(ABC):
    """Labelled images in a fixed order. `reads_in_parallel` promises that `read` may run in several threads.

    `groups` has a text for each sample, the same for samples that are not independent; None if that is not known.
    """

    classes: tuple[str, ...]
    has_class_names = True
    reads_in_parallel = False
    groups: Sequence[str] | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """Return the name of a sample for error messages."""

    def file(self, index: int) -> str:
        """Return the path of the sample's file in a folder that has the structure of the data set."""
        return self.name(index)

    @abstractmethod
    def read(self, index: int) -> Sample:
        """Decode a sample.

        Raises:
            BadImageError: the image is damaged, too large or deeper than 8 bits.
            DataError: anything else that is wrong with it.
        """

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the summary, complete once the images are read."""
        return ()

    def undoing(self, numbers: Preprocessing | None) -> ImageSet:
        """Return the same data set, which converts floats normalised by these numbers back to grey levels."""
        return self

"""What a data set is: labelled Pillow images whose content has a key. Any map-style data set becomes one."""

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

    `groups` has a text for each sample, the same for samples that are not independent; None where that is not known.
    """

    classes: tuple[str, ...]
    has_class_names = True
    reads_in_parallel = False
    groups: Sequence[str] | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """How an error names this sample."""

    def file(self, index: int) -> str:
        """The path by which a folder that repeats the data set holds the sample's file."""
        return self.name(index)

    @abstractmethod
    def read(self, index: int) -> Sample:
        """The sample, decoded.

        Raises:
            BadImageError: the image is damaged, too large or deeper than 8 bits.
            DataError: anything else that is wrong with it.
        """

    @property
    def notes(self) -> tuple[str, ...]:
        """What the summary says of the images once they are read."""
        return ()

    def undoing(self, numbers: Preprocessing | None) -> ImageSet:
        """The same images, where floats that were normalised by these numbers are taken back to grey levels."""
        return self

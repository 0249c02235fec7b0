"""What a data set is: labelled Pillow images whose content has a key. Any map-style data set becomes one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from PIL import Image

from pytest_failaware.errors import DataError
from pytest_failaware.imports import describe_error

_GREY_OR_COLOUR: Final = ("L", "RGB")
_CONVERTIBLE: Final = ("1", "P", "PA", "LA", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV")
_NO_FLOATS: Final = (
    "return Pillow images or uint8 arrays: leave out ToTensor and Normalize, give --failaware-preprocess"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One labelled image before geometry, mode L or RGB; `key` identifies its content."""

    key: bytes
    image: Image.Image
    label: int


class ImageSet(ABC):
    """Labelled images in a fixed order. `reads_in_parallel` promises that `read` may run in several threads."""

    classes: tuple[str, ...]
    has_class_names = True
    reads_in_parallel = False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """How an error names this sample."""

    @abstractmethod
    def read(self, index: int) -> Sample:
        """The sample, decoded."""


def adopt_dataset(dataset: Any, where: str) -> ImageSet:  # Any: whatever a user calls a data set
    """The images of a map-style data set: `len`, items `(image, label)`, optional `.classes` and `.sample_ids`."""
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise DataError(
            f"{where}: {type(dataset).__name__} is no map-style data set; give an object with len() and items "
            "(image, label)"
        )
    if len(dataset) == 0:
        raise DataError(f"{where}: the data set is empty; give at least one labelled image")
    return DatasetImages(dataset, where)


# ---- arrays and Datasets -------------------------------------------------------------------------------------------


class DatasetImages(ImageSet):
    """A user's map-style data set, read item by item in its own order."""

    def __init__(self, dataset: Any, where: str) -> None:
        self.dataset = dataset
        self.where = where
        names = getattr(dataset, "classes", None)
        self.has_class_names = names is not None
        self.classes = tuple(map(str, names)) if names is not None else ()
        self.keys = getattr(dataset, "sample_ids", None)
        if self.keys is not None and len(set(self.keys)) != len(dataset):
            raise DataError(f"{where}: sample_ids must be {len(dataset)} different keys; got {len(set(self.keys))}")

    def __len__(self) -> int:
        return len(self.dataset)

    def name(self, index: int) -> str:
        """The item's number."""
        return f"item {index}"

    def read(self, index: int) -> Sample:
        """One item, keyed by the data set's own key, else by shape and pixels."""
        place = f"{self.where}: item {index}"
        try:
            item = self.dataset[index]
        except Exception as error:  # the user's code runs here
            raise DataError(f"{place}: reading it raised {describe_error(error)}; repair it") from error
        if not isinstance(item, (tuple, list)) or len(item) < 2:
            raise DataError(f"{place}: is a {type(item).__name__}; items must be (image, label)")
        image, label = _image(item[0], place), _label(item[1], place)
        key = _content_key(image) if self.keys is None else hashlib.sha256(str(self.keys[index]).encode()).digest()
        return Sample(key=key, image=image, label=label)


def _image(value: Any, place: str) -> Image.Image:
    """A Pillow image of mode L or RGB from what a data set yields."""
    if isinstance(value, Image.Image):
        image = eight_bit(value, place)
        return image if image.mode in _GREY_OR_COLOUR else image.convert("RGB")
    array = value.permute(1, 2, 0).numpy() if isinstance(value, torch.Tensor) and value.ndim == 3 else np.asarray(value)
    if array.dtype != np.uint8:
        raise DataError(f"{place}: the image is {array.dtype} {array.shape}; {_NO_FLOATS}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and array.shape[2:] != (3,):
        raise DataError(f"{place}: the image has shape {array.shape}; it must be (H, W), (H, W, 1) or (H, W, 3)")
    return Image.fromarray(np.ascontiguousarray(array))


def eight_bit(image: Image.Image, place: str) -> Image.Image:
    """Refuse modes of more than 8 bits, which Pillow would clip without a word."""
    if image.mode not in _GREY_OR_COLOUR + _CONVERTIBLE:
        raise DataError(f"{place}: the image has mode {image.mode!r}; save it with 8 bits per channel")
    return image


def _label(value: Any, place: str) -> int:
    try:
        label = int(value)
        exact = not isinstance(value, (bool, str)) and float(value) == label
    except (TypeError, ValueError):
        label, exact = -1, False
    if not exact or label < 0:
        raise DataError(f"{place}: the label is {value!r}; labels must be whole numbers from 0")
    return label


def _content_key(image: Image.Image) -> bytes:
    return hashlib.sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).digest()

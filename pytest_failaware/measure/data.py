"""What a data set is: labelled Pillow images whose content has a key. Any map-style data set becomes one."""

from __future__ import annotations

import hashlib
import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from PIL import Image

from pytest_failaware.errors import DataError
from pytest_failaware.text import describe_error, one_line

CHANNELS: Final = ((), (1,), (3,))
"""What can follow (N, H, W) in the shape of an array of images."""

_EIGHT_BIT: Final = ("1", "P", "PA", "LA", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV")  # what becomes RGB without loss
_WANTED: Final = "return Pillow images or uint8 arrays: leave out ToTensor and Normalize, give --failaware-preprocess"


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
    """The images of a map-style data set: `len`, items `(image, label)`, optional `.classes` and `.sample_ids`.

    An image is a Pillow image, a uint8 array (H, W), (H, W, 1) or (H, W, 3), or a uint8 tensor (H, W) or (C, H, W).

    Raises:
        DataError: it is no such data set, or empty; an item that cannot be used shows when it is read.
    """
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise DataError(
            f"{where}: {type(dataset).__name__} is no map-style data set; give an object with len() and items "
            "(image, label)"
        )
    try:
        count = len(dataset)
    except Exception as error:  # the user's code runs here
        raise DataError(f"{where}: its len() raised {describe_error(error)}; repair it") from error
    if count == 0:
        raise DataError(f"{where}: the data set is empty; give at least one labelled image")
    return DatasetImages(dataset, where)


class DatasetImages(ImageSet):
    """A user's map-style data set, read item by item in its own order."""

    def __init__(self, dataset: Any, where: str) -> None:
        self.dataset = dataset
        self.where = where
        self.has_class_names = getattr(dataset, "classes", None) is not None
        self.classes = _class_names(dataset.classes, where) if self.has_class_names else ()
        given = getattr(dataset, "sample_ids", None)
        self.keys = None if given is None else _declared_keys(given, len(dataset), where)

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
        key = _content_key(image) if self.keys is None else hashlib.sha256(self.keys[index].encode()).digest()
        return Sample(key=key, image=image, label=label)


def grey_or_rgb(image: Image.Image, place: str) -> Image.Image:
    """The image in mode L or RGB, alpha dropped; modes of more than 8 bits, which Pillow would clip, are refused."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode not in _EIGHT_BIT:
        raise DataError(f"{place}: the image has mode {image.mode!r}; save it as grey or RGB with 8 bits per channel")
    if image.mode == "P" and isinstance(image.info.get("transparency"), bytes):
        image = image.convert("RGBA")  # the direct way gives the same colours and a warning
    return image.convert("RGB")


def _class_names(names: Any, where: str) -> tuple[str, ...]:
    """The names in label order; a tuple of synonyms, as torchvision's ImageNet has them, is one name."""
    if isinstance(names, str) or not isinstance(names, (Sequence, np.ndarray)):
        raise DataError(f"{where}: .classes is a {type(names).__name__}; it must be the class names in label order")
    return tuple(", ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in names)


def _declared_keys(given: Any, count: int, where: str) -> list[str]:
    """The data set's own keys as text, one per item."""
    try:
        keys = [str(key) for key in (given.tolist() if hasattr(given, "tolist") else given)]
    except TypeError as error:
        raise DataError(
            f"{where}: sample_ids is a {type(given).__name__}; it must be {count} different keys"
        ) from error
    if len(keys) != count or len(set(keys)) != count:
        raise DataError(
            f"{where}: sample_ids must be {count} different keys; got {len(set(keys))} different among {len(keys)}"
        )
    return keys


def _image(value: Any, place: str) -> Image.Image:
    """A Pillow image of mode L or RGB from what a data set yields."""
    if isinstance(value, Image.Image):
        try:
            value.load()
        except Exception as error:  # damaged bytes raise whatever they provoke
            raise DataError(f"{place}: the image cannot be decoded ({describe_error(error)}); repair it") from error
        return grey_or_rgb(value, place)
    if not isinstance(value, (np.ndarray, torch.Tensor)):
        raise DataError(f"{place}: the image is a {type(value).__name__}; {_WANTED}")
    shape, layouts = tuple(value.shape), "(H, W), (H, W, 1) or (H, W, 3)"
    if value.dtype not in (np.uint8, torch.uint8):
        raise DataError(f"{place}: the image is {str(value.dtype).removeprefix('torch.')} {shape}; {_WANTED}")
    if isinstance(value, torch.Tensor):
        value, layouts = value.cpu().numpy(), "(H, W), (1, H, W) or (3, H, W)"
        value = np.moveaxis(value, 0, -1) if value.ndim == 3 else value
    if value.ndim not in (2, 3) or value.shape[2:] not in ((), (1,), (3,)) or value.size == 0:
        raise DataError(f"{place}: the image has shape {shape}; it must be {layouts}")
    return Image.fromarray(np.ascontiguousarray(value[..., 0] if value.shape[2:] == (1,) else value))


def _label(value: Any, place: str) -> int:
    try:
        label = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        label = -1
    if label < 0:
        raise DataError(f"{place}: the label is {one_line(repr(value))}; labels must be whole numbers from 0")
    return label


def _content_key(image: Image.Image) -> bytes:
    return hashlib.sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).digest()

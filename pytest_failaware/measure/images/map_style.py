"""Read a user's map-style data set as labelled 8-bit images."""

from __future__ import annotations

import copy
import hashlib
import math
import operator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pytest_failaware.core.errors import BadImageError, DataError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.text import describe_error, one_line
from pytest_failaware.measure.images.data import CHANNELS, ImageSet, Sample
from pytest_failaware.measure.images.declared import class_names, declared_groups, declared_keys
from pytest_failaware.measure.images.decode import check_header, grey_or_rgb, unreadable
from pytest_failaware.measure.images.floats import ROUNDING, WANTED, grey_levels


def adopt_dataset(dataset: Any, where: str) -> ImageSet:  # Any: an object of the user
    """Return the images of a map-style data set with `len` and items `(image, label)`.

    `.classes`, `.sample_ids` and `.groups` are used if the data set has them.
    An image is a Pillow image, a uint8 array (H, W), (H, W, 1) or (H, W, 3), or a uint8 tensor (H, W) or (C, H, W); or
    floats of these shapes, if `undoing` the normalisation gives grey levels.

    Raises:
        DataError: it is no such data set, or empty. An item that cannot be used raises when it is read.
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
        self.classes = class_names(dataset.classes, where) if self.has_class_names else ()
        ids = getattr(dataset, "sample_ids", None)
        self.keys = None if ids is None else declared_keys(ids, len(dataset), where)
        groups = getattr(dataset, "groups", None)
        self.groups = None if groups is None else declared_groups(groups, len(dataset), where)
        self._numbers: Preprocessing | None = None
        self._types: set[str] = set()  # of the floats that were converted

    @property
    def notes(self) -> tuple[str, ...]:
        """A line on the types of floats that were converted to grey levels."""
        kinds = " and ".join(sorted(self._types))
        return (f"{self.where}: {kinds} images were converted back to uint8, exactly in every pixel",) if kinds else ()

    def undoing(self, numbers: Preprocessing | None) -> ImageSet:
        """Return a copy of the data set whose floats may be normalised by these numbers."""
        undone = copy.copy(self)
        undone._numbers, undone._types = numbers, set()
        return undone

    def __len__(self) -> int:
        return len(self.dataset)

    def name(self, index: int) -> str:
        """Return the number of the item."""
        return f"item {index}"

    def read(self, index: int) -> Sample:
        """Read an item; its key is the declared one, else a hash of shape and pixels."""
        place = f"{self.where}: item {index}"
        try:
            item = self.dataset[index]
        except Exception as error:  # the user's code runs here
            raise unreadable(error, f"{place}: reading it raised {describe_error(error)}; repair it") from error
        if not isinstance(item, (tuple, list)) or len(item) < 2:
            raise DataError(f"{place}: is a {type(item).__name__}; items must be (image, label)")
        label = _label(item[1], place)
        image = _image(self._eight_bit(item[0], place), place)
        key = _content_key(image) if self.keys is None else hashlib.sha256(self.keys[index].encode()).digest()
        return Sample(key=key, image=image, label=label)

    def _eight_bit(self, value: Any, place: str) -> Any:
        """Return the image of an item; floats become an array (H, W) or (H, W, C) of their grey levels."""
        if not isinstance(value, (np.ndarray, torch.Tensor)) or self._numbers is None or value.ndim not in (2, 3):
            return value
        kind = str(value.dtype).removeprefix("torch.")
        if kind not in ROUNDING or 0 in value.shape or (pixels := _channels_last(value)).shape[2:] not in CHANNELS:
            return value  # `_image` refuses it
        levels = grey_levels(pixels, self._numbers, place)
        self._types.add(kind)
        return levels


def _channels_last(value: Any) -> NDArray[Any]:  # Any: an array or a tensor
    """Return a tensor (C, H, W) as an array (H, W, C); anything else keeps its order."""
    if not isinstance(value, torch.Tensor):
        return np.asarray(value)
    array = value.detach().cpu().numpy()
    return np.moveaxis(array, 0, -1) if array.ndim == 3 else array


def _image(value: Any, place: str) -> Image.Image:
    """Return the image of an item as a Pillow image of mode L or RGB."""
    if isinstance(value, Image.Image):
        try:
            if not _is_decoded(value):
                check_header(value, place)
            value.load()
        except BadImageError:
            raise
        except Exception as error:  # damaged bytes raise errors of any kind
            raise unreadable(
                error, f"{place}: the image cannot be decoded ({describe_error(error)}); repair it"
            ) from error
        return grey_or_rgb(value, place)
    if not isinstance(value, (np.ndarray, torch.Tensor)):
        raise DataError(f"{place}: the image is a {type(value).__name__}; {WANTED}")
    shape, layouts = tuple(value.shape), "(H, W), (H, W, 1) or (H, W, 3)"
    if value.dtype not in (np.uint8, torch.uint8):
        raise DataError(f"{place}: the image is {str(value.dtype).removeprefix('torch.')} {shape}; {WANTED}")
    if isinstance(value, torch.Tensor):
        value, layouts = _channels_last(value), "(H, W), (1, H, W) or (3, H, W)"
    if value.ndim not in (2, 3) or value.shape[2:] not in CHANNELS or value.size == 0:
        raise DataError(f"{place}: the image has shape {shape}; it must be {layouts}")
    return Image.fromarray(np.ascontiguousarray(value[..., 0] if value.shape[2:] == (1,) else value))


def _is_decoded(image: Image.Image) -> bool:
    """Return whether the pixels are in memory: a private attribute holds them, which Pillow 11 renamed."""
    return vars(image).get("_im", vars(image).get("im")) is not None


def _label(value: Any, place: str) -> int:
    """Return the number of the class; an array or tensor of one whole number counts as that number."""
    if isinstance(value, (np.ndarray, torch.Tensor)) and math.prod(value.shape) == 1:
        value = value.item()
    try:
        label = -1 if isinstance(value, (bool, np.bool_)) else operator.index(value)  # numpy 1 takes its own bool
    except TypeError:
        label = -1
    if label < 0:
        vector = ", one of several numbers (of a one-hot vector give the argmax)" if _is_vector(value) else ""
        shown = one_line(repr(value))
        raise DataError(f"{place}: the label is {shown}{vector}; labels must be whole numbers from 0")
    return label


def _is_vector(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray, torch.Tensor))


def _content_key(image: Image.Image) -> bytes:
    return hashlib.sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).digest()

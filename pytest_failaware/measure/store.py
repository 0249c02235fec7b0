"""The decoded images of a data set: uint8 at the model's input resolution, in memory or memory-mapped."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pytest_failaware.errors import DataError
from pytest_failaware.fingerprint import data_fingerprint
from pytest_failaware.measure.data import ImageSet, Sample
from pytest_failaware.schema import DataFacts

_BUDGET: Final = 2**30  # bytes of images kept in memory
_CHUNK: Final = 256  # images decoded at a time, so that few wait in memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageStore:
    """Every image of a data set in the data set's order, decoded once."""

    images: NDArray[np.uint8]  # (N, H, W, C), possibly a memory map
    labels: NDArray[np.uint16]  # (N,)
    sample_id: NDArray[np.uint64]  # (N,), all different
    facts: DataFacts
    has_class_names: bool
    folder: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove the memory map's file."""
        if self.folder is not None:
            self.folder.cleanup()


Geometry = Callable[[Image.Image], Image.Image]


def build_store(images: ImageSet, geometry: Geometry, *, budget_bytes: int = _BUDGET) -> ImageStore:
    """Read and decode each image once, several at a time where the data set allows it.

    Raises:
        DataError: an image cannot be read, sizes differ after geometry, or labels do not fit the class names.
    """
    pixels: NDArray[np.uint8] | None = None
    folder: tempfile.TemporaryDirectory[str] | None = None
    keys: list[bytes] = []
    labels: list[int] = []
    for index, (sample, array) in enumerate(_decoded(images, geometry)):
        if pixels is None:
            pixels, folder = _space((len(images), *array.shape), budget_bytes)
        if array.shape != pixels.shape[1:]:
            raise DataError(_two_sizes(images.name(0), pixels.shape[1:], images.name(index), array.shape))
        pixels[index] = array
        keys.append(sample.key)
        labels.append(sample.label)
    if pixels is None:
        raise DataError("--failaware-dataset: the data set is empty; give at least one labelled image")
    classes = images.classes if images.has_class_names else tuple(map(str, range(max(labels) + 1)))
    _check_labels(images, labels, classes)
    ids = sample_ids(keys, [classes[label] for label in labels])
    column = np.array(labels, dtype=np.uint16)
    return ImageStore(
        images=pixels,
        labels=column,
        sample_id=ids,
        facts=DataFacts(fingerprint=data_fingerprint(ids, column, classes), samples=len(ids), classes=classes),
        has_class_names=images.has_class_names,
        folder=folder,
    )


def sample_ids(keys: list[bytes], class_names: list[str]) -> NDArray[np.uint64]:
    """The identity of each sample, (N,): the first 8 bytes of a hash over its key, its label and its rank among equals.

    The order of the data set matters only between samples that are the same in content and label.
    """
    seen: Counter[tuple[bytes, str]] = Counter()
    ids = np.empty(len(keys), dtype=np.uint64)
    for index, pair in enumerate(zip(keys, class_names, strict=True)):
        text = pair[0] + f"\0{pair[1]}\0{seen[pair]}".encode(errors="surrogatepass")
        ids[index] = int.from_bytes(hashlib.sha256(text).digest()[:8], "little")
        seen[pair] += 1
    if len(np.unique(ids)) != len(ids):
        raise DataError("two samples share one 64-bit id, a chance of 1 in 10 billion; remove either of them")
    return ids


def _decoded(images: ImageSet, geometry: Geometry) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """Each sample with its pixels after geometry, (H, W, C) uint8, in order."""

    def decode(index: int) -> tuple[Sample, NDArray[np.uint8]]:
        sample = images.read(index)
        array = np.asarray(geometry(sample.image))
        return sample, array[..., None] if array.ndim == 2 else array

    if not images.reads_in_parallel:
        yield from map(decode, range(len(images)))
        return
    with ThreadPoolExecutor(max_workers=torch.get_num_threads()) as pool:
        for start in range(0, len(images), _CHUNK):
            yield from pool.map(decode, range(start, min(start + _CHUNK, len(images))))


def _space(
    shape: tuple[int, ...], budget_bytes: int
) -> tuple[NDArray[np.uint8], tempfile.TemporaryDirectory[str] | None]:
    """Room for the pixels: memory within the budget, else a file."""
    if int(np.prod(shape, dtype=np.int64)) <= budget_bytes:
        return np.empty(shape, dtype=np.uint8), None
    folder = tempfile.TemporaryDirectory(prefix="failaware-")
    return np.memmap(Path(folder.name) / "images", dtype=np.uint8, mode="w+", shape=shape), folder


def _two_sizes(first: str, wanted: tuple[int, ...], other: str, found: tuple[int, ...]) -> str:
    sizes = [f"{shape[1]} x {shape[0]} px with {shape[2]} channel(s)" for shape in (wanted, found)]
    return (
        f"--failaware-preprocess: images must have one size after it, but {first} has {sizes[0]} and {other} "
        f"{sizes[1]}; add resize= or crop="
    )


def _check_labels(images: ImageSet, labels: list[int], classes: tuple[str, ...]) -> None:
    for index, label in enumerate(labels):
        if label >= len(classes):
            raise DataError(
                f"--failaware-dataset: {images.name(index)} has the label {label}, and the data set names "
                f"{len(classes)} classes, 0..{len(classes) - 1}; correct the label or the names"
            )

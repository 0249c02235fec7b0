"""Decode a data set into a store, several images at a time."""

from __future__ import annotations

import contextlib
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pytest_failaware.core.errors import BadImageError, DataError
from pytest_failaware.core.identity import data_fingerprint, former_data, group_count, group_numbers, sample_ids
from pytest_failaware.core.measurement import DataFacts
from pytest_failaware.core.progress import Progress
from pytest_failaware.core.records import NO_CLASS
from pytest_failaware.measure.engine.switches import fixed_switches
from pytest_failaware.measure.images.copies import contents_of, copy_count, joined
from pytest_failaware.measure.images.data import ImageSet
from pytest_failaware.measure.images.memory import room_for
from pytest_failaware.measure.images.skipping import Skipped
from pytest_failaware.measure.images.store import Geometry, ImageStore, silent

_BUDGET: Final = 2**30  # bytes of images that may be kept in memory


_WORTH_A_THREAD: Final = 128 * 128  # pixels; decoding smaller images holds the interpreter lock most of the time


_AHEAD: Final = 8  # images in work per thread, so that only few stay in memory after an error or behind a slow image


_LABELS: Final = NO_CLASS  # the last number that uint16 holds stands for no class


def build_store(
    images: ImageSet,
    geometry: Geometry,
    *,
    skip: int = 0,
    budget_bytes: int = _BUDGET,
    rename: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> ImageStore:
    """Read and decode each image once, several at a time if the data set allows it.

    Args:
        images: the data set.
        geometry: applied to each image.
        skip: how many images may be left out because they are damaged, too large or deeper than 8 bits.
        budget_bytes: of images in memory; if they need more, they lie in a file.
        rename: new names of classes by their old ones.
        progress: called with the number of images done and of all images.

    Raises:
        DataError: an image cannot be used, sizes differ after geometry, labels do not fit the class names, or the disk
            has no space for images beyond the budget.
    """
    if len(images) == 0:
        raise DataError("--failaware-dataset: the data set is empty; give at least one labelled image")
    with contextlib.ExitStack() as undo, warnings.catch_warnings(), fixed_switches():
        if images.reads_in_parallel:  # our decoding: Pillow's warnings on metadata must not fail a gate
            warnings.simplefilter("ignore")
        skipped = Skipped(skip)
        start, first = _first(images, geometry, skipped)
        pixels, folder = room_for((len(images), *first.pixels.shape), budget_bytes)
        if folder is not None:
            undo.callback(folder.cleanup)
        kept: list[int] = []
        decoded: list[tuple[bytes, int]] = []
        for index, outcome in enumerate(_fill(pixels, start, first, images, geometry), start):
            if isinstance(outcome, BadImageError):
                skipped.add(images.name(index), outcome)
            else:
                kept.append(index)
                decoded.append(outcome)
            progress(index + 1, len(images))
        keys, labels = [key for key, _ in decoded], [label for _, label in decoded]
        classes = images.classes if images.has_class_names else tuple(map(str, range(max(labels) + 1)))
        ids, contents = sample_ids(keys, [classes[label] for label in labels]), contents_of(keys, labels)
        undo.pop_all()  # the store removes the file from here on
    column = np.array(labels, dtype=np.uint16)
    named = None if images.groups is None else group_numbers([images.groups[index] for index in kept])
    groups = joined(named, contents)
    return ImageStore(
        images=_closed_up(pixels, kept),
        labels=column,
        sample_id=ids,
        facts=DataFacts(
            fingerprint=data_fingerprint(ids, column, classes),
            samples=len(ids),
            classes=classes,
            skipped=len(skipped),
            groups=group_count(groups),
            copies=copy_count(contents),
        ),
        has_class_names=images.has_class_names,
        source=images,
        index=np.array(kept, dtype=np.intp),
        groups=groups,
        former=former_data(lambda names: sample_ids(keys, names), column, classes, rename or {}),
        notes=(*images.notes, *skipped.notes),
        folder=folder,
    )


class _Decoded(NamedTuple):
    """A decoded sample; `pixels` are (H, W, C) uint8, `area` is the number of pixels before geometry."""

    key: bytes
    label: int
    pixels: NDArray[np.uint8]
    area: int


def _decode(images: ImageSet, index: int, geometry: Geometry) -> _Decoded:
    sample = images.read(index)
    named = len(images.classes) if images.has_class_names else _LABELS
    if not 0 <= sample.label < min(named, _LABELS):
        known = f"names {named} classes, 0..{named - 1}" if named < _LABELS else "may have 65535 classes"
        raise DataError(
            f"--failaware-dataset: {images.name(index)} has the label {sample.label}, and the data set {known}; "
            "correct the label or the names"
        )
    try:
        pixels = np.asarray(geometry(sample.image))
    except DataError as error:
        raise DataError(f"{images.name(index)}: {error}") from error
    area = sample.image.width * sample.image.height
    return _Decoded(sample.key, sample.label, pixels[..., None] if pixels.ndim == 2 else pixels, area)


def _first(images: ImageSet, geometry: Geometry, skipped: Skipped) -> tuple[int, _Decoded]:
    """Return the first image that can be used, with its number."""
    for index in range(len(images)):
        try:
            return index, _decode(images, index, geometry)
        except BadImageError as error:
            skipped.add(images.name(index), error)
    raise DataError(f"--failaware-bad-samples: all {len(images)} images would be left out; repair the data set")


_Outcome = tuple[bytes, int] | BadImageError
"""The key and the label of an image, or the reason that it cannot be used."""


def _fill(
    pixels: NDArray[np.uint8], start: int, first: _Decoded, images: ImageSet, geometry: Geometry
) -> Iterator[_Outcome]:
    """Decode each image from `start` on into its row of `pixels`, (N, H, W, C); return the outcomes in order."""

    def store(index: int) -> _Outcome:
        try:
            decoded = first if index == start else _decode(images, index, geometry)
        except BadImageError as error:
            return error
        if decoded.pixels.shape != first.pixels.shape:
            names = images.name(start), images.name(index)
            raise DataError(_two_sizes(names[0], first.pixels.shape, names[1], decoded.pixels.shape))
        pixels[index] = decoded.pixels
        return decoded.key, decoded.label

    rows = range(start, len(images))
    if not images.reads_in_parallel or first.area < _WORTH_A_THREAD:
        return map(store, rows)
    return _in_threads(store, rows)


def _in_threads(work: Callable[[int], _Outcome], rows: Iterable[int]) -> Iterator[_Outcome]:
    """Yield the outcome of each row in order; threads compute a few rows ahead."""
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting: deque[Future[_Outcome]] = deque()
        for index in rows:
            waiting.append(pool.submit(work, index))
            if len(waiting) == _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _closed_up(pixels: NDArray[np.uint8], kept: Sequence[int]) -> NDArray[np.uint8]:
    """Return the kept rows without gaps; they move in place, since their file may be larger than the memory."""
    for row, index in enumerate(kept):
        if row != index:
            pixels[row] = pixels[index]
    return pixels[: len(kept)]


def _two_sizes(first: str, wanted: tuple[int, ...], other: str, size: tuple[int, ...]) -> str:
    sizes = [f"{width} x {height} px with {channels} channel(s)" for height, width, channels in (wanted, size)]
    remedy = "add resize=, or resize_short= and crop=" if wanted[:2] != size[:2] else "give all grey or all as RGB"
    return (
        f"--failaware-preprocess: images must have one size after it, but {first} has {sizes[0]} and {other} "
        f"{sizes[1]}; {remedy}"
    )

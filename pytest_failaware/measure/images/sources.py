"""Open data sets: folders of images, CSV manifests, npz files, torchvision's data sets, and factories."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.budgets import check_unpacked
from pytest_failaware.core.cells import CellError, class_texts
from pytest_failaware.core.errors import DataError, did_you_mean
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.core.text import describe_error, one_line
from pytest_failaware.measure.class_labels import LabelError, class_numbers, whole_number
from pytest_failaware.measure.images.data import CHANNELS, ImageSet
from pytest_failaware.measure.images.folder import FolderImages
from pytest_failaware.measure.images.manifest import open_manifest
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.imports import load_attribute


def open_dataset(source: Source, data_root: Path, group: str | None = None) -> ImageSet:
    """Open the data set of --failaware-dataset.

    Args:
        source: what the option names.
        data_root: the folder of torchvision's data sets.
        group: the column of a manifest that groups samples; None takes the column `group`, if there is one.

    Raises:
        DataError: in one line, with the place, the finding and the remedy.
        ConfigError: `pkg.mod:factory` cannot be imported.
    """
    place = f"--failaware-dataset={source}"
    if source.kind is SourceKind.FOLDER:
        return FolderImages(Path(source.target))
    if source.kind is SourceKind.CSV:
        return open_manifest(Path(source.target), group)
    if source.kind is SourceKind.NPZ:
        return _npz(Path(source.target))
    if source.kind is SourceKind.TORCHVISION:
        return adopt_dataset(_torchvision(source.target, data_root), place)
    factory: Any = load_attribute(source.target, "--failaware-dataset")
    if not callable(factory):
        raise DataError(f"{place}: is a {type(factory).__name__}; name a function without arguments that returns it")
    try:
        dataset = factory()
    except Exception as error:  # the user's code runs here
        raise DataError(f"{place}: calling it raised {describe_error(error)}; repair it") from error
    return dataset if isinstance(dataset, ImageSet) else adopt_dataset(dataset, place)


# ---- npz files -----------------------------------------------------------------------------------------------------


class _Arrays:
    """The arrays of an npz file as a map-style data set."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[Any]) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int]:
        return self.images[index], int(self.labels[index])


def _npz(path: Path) -> ImageSet:
    place = f"--failaware-dataset=npz:{path}"
    arrays = _read_arrays(path, place)
    images, labels = arrays["images"], arrays["labels"]
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[3:] not in CHANNELS:
        raise DataError(
            f"{place}: images must be uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3), got {images.dtype} {images.shape}"
        )
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iufU":
        wanted = f"labels must be {len(images)} whole numbers or names of classes"
        raise DataError(f"{place}: {wanted}, got {labels.dtype} {labels.shape}")
    if "classes" in arrays:
        labels = _class_numbers(labels, arrays["classes"], place)
    elif labels.dtype.kind not in "iu":
        labels = _whole_numbers(labels, place)
    dataset: Any = _Arrays(images, labels)
    for name, attribute in (("classes", "classes"), ("ids", "sample_ids"), ("groups", "groups")):
        if name in arrays:
            if arrays[name].ndim != 1:
                raise DataError(f"{place}: {name} must have one dimension, got shape {arrays[name].shape}")
            setattr(dataset, attribute, arrays[name].tolist())
    return adopt_dataset(dataset, place)


def _class_numbers(labels: NDArray[Any], classes: NDArray[Any], place: str) -> NDArray[Any]:
    """Return the class number of each label, (N,); a label is a class number or a class name."""
    texts = labels.astype(str).tolist()
    try:
        numbers = class_numbers(dict.fromkeys(texts), class_texts(classes.tolist()))
    except (CellError, LabelError) as error:
        item = f"item {texts.index(error.label)}: " if isinstance(error, LabelError) else "classes: "
        raise DataError(f"{place}: {item}{error}") from error
    return np.array([numbers[text] for text in texts])


def _whole_numbers(labels: NDArray[Any], place: str) -> NDArray[Any]:
    """Return the labels of classes without names as whole numbers, (N,)."""
    numbers = [whole_number(text) for text in labels.astype(str).tolist()]
    if None in numbers:
        index = numbers.index(None)
        raise DataError(
            f"{place}: item {index}: the label {one_line(repr(str(labels[index])))} is no whole number; count from 0, "
            "or write the names of the classes, in the order of the model's outputs, as an array classes"
        )
    return np.array(numbers, dtype=object).astype(np.int64)


def _read_arrays(path: Path, place: str) -> dict[str, NDArray[Any]]:
    """Return the arrays that have a meaning here; the file may hold others."""
    remedy = "save it with numpy.savez(images=…, labels=…)"
    try:
        with path.open("rb") as file:
            if is_lfs_pointer(file.read(100)):
                raise DataError(f"{place}: is a Git LFS pointer, not the data set itself; {LFS_REMEDY}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as file_arrays:
                check_unpacked(file_arrays.zip, place, DataError, remedy="save the images as files for folder: or csv:")
                names: list[str] = file_arrays.files
                known = [name for name in ("images", "labels", "classes", "ids", "groups") if name in names]
                arrays: dict[str, NDArray[Any]] = {name: file_arrays[name] for name in known}
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{place}: no such file; give one saved with numpy.savez(images=…, labels=…)") from error
    except Exception as error:  # a damaged file raises errors of any kind
        raise DataError(f"{place}: cannot be read as npz ({describe_error(error)}); {remedy}, no objects") from error
    missing = [name for name in ("images", "labels") if name not in arrays]
    if missing:
        raise DataError(
            f"{place}: has no array {' and '.join(missing)}, only {', '.join(names) or 'nothing'}; {remedy}"
        )
    return arrays


# ---- torchvision ---------------------------------------------------------------------------------------------------


def _torchvision(name: str, root: Path) -> object:
    """Open the test split of a torchvision data set below `root`; nothing is downloaded."""
    from torchvision import datasets

    place = f"--failaware-dataset=torchvision:{name}"
    kind: Any = getattr(datasets, name) if name in datasets.__all__ else None
    parameters = inspect.signature(kind).parameters if kind else {}
    if "root" not in parameters:
        hint = did_you_mean(name, datasets.__all__, "name a class of torchvision.datasets")
        raise DataError(f"{place}: torchvision has no such data set; {hint}")
    options: dict[str, object] = {"download": False} if "download" in parameters else {}
    if "train" in parameters:
        options["train"] = False
    elif "split" in parameters:
        options["split"] = "val" if name == "ImageNet" else "test"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old pickles in new numpy, which the user cannot change
            return kind(root, **options)
    except Exception as error:  # each data set raises errors of its own
        raise DataError(
            f"{place}: not in {root}, or not in the layout of torchvision ({describe_error(error)}); put it there, or "
            "name its folder in failaware_data_root"
        ) from error

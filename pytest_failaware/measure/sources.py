"""Where data sets come from: folders of images, CSV manifests, npz files, torchvision's data sets, and factories."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_failaware.errors import DataError
from pytest_failaware.imports import load_attribute
from pytest_failaware.measure.data import CHANNELS, ImageSet, Sample, adopt_dataset
from pytest_failaware.measure.decode import read_image
from pytest_failaware.measure.manifest import open_manifest
from pytest_failaware.schema import Source, SourceKind
from pytest_failaware.text import describe_error


def open_dataset(source: Source, data_root: Path | None, group: str | None = None) -> ImageSet:
    """The data set of --failaware-dataset; `group` names the column of a manifest that samples are grouped by.

    Raises:
        DataError: in one line, naming the place, what was found and the remedy.
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
        return adopt_dataset(_torchvision(source.target, data_root or Path("data")), place)
    factory: Any = load_attribute(source.target, "--failaware-dataset")
    if not callable(factory):
        raise DataError(f"{place}: is a {type(factory).__name__}; name a function without arguments that returns it")
    try:
        dataset = factory()
    except Exception as error:  # the user's code runs here
        raise DataError(f"{place}: calling it raised {describe_error(error)}; repair it") from error
    return dataset if isinstance(dataset, ImageSet) else adopt_dataset(dataset, place)


# ---- folders of image files ----------------------------------------------------------------------------------------


class FolderImages(ImageSet):
    """One sub-folder per class, class names and files in sorted order; every image is read as RGB."""

    reads_in_parallel = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self.classes, self.files = _class_folders(root)

    def __len__(self) -> int:
        return len(self.files)

    def name(self, index: int) -> str:
        """The file's path below the root."""
        return str(self.files[index][0].relative_to(self.root))

    def read(self, index: int) -> Sample:
        """The file, read once for its hash and its pixels."""
        path, label = self.files[index]
        content, image = read_image(path, f"{path} (image {index})")
        return Sample(key=hashlib.sha256(content).digest(), image=image, label=label)


def _class_folders(root: Path) -> tuple[tuple[str, ...], list[tuple[Path, int]]]:
    """The class names and each image file with its label; hidden files and folders are not looked at."""
    place = f"--failaware-dataset=folder:{root}"
    if not root.is_dir():
        raise DataError(f"{place}: no such folder; give a folder with one sub-folder per class")
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        files = [_image_files(folder) for folder in folders]
    except OSError as error:
        raise DataError(f"{place}: cannot be listed ({describe_error(error)}); make it readable") from error
    if not folders:
        raise DataError(f"{place}: has no sub-folders; give a folder with one sub-folder per class")
    for folder, found in zip(folders, files, strict=True):
        if not found:
            raise DataError(f"{place}: the class folder {folder.name!r} has no image; add some or remove it")
    return tuple(folder.name for folder in folders), [(path, k) for k, found in enumerate(files) for path in found]


def _image_files(folder: Path) -> list[Path]:
    """Every file below the folder that Pillow can open by its suffix, sorted; links are followed."""
    Image.init()
    found: list[Path] = []
    for base, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):  # Path.rglob skips the unreadable
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(base, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if Image.EXTENSION.get(path.suffix.lower()) in Image.OPEN)


def _refuse(error: OSError) -> None:
    raise error


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
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise DataError(f"{place}: labels must be {len(images)} integers, got {labels.dtype} {labels.shape}")
    dataset: Any = _Arrays(images, labels)
    for name, attribute in (("classes", "classes"), ("ids", "sample_ids"), ("groups", "groups")):
        if name in arrays:
            if arrays[name].ndim != 1:
                raise DataError(f"{place}: {name} must have one dimension, got shape {arrays[name].shape}")
            setattr(dataset, attribute, arrays[name].tolist())
    return adopt_dataset(dataset, place)


def _read_arrays(path: Path, place: str) -> dict[str, NDArray[Any]]:
    """The arrays that have a meaning here; the file may hold others."""
    remedy = "save it with numpy.savez(images=…, labels=…)"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            names: list[str] = found.files
            arrays: dict[str, NDArray[Any]] = {
                name: found[name] for name in ("images", "labels", "classes", "ids", "groups") if name in names
            }
    except FileNotFoundError as error:
        raise DataError(f"{place}: no such file; give one saved with numpy.savez(images=…, labels=…)") from error
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise DataError(f"{place}: cannot be read as npz ({describe_error(error)}); {remedy}, no objects") from error
    missing = [name for name in ("images", "labels") if name not in arrays]
    if missing:
        raise DataError(
            f"{place}: has no array {' and '.join(missing)}, only {', '.join(names) or 'nothing'}; {remedy}"
        )
    return arrays


# ---- torchvision ---------------------------------------------------------------------------------------------------


def _torchvision(name: str, root: Path) -> object:
    """The test split of a torchvision data set that lies below `root`; nothing is downloaded."""
    from torchvision import datasets

    place = f"--failaware-dataset=torchvision:{name}"
    kind: Any = getattr(datasets, name) if name in datasets.__all__ else None
    parameters = inspect.signature(kind).parameters if kind else {}
    if "root" not in parameters:
        known = {one.lower(): one for one in datasets.__all__}
        close = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {known[close[0]]!r}?" if close else "name a class of torchvision.datasets"
        raise DataError(f"{place}: torchvision has no such data set; {hint}")
    options: dict[str, object] = {"download": False} if "download" in parameters else {}
    if "train" in parameters:
        options["train"] = False
    elif "split" in parameters:
        options["split"] = "val" if name == "ImageNet" else "test"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old pickles in new numpy: the user can do nothing about it
            return kind(root, **options)
    except Exception as error:  # each data set raises its own
        raise DataError(
            f"{place}: not in {root}, or not as torchvision keeps it ({describe_error(error)}); put it there, or name "
            "its folder with --failaware-data-root"
        ) from error

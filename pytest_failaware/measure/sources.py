"""Where data sets come from: folders of images, npz files, torchvision's data sets, and factories."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_failaware.errors import DataError
from pytest_failaware.imports import describe_error, load_attribute
from pytest_failaware.measure.data import ImageSet, Sample, adopt_dataset, eight_bit
from pytest_failaware.schema import Source, SourceKind


def open_dataset(source: Source, data_root: Path | None) -> ImageSet:
    """The data set of --failaware-dataset.

    Raises:
        DataError: in one line, naming the place, what was found and the remedy.
        ConfigError: `pkg.mod:factory` cannot be imported.
    """
    place = f"--failaware-dataset={source}"
    if source.kind is SourceKind.FOLDER:
        return FolderImages(Path(source.target))
    if source.kind is SourceKind.NPZ:
        return _npz(Path(source.target))
    if source.kind is SourceKind.TORCHVISION:
        return adopt_dataset(_torchvision(source.target, data_root or Path("data")), place)
    factory: Any = load_attribute(source.target, "--failaware-dataset")
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
        place = f"--failaware-dataset=folder:{root}"
        if not root.is_dir():
            raise DataError(f"{place}: no such folder; give a folder with one sub-folder per class")
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        if not folders:
            raise DataError(f"{place}: has no sub-folders; give a folder with one sub-folder per class")
        Image.init()
        self.root = root
        self.classes = tuple(folder.name for folder in folders)
        self.files: list[tuple[Path, int]] = []
        for label, folder in enumerate(folders):
            files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in Image.EXTENSION)
            if not files:
                raise DataError(f"{place}: the class folder {folder.name!r} has no image; add some or remove it")
            self.files += [(path, label) for path in files]

    def __len__(self) -> int:
        return len(self.files)

    def name(self, index: int) -> str:
        """The file's path below the root."""
        return str(self.files[index][0].relative_to(self.root))

    def read(self, index: int) -> Sample:
        """The file, read once for its hash and its pixels."""
        path, label = self.files[index]
        try:
            content = path.read_bytes()
            with Image.open(io.BytesIO(content)) as image:
                pixels = eight_bit(image, f"{path}").convert("RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(
                f"{path}: cannot be decoded ({describe_error(error)}); repair or remove the file"
            ) from error
        return Sample(key=hashlib.sha256(content).digest(), image=pixels, label=label)


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
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
    except FileNotFoundError as error:
        raise DataError(
            f"{place}: no such file; give an npz with images (N, H, W[, C]) uint8 and labels (N,)"
        ) from error
    except Exception as error:  # a damaged file raises whatever its bytes provoke
        raise DataError(f"{place}: cannot be read ({describe_error(error)}); save it with numpy.savez") from error
    missing = [name for name in ("images", "labels") if name not in arrays]
    if missing:
        raise DataError(f"{place}: has no array {' and '.join(missing)}, only {', '.join(arrays) or 'nothing'}")
    images, labels = arrays["images"], arrays["labels"]
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise DataError(f"{place}: images must be uint8 (N, H, W) or (N, H, W, C), got {images.dtype} {images.shape}")
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise DataError(f"{place}: labels must be {len(images)} integers, got {labels.dtype} {labels.shape}")
    dataset: Any = _Arrays(images, labels)
    if "classes" in arrays:
        dataset.classes = arrays["classes"].tolist()
    if "ids" in arrays:
        dataset.sample_ids = arrays["ids"].tolist()
    return adopt_dataset(dataset, place)


# ---- torchvision ---------------------------------------------------------------------------------------------------


def _torchvision(name: str, root: Path) -> object:
    """The test split of a torchvision data set that lies below `root`; nothing is downloaded."""
    from torchvision import datasets

    place = f"--failaware-dataset=torchvision:{name}"
    if name not in datasets.__all__:
        close = difflib.get_close_matches(name, datasets.__all__, n=1)
        raise DataError(
            f"{place}: no such data set in torchvision" + (f"; did you mean {close[0]!r}?" if close else "")
        )
    kind: Any = getattr(datasets, name)
    parameters = inspect.signature(kind).parameters
    options: dict[str, object] = {"download": False} if "download" in parameters else {}
    if "train" in parameters:
        options["train"] = False
    elif "split" in parameters:
        options["split"] = "val" if name == "ImageNet" else "test"
    try:
        return kind(root, **options)
    except Exception as error:  # each data set raises its own
        raise DataError(
            f"{place}: not in {root} ({describe_error(error)}); download it there or give --failaware-data-root"
        ) from error

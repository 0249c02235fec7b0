"""Read corruptions computed elsewhere: arrays as in CIFAR-10-C, folders as in ImageNet-C.

The folder holds `fog.npy`, uint8 (5 N, H, W, 3): the N images at severity 1, then at 2, and so on, in the order of the
data set, with their labels in `labels.npy`; or `fog/3/`, which has the folders and file names of the data set.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_failaware.core.budgets import IMAGE_PIXELS
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.published import SEVERITIES
from pytest_failaware.core.conditions.spelling import PRECOMPUTED
from pytest_failaware.core.errors import DataError
from pytest_failaware.core.lfs import LFS_REMEDY, is_lfs_pointer
from pytest_failaware.core.progress import Progress
from pytest_failaware.core.text import describe_error, spelled
from pytest_failaware.measure.images.data import CHANNELS, ImageSet, Sample
from pytest_failaware.measure.images.decode import read_image
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.store import Geometry, ImageStore, silent

_SUFFIXES: Final = ("", ".JPEG", ".jpeg", ".jpg", ".png")


class Precomputed:
    """The images of a data set under precomputed corruptions; the images of the last condition stay decoded."""

    def __init__(self, root: Path, images: ImageSet, clean: ImageStore, geometry: Geometry) -> None:
        self.root, self.images, self.clean, self.geometry = root, images, clean, geometry
        self._last: tuple[str, ImageStore] | None = None

    def store(self, condition: Condition, progress: Progress = silent) -> ImageStore:
        """Return the images under a condition with the ids and labels of the clean images; `facts` are of these images.

        Raises:
            DataError: the images are absent, or differ from the clean ones in size, labels or number.
        """
        if self._last is None or self._last[0] != condition.key:
            self.close()
            self._last = (condition.key, self._built(condition, progress))
        return self._last[1]

    def close(self) -> None:
        """Free the images and remove the file of a memory map."""
        if self._last is not None:
            self._last[1].close()
            self._last = None

    def _built(self, condition: Condition, progress: Progress) -> ImageStore:
        place, name = f"{condition.key}: {self.root}", condition.name.removeprefix(PRECOMPUTED)
        array, folder = self.root / f"{name}.npy", self.root / name / str(condition.severity)
        if skipped := self.clean.facts.skipped:
            raise DataError(
                f"{place}: these images are matched by their number, and --failaware-bad-samples left out {skipped}; "
                "repair or remove those images"
            )
        if array.is_file():
            pictures: ImageSet = _ArrayPictures(array, condition.severity or 0, self.clean)
        elif folder.is_dir():
            pictures = _FolderPictures(folder, self.images, self.clean)
        else:
            known = ", ".join(sorted({path.stem for path in self.root.glob("*")} - {"labels"})) or "nothing"
            raise DataError(f"{place}: has neither {array.name} nor {name}/{condition.severity}; it has {known}")
        built = build_store(pictures, self._fitted, progress=progress)
        if built.images.shape != self.clean.images.shape:
            raise DataError(
                f"{place}: {built.images.shape[1:]} (height, width, channels) after --failaware-preprocess, the clean "
                f"images {self.clean.images.shape[1:]}; name images of the same size"
            )
        if not np.array_equal(built.labels, self.clean.labels):
            raise DataError(
                f"{place}: the labels differ from those of --failaware-dataset in its order"
                f"{_renumbered(built, self.clean)}; use the same set"
            )
        content = hashlib.sha256(
            built.sample_id.tobytes() + self.clean.sample_id.tobytes()
        )  # which picture belongs to which sample
        return replace(
            built,
            sample_id=self.clean.sample_id,
            groups=self.clean.groups,
            facts=replace(built.facts, fingerprint=content.hexdigest()),
            has_class_names=self.clean.has_class_names,
        )

    def _fitted(self, image: Image.Image) -> Image.Image:
        """Return the picture at the model's input size; published images often have it already and stay unchanged."""
        height, width = self.clean.images.shape[1:3]
        return image if image.size == (width, height) else self.geometry(image)


def _renumbered(built: ImageStore, clean: ImageStore) -> str:
    """Return an addition to the message if only the order of the classes differs."""
    pairs = set(zip(built.labels.tolist(), clean.labels.tolist(), strict=True))
    if len(pairs) != len({label for label, _ in pairs}) or len(pairs) != len({other for _, other in pairs}):
        return ""
    there, here = min(pair for pair in pairs if pair[0] != pair[1])
    return f"; only the order of the classes differs (label {there} there is {here} here)"


class _ArrayPictures(ImageSet):
    """The images of one severity, in an array of all five severities."""

    reads_in_parallel = True

    def __init__(self, path: Path, severity: int, clean: ImageStore) -> None:
        self.path, self.clean, self.classes = path, clean, clean.facts.classes
        self.pixels = _loaded(path)
        rows = len(SEVERITIES) * len(clean.labels)
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) not in (3, 4) or shape[3:] not in CHANNELS or shape[0] != rows:
            raise DataError(
                f"{path}: must be uint8 ({rows}, height, width, channels), 1 or 3 of these, each image of "
                f"--failaware-dataset at five severities, got {self.pixels.dtype} {shape}"
            )
        if shape[1] * shape[2] > IMAGE_PIXELS:
            raise DataError(
                f"{path}: an image has {shape[1]:,} x {shape[2]:,} pixels, the limit is {IMAGE_PIXELS:,}; write "
                "smaller ones"
            )
        self.first = len(clean.labels) * (severity - 1)

    def __len__(self) -> int:
        return len(self.clean.labels)

    def name(self, index: int) -> str:
        """Return the file of the array and the row."""
        return f"{self.path}[{self.first + index}]"

    def read(self, index: int) -> Sample:
        """Read a row as a picture."""
        pixels = np.ascontiguousarray(self.pixels[self.first + index])
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
        label = int(self.clean.labels[index] if self._labels is None else self._labels[self.first + index])
        return Sample(key=hashlib.sha256(pixels.tobytes()).digest(), image=image, label=label)

    @cached_property
    def _labels(self) -> NDArray[np.int64] | None:
        """The labels in the file beside the array, None if there is no such file."""
        path = self.path.with_name("labels.npy")
        if not path.is_file():
            return None
        labels = _loaded(path)
        if labels.shape != self.pixels.shape[:1] or labels.dtype.kind not in "iu":
            raise DataError(f"{path}: must be {len(self.pixels):,} whole numbers, got {labels.dtype} {labels.shape}")
        return labels.astype(np.int64)


class _FolderPictures(ImageSet):
    """The files of a folder that have the names of the clean files; suffixes may differ."""

    reads_in_parallel = True

    def __init__(self, folder: Path, images: ImageSet, clean: ImageStore) -> None:
        self.folder, self.images, self.clean, self.classes = folder, images, clean, clean.facts.classes

    def __len__(self) -> int:
        return len(self.clean.labels)

    def name(self, index: int) -> str:
        """Return the path of the file."""
        return spelled(str(self.folder / self.images.file(index)))

    def read(self, index: int) -> Sample:
        """Read the file of the same name."""
        wanted = self.folder / self.images.file(index)
        paths = [wanted, *(wanted.with_suffix(suffix) for suffix in _SUFFIXES)]
        file = next((path for path in paths if path.is_file()), None)
        if file is None:
            raise DataError(
                f"{self.name(index)}: there is no such file; the folder must repeat the files of --failaware-dataset"
            )
        content, image = read_image(file, spelled(str(file)))
        return Sample(key=hashlib.sha256(content).digest(), image=image, label=int(self.clean.labels[index]))


def _loaded(path: Path) -> NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            if is_lfs_pointer(file.read(100)):
                raise DataError(f"{path}: is a Git LFS pointer, not the array itself; {LFS_REMEDY}")
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = describe_error(error)
        raise DataError(f"{path}: cannot be read as an array ({reason}); write it with numpy.save") from error
    if not isinstance(loaded, np.ndarray):
        loaded.close()
        raise DataError(f"{path}: is an archive of several arrays; write a single array with numpy.save")
    return loaded

"""Sources become sets of labelled Pillow images, or one line that says what is wrong with them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import toy
from PIL import Image

from pytest_failaware.errors import DataError
from pytest_failaware.measure.data import adopt_dataset
from pytest_failaware.measure.sources import open_dataset
from pytest_failaware.schema import Source, SourceKind


def folder(root: Path) -> Source:
    """The folder as a source."""
    return Source(kind=SourceKind.FOLDER, target=str(root))


def picture(path: Path, mode: str = "RGB", value: int = 7) -> None:
    """A small image file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (6, 4), value if mode in ("L", "I;16") else (value,) * len(mode)).save(path)


class Items:
    """A map-style data set of these items."""

    def __init__(self, *items: object, **attributes: object) -> None:
        self.items = items
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> object:
        return self.items[index]


GREY = np.full((4, 6), 9, dtype=np.uint8)


def test_folders_are_read_as_torchvision_reads_them(tmp_path: Path) -> None:
    """Classes and files in sorted order, every image as RGB, the key the hash of the file's bytes."""
    for name, mode in (("b/2.png", "RGBA"), ("b/1.jpg", "RGB"), ("a/deep/3.png", "L")):
        picture(tmp_path / name, mode)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / ".cache").mkdir()
    images = open_dataset(folder(tmp_path), None)

    assert ("a", "b") == images.classes
    assert [("a/deep/3.png", 0), ("b/1.jpg", 1), ("b/2.png", 1)] == [
        (images.name(i), images.read(i).label) for i in range(len(images))
    ]
    assert {("RGB", (6, 4))} == {(images.read(i).image.mode, images.read(i).image.size) for i in range(3)}
    assert 3 == len({images.read(i).key for i in range(3)})


def no_folder(root: Path) -> None:
    """Nothing there."""


def no_classes(root: Path) -> None:
    picture(root / "lone.png")


def empty_class(root: Path) -> None:
    picture(root / "a" / "1.png")
    (root / "b").mkdir()


@pytest.mark.parametrize(
    ("make", "words"),
    [(no_folder, "no such folder"), (no_classes, "no sub-folders"), (empty_class, "class folder 'b' has no image")],
)
def test_folders_that_hold_no_data_set(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    """The option, the folder and what is missing."""
    make(tmp_path / "data")

    with pytest.raises(DataError, match=f"--failaware-dataset=folder:.*data: .*{words}"):
        open_dataset(folder(tmp_path / "data"), None)


def truncated(path: Path) -> None:
    picture(path.with_name("whole.jpg"))
    path.write_bytes(path.with_name("whole.jpg").read_bytes()[:300])


def sixteen_bit(path: Path) -> None:
    Image.fromarray(np.full((4, 6), 40000, dtype=np.uint16)).save(path, format="png")


def no_image(path: Path) -> None:
    path.write_text("hello")


@pytest.mark.parametrize(
    ("make", "words"),
    [(truncated, "[Tt]runcated"), (sixteen_bit, "8 bits per channel"), (no_image, "cannot be decoded")],
)
def test_files_that_cannot_be_decoded(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    """The path of the file and why."""
    path = tmp_path / "a" / "broken.jpg"
    path.parent.mkdir()
    make(path)
    images = open_dataset(folder(tmp_path), None)

    with pytest.raises(DataError, match=rf"a/broken\.jpg: .*{words}"):
        images.read(0)


def test_items_of_every_kind_are_one_image() -> None:
    """Pillow, arrays with and without a channel, and tensors: the same pixels have the same key."""
    forms = (Image.fromarray(GREY), GREY, GREY[:, :, None], torch.from_numpy(GREY)[None])
    images = adopt_dataset(Items(*((form, torch.tensor(1)) for form in forms), classes=["x", "y"]), "here")
    samples = [images.read(i) for i in range(4)]

    assert 1 == len({sample.key for sample in samples})
    assert [("L", 1)] * 4 == [(sample.image.mode, sample.label) for sample in samples]
    assert ("x", "y") == images.classes


def test_a_data_set_may_give_keys() -> None:
    """sample_ids take the place of the content's hash."""
    keyed = adopt_dataset(Items((GREY, 0), (GREY, 0), sample_ids=["p", "q"]), "here")

    assert keyed.read(0).key != keyed.read(1).key
    with pytest.raises(DataError, match="here: sample_ids must be 2 different keys; got 1"):
        adopt_dataset(Items((GREY, 0), (GREY, 0), sample_ids=["p", "p"]), "here")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ((torch.zeros(3, 4, 6), 0), "float32 .4, 6, 3.*leave out ToTensor"),
        ((np.zeros((4, 6, 2), dtype=np.uint8), 0), "shape .4, 6, 2."),
        ((Image.new("F", (6, 4)), 0), "mode 'F'"),
        ((GREY, -1), "label is -1"),
        ((GREY, 1.5), "label is 1.5"),
        ((GREY, "cat"), "label is 'cat'"),
        ((GREY,), "is a tuple; items must be .image, label."),
        (GREY, "is a ndarray; items must be .image, label."),
    ],
)
def test_items_that_cannot_be_used(item: object, words: str) -> None:
    """The item's number, what it is, and what it should be."""
    with pytest.raises(DataError, match=f"here: item 0: .*{words}"):
        adopt_dataset(Items(item), "here").read(0)


def test_what_is_no_data_set() -> None:
    """Iterables have no length, and nothing can be measured on nothing."""
    with pytest.raises(DataError, match="here: generator is no map-style data set"):
        adopt_dataset((_ for _ in ()), "here")
    with pytest.raises(DataError, match="here: the data set is empty"):
        adopt_dataset(Items(), "here")


def npz(path: Path, **arrays: object) -> Source:
    """An npz file as a source."""
    np.savez(path, **arrays)
    return Source(kind=SourceKind.NPZ, target=str(path))


def test_npz_files(tmp_path: Path) -> None:
    """Images and labels, with optional class names and ids."""
    images, labels = toy.arrays()
    plain = open_dataset(npz(tmp_path / "plain.npz", images=images, labels=labels), None)
    named = open_dataset(
        npz(tmp_path / "named.npz", images=images, labels=labels, classes=np.array(toy.CLASSES), ids=np.arange(15)),
        None,
    )

    assert (15, False, True) == (len(plain), plain.has_class_names, named.has_class_names)
    assert toy.CLASSES == named.classes
    assert plain.read(3).key != named.read(3).key
    assert np.array_equal(images[3], np.asarray(named.read(3).image))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": GREY[None]}, "has no array labels, only images"),
        ({"images": GREY[None] / 255, "labels": [0]}, "images must be uint8 .*, got float64"),
        ({"images": GREY, "labels": [0]}, "images must be uint8 .N, H, W."),
        ({"images": GREY[None], "labels": [0.0]}, "labels must be 1 integers, got float64"),
        ({"images": GREY[None], "labels": [0, 1]}, r"labels must be 1 integers, got int64 \(2,\)"),
    ],
)
def test_npz_files_that_cannot_be_used(tmp_path: Path, arrays: dict[str, object], words: str) -> None:
    """What is there and what is wanted."""
    with pytest.raises(DataError, match=f"--failaware-dataset=npz:.*x.npz: .*{words}"):
        open_dataset(npz(tmp_path / "x.npz", **arrays), None)


def test_npz_files_that_are_none(tmp_path: Path) -> None:
    """Absent, damaged, or holding pickled objects, which are never loaded."""
    source = Source(kind=SourceKind.NPZ, target=str(tmp_path / "x.npz"))
    with pytest.raises(DataError, match="no such file"):
        open_dataset(source, None)
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(DataError, match="cannot be read"):
        open_dataset(source, None)
    with pytest.raises(DataError, match=r"cannot be read .*allow_pickle"):
        open_dataset(npz(tmp_path / "x.npz", images=np.array([object()]), labels=[0]), None)


def write_mnist(root: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Files as torchvision keeps them after downloading MNIST."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        header = struct.pack(">IIII", 2051, len(images), *images.shape[1:])
        (raw / f"{split}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, len(labels)) + bytes(labels.tolist()))


def test_torchvision_data_sets(tmp_path: Path) -> None:
    """The test split from where it lies; nothing is downloaded, and a miss says where it looked."""
    source = Source(kind=SourceKind.TORCHVISION, target="MNIST")
    images, labels = toy.arrays()
    with pytest.raises(DataError, match=r"torchvision:MNIST: not in .*--failaware-data-root"):
        open_dataset(source, tmp_path)
    write_mnist(tmp_path, images, labels)
    found = open_dataset(source, tmp_path)

    assert (15, 10) == (len(found), len(found.classes))
    assert np.array_equal(images[4], np.asarray(found.read(4).image))
    with pytest.raises(DataError, match="did you mean 'MNIST'"):
        open_dataset(Source(kind=SourceKind.TORCHVISION, target="MNISTT"), tmp_path)


def test_factories() -> None:
    """Called without arguments; what is no data set is refused by name."""
    assert 15 == len(open_dataset(Source(kind=SourceKind.FACTORY, target="toy:images"), None))
    with pytest.raises(DataError, match="--failaware-dataset=toy:network: Bands is no map-style data set"):
        open_dataset(Source(kind=SourceKind.FACTORY, target="toy:network"), None)

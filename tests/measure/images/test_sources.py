"""Real folders of images, npz files, torchvision's own data sets and factories, written and opened here."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps
from torchvision import datasets
from torchvision.datasets.folder import pil_loader

from pytest_failaware.core.errors import BadImageError, ConfigError, DataError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.images.data import ImageSet
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.sources import open_dataset

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (48, 40, 3), dtype=np.uint8)


def opened(kind: SourceKind, target: object, data_root: Path = Path("data")) -> ImageSet:
    return open_dataset(Source(kind=kind, target=str(target)), data_root)


def refusal(kind: SourceKind, target: object, data_root: Path = Path("data")) -> str:
    """Return the line that refuses a data set, or its first unreadable item."""

    def read_all() -> None:
        images = opened(kind, target, data_root)
        for index in range(len(images)):
            images.read(index)

    with pytest.raises(DataError) as caught:
        read_all()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- folders -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, three images."""
    for name in ("dog/b.png", "cat/2.PNG", "cat/sub/1.jpeg"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(COLOUR).save(path)
    return tmp_path / "data"


def test_a_folder_has_one_sub_folder_per_class(folder: Path) -> None:
    """Class names and files are in sorted order, at any depth; other files and hidden ones do not count."""
    (folder / "README.txt").write_text("no class")
    (folder / "cat" / "notes.txt").write_text("no image")
    (folder / "cat" / "paper.pdf").write_text("a format that Pillow only writes")
    (folder / "cat" / "._2.png").write_text("what a Mac leaves behind")
    (folder / "cat" / ".cache").mkdir()
    (folder / "cat" / ".cache" / "thumbnail.png").write_text("hidden")
    (folder / ".git").mkdir()
    images = opened(SourceKind.FOLDER, folder)

    assert ("cat", "dog") == images.classes
    assert ["cat/2.PNG", "cat/sub/1.jpeg", "dog/b.png"] == [Path(images.name(k)).as_posix() for k in range(len(images))]
    assert [0, 0, 1] == [images.read(k).label for k in range(len(images))]


def test_the_key_of_a_file_is_the_hash_of_its_bytes(folder: Path) -> None:
    """The same pixels in another file are another sample; a copy of the file is the same."""
    (folder / "dog" / "copy.png").write_bytes((folder / "dog" / "b.png").read_bytes())
    images = opened(SourceKind.FOLDER, folder)
    keys = {images.name(k): images.read(k).key for k in range(len(images))}

    assert keys["dog/b.png"] == keys["dog/copy.png"] == keys["cat/2.PNG"]
    assert keys["dog/b.png"] != keys["cat/sub/1.jpeg"]


def jpeg(mode: str) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(COLOUR).convert(mode).save(path, "JPEG")


def png(mode: str) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(COLOUR).convert(mode).save(path, "PNG")


def png_rgba(path: Path) -> None:
    alpha = RANDOM.integers(0, 256, (48, 40, 1), dtype=np.uint8)
    Image.fromarray(np.concatenate([COLOUR, alpha], axis=2)).save(path, "PNG")


def png_palette_with_alpha(path: Path) -> None:
    Image.fromarray(COLOUR).quantize(4).save(path, "PNG", transparency=bytes([9, 64, 128, 200]))


def gif(path: Path) -> None:
    frames = [Image.fromarray(COLOUR).quantize(8), Image.fromarray(COLOUR[::-1].copy()).quantize(8)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    "write",
    [*map(jpeg, ["L", "RGB", "CMYK"]), *map(png, ["1", "L", "LA", "P"]), png_rgba, png_palette_with_alpha, gif],
)
def test_every_file_is_read_as_torchvision_reads_it(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """The pixels are those of ImageFolder's loader, as RGB; a palette's transparency gives no warning."""
    path = tmp_path / "cat" / "image.png"
    path.parent.mkdir()
    write(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.asarray(pil_loader(path))
    read = opened(SourceKind.FOLDER, tmp_path).read(0).image

    assert "RGB" == read.mode
    assert np.array_equal(expected, np.asarray(read))


def sixteen_bits(path: Path) -> None:
    Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000).save(path, "PNG")


def no_image(path: Path) -> None:
    path.write_text("no image")


def truncated(path: Path) -> None:
    content = io.BytesIO()
    Image.fromarray(COLOUR).save(content, "JPEG")
    path.write_bytes(content.getvalue()[:-500])


def damaged_png(path: Path) -> None:
    Image.fromarray(COLOUR).save(path, "PNG")
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (sixteen_bits, ["16 bits per channel", "8 bits"]),
        (no_image, ["cannot be decoded", "no PNG, JPEG, WebP, BMP, GIF, TIFF or PPM image", "repair or remove"]),
        (truncated, ["cannot be decoded", "truncated"]),
        (damaged_png, ["cannot be decoded"]),
        (lambda path: path.write_bytes(b""), ["cannot be decoded"]),
        (lambda path: path.symlink_to("nowhere"), ["cannot be read", "FileNotFoundError", "check its name"]),
    ],
)
def test_a_file_that_cannot_be_used(folder: Path, write: Callable[[Path], None], words: list[str]) -> None:
    """The error names the file."""
    write(folder / "cat" / "bad.png")
    text = refusal(SourceKind.FOLDER, folder)

    assert text.startswith(str(folder / "cat" / "bad.png"))
    assert [] == [word for word in words if word not in text]


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims so many pixels and ends after its header."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = b"IDAT" + zlib.compress(bytes(4096))
    chunks = b"".join(
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in (chunk, body)
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_a_bomb_is_refused_before_it_is_decoded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header of a small file promises 900 million pixels; the file is refused before decoding, with any suffix."""
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decodes it"))
    for name in ("0.png", "0.jpg"):
        bad = folder / "cat" / name
        bad.write_bytes(png_header(30_000, 30_000))
        text = refusal(SourceKind.FOLDER, folder)
        bad.unlink()

        assert text.startswith(f"{bad} (image 0): cannot be decoded (DecompressionBombError: ")
        assert "900000000 pixels" in text


@pytest.mark.parametrize("limit", [None, 1, 10**12])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_the_limit_of_pixels_is_ours(
    folder: Path, limit: int | None, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither Pillow's own limit nor a filter of warnings moves it, and both stay as they are."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        for name, side in (("at", 8_000), ("beyond", 8_001)):
            (folder / "cat" / "0.png").write_bytes(png_header(side, 8_000))
            theirs = adopt_dataset(datasets.ImageFolder(str(folder)), "theirs")
            for images in (opened(SourceKind.FOLDER, folder), theirs):
                with pytest.raises(BadImageError) as caught:
                    build_store(images, lambda image: image)
                assert (name == "beyond") == ("exceeds limit of 64000000 pixels" in str(caught.value))

    assert limit == Image.MAX_IMAGE_PIXELS


def test_an_image_in_memory_that_claims_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set may have opened it before, when Pillow's limit was another."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decodes it"))
    bad = Image.open(io.BytesIO(png_header(8_001, 8_000)))

    with pytest.raises(BadImageError, match=r"8,001 x 8,000 pixels, the limit is 64,000,000; make it smaller"):
        adopt_dataset([(bad, 0)], "here").read(0)


def test_times_of_files_mean_nothing(folder: Path) -> None:
    """A fresh checkout in CI gives every file another time, and the same fingerprint and ids."""
    before = build_store(opened(SourceKind.FOLDER, folder), lambda image: image)
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    after = build_store(opened(SourceKind.FOLDER, folder), lambda image: image)
    (folder / "dog" / "b.png").write_bytes((folder / "dog" / "b.png").read_bytes() + b"\0")
    changed = build_store(opened(SourceKind.FOLDER, folder), lambda image: image)

    assert before.facts == after.facts
    assert before.sample_id.tolist() == after.sample_id.tolist()
    assert before.facts != changed.facts


def test_orientation_is_ignored(tmp_path: Path) -> None:
    """EXIF asks viewers to turn the picture; the pixels stand as they are stored, as for torchvision."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "cat" / "turned.jpg"
    path.parent.mkdir()
    Image.fromarray(COLOUR).save(path, "JPEG", exif=exif)

    assert (40, 48) == opened(SourceKind.FOLDER, tmp_path).read(0).image.size
    assert (48, 40) == ImageOps.exif_transpose(Image.open(path)).size


def missing(path: Path) -> None:
    assert not path.exists()


def flat(path: Path) -> None:
    path.mkdir()
    Image.fromarray(COLOUR).save(path / "a.png")


def empty_class(path: Path) -> None:
    (path / "empty").mkdir(parents=True)
    (path / "cat").mkdir()
    Image.fromarray(COLOUR).save(path / "cat" / "a.png")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (missing, ["no such folder", "one sub-folder per class"]),
        (lambda path: path.write_text("a file"), ["no such folder"]),
        (flat, ["no sub-folders", "one sub-folder per class"]),
        (empty_class, ["'empty' has no image"]),
    ],
)
def test_folders_that_are_no_data_set(tmp_path: Path, make: Callable[[Path], None], words: list[str]) -> None:
    """The error names the option, the folder and the remedy."""
    make(tmp_path / "set")
    text = refusal(SourceKind.FOLDER, tmp_path / "set")

    assert text.startswith(f"--failaware-dataset=folder:{tmp_path / 'set'}: ")
    assert [] == [word for word in words if word not in text]


def test_an_unreadable_folder_is_not_an_empty_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable folder below a class is an error, so that its images are not missing silently."""
    listed = os.scandir

    def scandir(path: object) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr("os.scandir", scandir)
    text = refusal(SourceKind.FOLDER, folder)

    assert "cannot be listed (PermissionError" in text
    assert str(folder / "cat" / "sub") in text


# ---- npz -----------------------------------------------------------------------------------------------------------


GREYS = RANDOM.integers(0, 256, (3, 4, 5), dtype=np.uint8)
LABELS = np.array([2, 0, 1])


@pytest.mark.parametrize("images", [GREYS, GREYS[..., None], np.stack([GREYS] * 3, axis=3)])
def test_npz(tmp_path: Path, images: np.ndarray) -> None:
    """Grey and colour images with labels; class names are optional."""
    np.savez(tmp_path / "a.npz", images=images, labels=LABELS)
    np.savez(tmp_path / "b.npz", images=images, labels=LABELS.astype(np.uint8), classes=np.array(["x", "y", "z"]))
    plain, named = (opened(SourceKind.NPZ, tmp_path / name) for name in ("a.npz", "b.npz"))

    assert [2, 0, 1] == [plain.read(k).label for k in range(3)] == [named.read(k).label for k in range(3)]
    assert np.array_equal(images[1].squeeze(), np.asarray(named.read(1).image))
    assert not plain.has_class_names
    assert ("x", "y", "z") == named.classes


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([2.0, 0.0, 1.0]), None),
        (np.array([2.0, 0.0, 1.0], dtype=np.float32), ["x", "y", "z"]),
        (np.array(["2", "0", "1"]), None),
        (np.array(["2", "0", "1"]), ["x", "y", "z"]),
        (np.array(["z", "x", "y"]), ["x", "y", "z"]),
        (np.array(["class_3", "class_1", "class_2"]), ["class_1", "class_2", "class_3"]),
        (np.array([3.0, 1.0, 2.0]), [1, 2, 3]),
    ],
)
def test_npz_labels(tmp_path: Path, labels: np.ndarray, classes: list[object] | None) -> None:
    """Whole numbers of any type count from 0, and names of classes are those classes, as in predictions."""
    named = {} if classes is None else {"classes": np.array(classes)}
    np.savez(tmp_path / "set.npz", images=GREYS, labels=labels, **named)
    images = opened(SourceKind.NPZ, tmp_path / "set.npz")

    assert [2, 0, 1] == [images.read(index).label for index in range(3)]


def test_npz_ids_identify_the_images(tmp_path: Path) -> None:
    """With `ids` the keys follow the ids when the images change."""
    np.savez(tmp_path / "a.npz", images=GREYS, labels=LABELS, ids=np.array(["p", "q", "r"]))
    np.savez(tmp_path / "b.npz", images=255 - GREYS, labels=LABELS, ids=np.array(["q", "p", "r"]))
    first, second = (opened(SourceKind.NPZ, tmp_path / name) for name in ("a.npz", "b.npz"))

    assert [first.read(k).key for k in (0, 1, 2)] == [second.read(k).key for k in (1, 0, 2)]


def test_npz_groups(tmp_path: Path) -> None:
    """An array `groups` says which images belong together."""
    np.savez(tmp_path / "set.npz", images=GREYS, labels=LABELS, groups=np.array(["p", "q", "p"]))

    assert ["p", "q", "p"] == opened(SourceKind.NPZ, tmp_path / "set.npz").groups


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": LABELS}, ["no array images, only labels", "numpy.savez"]),
        ({"x": GREYS}, ["no array images and labels, only x"]),
        ({"images": GREYS / 255, "labels": LABELS}, ["images must be uint8", "float64 (3, 4, 5)"]),
        ({"images": GREYS[0], "labels": LABELS}, ["(N, H, W)", "uint8 (4, 5)"]),
        ({"images": np.stack([GREYS] * 4, axis=3), "labels": LABELS}, ["(N, H, W, 3)", "uint8 (3, 4, 5, 4)"]),
        ({"images": np.stack([GREYS] * 3, axis=1), "labels": LABELS}, ["(N, H, W, 3)", "uint8 (3, 3, 4, 5)"]),
        ({"images": GREYS, "labels": LABELS * 0.5}, ["the label '0.5' is no whole number", "count from 0"]),
        ({"images": GREYS, "labels": np.array(["a", "b", "a"])}, ["item 0: the label 'a'", "an array classes"]),
        ({"images": GREYS, "labels": LABELS * np.nan}, ["the label 'nan' is no whole number"]),
        ({"images": GREYS, "labels": LABELS * 1j}, ["labels must be 3 whole numbers", "complex128 (3,)"]),
        ({"images": GREYS, "labels": LABELS[:2]}, ["labels must be 3 whole numbers", "(2,)"]),
        ({"images": GREYS, "labels": np.eye(3, dtype=int)}, ["labels must be 3 whole numbers", "(3, 3)"]),
        ({"images": GREYS, "labels": LABELS - 1}, ["item 1", "the label is -1"]),
        ({"images": GREYS, "labels": LABELS, "ids": np.arange(2)}, ["3 different keys", "among 2"]),
        ({"images": GREYS, "labels": LABELS, "groups": np.arange(2)}, ["each of the 3 items; got 2"]),
        ({"images": GREYS, "labels": LABELS, "groups": np.eye(3)}, ["groups must have one dimension"]),
        ({"images": GREYS, "labels": LABELS, "classes": np.array("cat")}, ["classes must have one dimension"]),
        ({"images": GREYS, "labels": LABELS, "classes": np.array(["a", None])}, ["cannot be read", "no objects"]),
        ({"images": GREYS[:0], "labels": LABELS[:0]}, ["empty"]),
    ],
)
def test_npz_that_cannot_be_used(tmp_path: Path, arrays: dict[str, np.ndarray], words: list[str]) -> None:
    """The error names the file and the array, what was found and what is wanted."""
    np.savez(tmp_path / "set.npz", **arrays)
    text = refusal(SourceKind.NPZ, tmp_path / "set.npz")

    assert [] == [word for word in ["--failaware-dataset=npz:", "set.npz", *words] if word not in text]


def other_file(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, GREYS)


def cut(path: Path) -> None:
    np.savez(path, images=GREYS, labels=LABELS)
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path: Path) -> None:
    np.savez(path, images=GREYS, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (missing, ["no such file", "numpy.savez"]),
        (Path.mkdir, ["cannot be read as npz (IsADirectoryError"]),
        (other_file, ["cannot be read as npz (TypeError"]),
        (lambda path: path.write_text("hello"), ["cannot be read as npz (ValueError"]),
        (cut, ["cannot be read as npz (BadZipFile"]),
        (flipped, ["cannot be read as npz (BadZipFile"]),
    ],
)
def test_damaged_npz(tmp_path: Path, make: Callable[[Path], None], words: list[str]) -> None:
    """The error names the file and what is wrong with it."""
    make(tmp_path / "set.npz")
    text = refusal(SourceKind.NPZ, tmp_path / "set.npz")

    assert [] == [word for word in ["set.npz: ", *words] if word not in text]


def test_npz_that_unpacks_to_more_than_a_gigabyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file must not take all memory: the list of its members is enough to refuse it."""
    path = tmp_path / "set.npz"
    np.savez_compressed(path, images=GREYS, labels=LABELS)
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")  # of the images in that list
    content[entry + 24 : entry + 28] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(content)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacks it"))

    text = refusal(SourceKind.NPZ, path)
    assert "set.npz: unpacks to 1,073,741,976 bytes, the limit is 1,073,741,824; save the images as files" in text


def test_npz_that_git_lfs_has_not_fetched(tmp_path: Path) -> None:
    """The error says how to fetch it."""
    path = tmp_path / "set.npz"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")

    assert refusal(SourceKind.NPZ, path).endswith(
        "is a Git LFS pointer, not the data set itself; fetch the file with git lfs pull"
    )


# ---- torchvision ---------------------------------------------------------------------------------------------------


def write_mnist(root: Path) -> np.ndarray:
    """MNIST's files with two training and three test images; the test images."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    pixels = RANDOM.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    for prefix, images in (("train", pixels[:2]), ("t10k", pixels[2:])):
        count = len(images)
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">iiii", 0x803, count, 28, 28) + images.tobytes())
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">ii", 0x801, count) + bytes(range(count)))
    return pixels[2:]


def test_torchvision_gives_the_test_split(tmp_path: Path) -> None:
    """The data set is read from the data root, with its class names, grey as it is."""
    expected = write_mnist(tmp_path)
    images = opened(SourceKind.TORCHVISION, "MNIST", tmp_path)

    assert 3 == len(images)
    assert "7 - seven" == images.classes[7]
    assert np.array_equal(expected[2], np.asarray(images.read(2).image))
    assert 2 == images.read(2).label


@pytest.mark.parametrize(("name", "expected"), [("SVHN", "test"), ("ImageNet", "val")])
def test_torchvision_splits_by_name(name: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a data set names its splits it is the test split; ImageNet publishes labels for val alone."""

    class Fake(list[object]):
        def __init__(self, root: Path, split: str = "train", download: bool = True) -> None:
            warnings.warn("what the user cannot repair", UserWarning, stacklevel=1)
            super().__init__([(COLOUR, 0)])
            self.classes = [split, str(root), str(download)]

    monkeypatch.setattr(datasets, name, Fake)

    assert (expected, "data", "False") == opened(SourceKind.TORCHVISION, name).classes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MNIST", ["MNIST: not in", "failaware_data_root"]),
        ("cifar10", ["no such data set", "did you mean 'CIFAR10'?"]),
        ("FashonMNIST", ["did you mean 'FashionMNIST'?"]),
        ("zzzzzz", ["no such data set", "torchvision.datasets"]),
        ("FakeData", ["no such data set"]),
        ("wrap_dataset_for_transforms_v2", ["no such data set"]),
    ],
)
def test_torchvision_data_that_is_not_there(tmp_path: Path, name: str, words: list[str]) -> None:
    """Nothing is downloaded; the error names the folder searched, or the name that was meant."""
    text = refusal(SourceKind.TORCHVISION, name, tmp_path)

    assert [] == [word for word in [f"--failaware-dataset=torchvision:{name}: ", *words] if word not in text]
    assert [] == list(tmp_path.iterdir())


# ---- factories -----------------------------------------------------------------------------------------------------


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of the user's own."""
    name = f"factories_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(
        "import numpy as np\n"
        "def build(): return [(np.zeros((2, 2), np.uint8), 1)]\n"
        "def broken(): raise OSError('no disk')\n"
        "def wrong(): return 5\n"
        "built = build()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_factory_is_called_without_arguments(factories: str) -> None:
    """The result of the factory is read as a data set."""
    images = opened(SourceKind.FACTORY, f"{factories}:build")

    assert (1, 1) == (len(images), images.read(0).label)


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("broken", "calling it raised OSError: no disk"),
        ("wrong", "int is no map-style data set"),
        ("built", "is a list; name a function"),
    ],
)
def test_factories_that_yield_no_data_set(factories: str, attribute: str, words: str) -> None:
    """The error names the factory and what it did."""
    assert f"--failaware-dataset={factories}:{attribute}: {words}" in refusal(
        SourceKind.FACTORY, f"{factories}:{attribute}"
    )


def test_a_factory_that_does_not_exist(factories: str) -> None:
    """A wrong name is a mistake in the configuration."""
    with pytest.raises(ConfigError, match="did you mean 'build'"):
        opened(SourceKind.FACTORY, f"{factories}:biuld")

"""Image files: which formats are decoded, and what a header may say; no program is ever started."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import BadImageError, DataError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.images.decode import FORMATS, has_image_suffix, read_image
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.folder import FolderImages
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.precomputed import Precomputed
from pytest_failaware.measure.images.sources import open_dataset
from pytest_failaware.measure.preview import open_picture

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (16, 20, 3), dtype=np.uint8)


def same(image: Image.Image) -> Image.Image:
    return image


def refusal(path: Path) -> BadImageError:
    """Return the error of a bad image."""
    with pytest.raises(BadImageError) as caught:
        read_image(path, "here")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("here: ")
    return caught.value


# ---- formats -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_the_formats_that_are_decoded(tmp_path: Path, name: str) -> None:
    """The bytes decide the format, not the suffix."""
    if name == "WEBP" and not features.check("webp"):
        pytest.skip("this Pillow has no WebP")
    for suffix in (".png", ".jpg", ".data"):
        path = tmp_path / f"image{suffix}"
        Image.fromarray(COLOUR).save(path, name)

        assert (20, 16) == read_image(path, "here")[1].size


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm"])
def test_suffixes_of_images(suffix: str) -> None:
    """Files of these names in a class folder are images."""
    assert has_image_suffix(f"a.b{suffix}")


@pytest.mark.parametrize("name", ["a.eps", "a.ps", "a.wmf", "a.pdf", "a.txt", "png", "a.", "a.png.txt", "a.npy", ""])
def test_other_names(name: str) -> None:
    """Everything else is no image; EPS and PostScript are programs."""
    assert not has_image_suffix(name)


@pytest.mark.parametrize("name", ["TGA", "ICO", "PCX", "SGI"])
def test_other_formats(tmp_path: Path, name: str) -> None:
    """They are refused with the list of those that are decoded."""
    path = tmp_path / "image.png"
    Image.fromarray(COLOUR).save(path, name)

    assert "no PNG, JPEG, WebP, BMP, GIF, TIFF or PPM image" in str(refusal(path))


def test_a_photo_with_more_pictures_behind_it(tmp_path: Path) -> None:
    """Phones write them: a JPEG that Pillow calls MPO, whose first picture counts, in files and in data sets."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(COLOUR).save(path, "MPO", save_all=True, append_images=[Image.fromarray(COLOUR[::-1].copy())])
    with Image.open(path) as opened:
        assert "MPO" == opened.format
        taken = adopt_dataset([(opened, 0)], "here").read(0).image

    assert np.array_equal(np.asarray(read_image(path, "here")[1]), np.asarray(taken))


# ---- programs ------------------------------------------------------------------------------------------------------


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 20 16
%%EndComments
(here) print
showpage
%%EOF
"""


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a program named gs on the PATH would write."""
    if os.name != "posix":
        pytest.skip("the program is a script of a shell")
    marker = tmp_path / "started"
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho started >> {marker}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # not looked for yet
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_windows_binary", None)
    with pytest.raises(OSError, match=r"."), Image.open(io.BytesIO(EPS)) as image:
        image.load()
    assert marker.exists()  # Pillow itself starts it
    marker.unlink()
    return marker


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class folder of three images, the second of which is EPS."""
    place = tmp_path / "data" / "cat"
    place.mkdir(parents=True)
    for k in range(3):
        Image.fromarray(COLOUR).save(place / f"{k}.png")
    (place / "1.png").write_bytes(EPS)
    (place / "drawing.eps").write_bytes(EPS)
    (place.parent / "list.csv").write_text("file,label\ncat/0.png,cat\ncat/1.png,cat\n")
    return place.parent


def folder_set(folder: Path, skip: int) -> None:
    build_store(FolderImages(folder), same, skip=skip)


def manifest(folder: Path, skip: int) -> None:
    build_store(open_dataset(Source(kind=SourceKind.CSV, target=str(folder / "list.csv")), None), same, skip=skip)


def preview(folder: Path, skip: int) -> None:
    open_picture(folder / "cat" / "1.png", None)


def precomputed(folder: Path, skip: int) -> None:
    clean = folder.parent / "clean" / "cat"
    clean.mkdir(parents=True)
    for k in range(3):
        Image.fromarray(COLOUR).save(clean / f"{k}.png")
    (folder.parent / "fog").mkdir()
    folder.rename(folder.parent / "fog" / "1")
    images = FolderImages(clean.parent)
    found = Precomputed(folder.parent, images, build_store(images, same), same)
    found.store(parse_condition("precomputed/fog:1", "test"))


def lazy(folder: Path, skip: int) -> None:
    class Lazy:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> tuple[Image.Image, int]:
            return Image.open(io.BytesIO((folder / "cat" / f"{index}.png").read_bytes())), 0

    build_store(adopt_dataset(Lazy(), "here"), same, skip=skip)


@pytest.mark.parametrize("read", [folder_set, manifest, preview, precomputed, lazy])
def test_no_program_is_started(folder: Path, ghostscript: Path, read: Callable[[Path, int], None]) -> None:
    """Pillow would start Ghostscript for EPS, from any kind of data set."""
    with pytest.raises(BadImageError):
        read(folder, 0)

    assert not ghostscript.exists()


@pytest.mark.parametrize("read", [folder_set, manifest, lazy])
def test_what_would_start_a_program_is_left_out(
    folder: Path, ghostscript: Path, read: Callable[[Path, int], None]
) -> None:
    """It is one bad image like any other."""
    read(folder, 1)

    assert not ghostscript.exists()


def test_a_picture_of_another_format_that_is_decoded_already() -> None:
    """What a data set decoded with code of its own is only pixels."""
    content = io.BytesIO()
    Image.fromarray(COLOUR).save(content, "TGA")
    image = Image.open(content)
    with pytest.raises(BadImageError, match=r"item 0: the image has the format TGA; save it as PNG"):
        adopt_dataset([(image, 0)], "here").read(0)
    image.load()

    assert np.array_equal(COLOUR, np.asarray(adopt_dataset([(image, 0)], "here").read(0).image))


# ---- more than 8 bits ----------------------------------------------------------------------------------------------


def sixteen_bit_png(path: Path, values: np.ndarray, colour: int) -> None:
    """A PNG of 16 bits a channel; `values` are (H, W, C), `colour` is the type that PNG knows it by."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def sixteen_bit_tiff(path: Path, values: np.ndarray, planar: int) -> None:
    """An uncompressed TIFF of 16 bits a channel, pixel by pixel or plane by plane."""
    height, width, channels = values.shape
    planes = [values] if planar == 1 else [values[..., k] for k in range(channels)]
    strips, data = [], b""
    for plane in planes:
        strips.append((8 + len(data), plane.size * 2))
        data += plane.astype("<u2").tobytes()
    tags: list[tuple[int, int, list[int]]] = [
        *[(256, 4, [width]), (257, 4, [height]), (258, 3, [16] * channels), (259, 3, [1]), (262, 3, [2])],
        *[(273, 4, [start for start, _ in strips]), (277, 3, [channels]), (278, 4, [height])],
        *[(279, 4, [size for _, size in strips]), (284, 3, [planar])],
    ]
    entries, extra, end = b"", b"", 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, kind, numbers in tags:
        body = struct.pack(f"<{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(body) > 4:
            extra, body = extra + body, struct.pack("<I", end + len(extra))
        entries += struct.pack("<HHI", tag, kind, len(numbers)) + body.ljust(4, b"\0")
    head = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    path.write_bytes(head + data + struct.pack("<H", len(tags)) + entries + bytes(4) + extra)


TWELVE = RANDOM.integers(0, 4096, (6, 5, 4))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: sixteen_bit_png(path, TWELVE[..., :1], 0),
        lambda path: sixteen_bit_png(path, TWELVE[..., :3], 2),
        lambda path: sixteen_bit_png(path, TWELVE[..., :2], 4),
        lambda path: sixteen_bit_png(path, TWELVE, 6),
        lambda path: sixteen_bit_tiff(path, TWELVE[..., :3], 1),
        lambda path: sixteen_bit_tiff(path, TWELVE[..., :3], 2),
        lambda path: path.write_bytes(b"P6 5 6 4095\n" + TWELVE[..., :3].astype(">u2").tobytes()),
        lambda path: path.write_bytes(b"P6 5 6 65535\n" + TWELVE[..., :3].astype(">u2").tobytes()),
        lambda path: path.write_text("P3 1 1 4095\n1 2 3\n"),
    ],
    ids=["grey", "rgb", "grey-alpha", "rgba", "tiff", "planar-tiff", "ppm-12", "ppm-16", "plain-ppm"],
)
def test_more_than_8_bits(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """Pillow gives colours their upper 8 bits without a word: 12 bits would become 16 levels."""
    path = tmp_path / "deep.png"
    write(path)

    assert "bits per channel; save it as grey or RGB with 8 bits per channel" in str(refusal(path))
    with Image.open(path) as image, pytest.raises(BadImageError, match="bits per channel"):
        adopt_dataset([(image, 0)], "here").read(0)


@pytest.mark.parametrize("text", ["P3 1 1 255\n1 2 3\n", "P3 1 1 15\n1 2 3\n", "P1 2 1\n0 1\n", "P2 1 1 7\n3\n"])
def test_ppm_of_8_bits_or_less(tmp_path: Path, text: str) -> None:
    """Its header names the largest value."""
    (tmp_path / "image.ppm").write_text(text)

    assert "RGB" == read_image(tmp_path / "image.ppm", "here")[1].mode


# ---- Git LFS -------------------------------------------------------------------------------------------------------


def test_an_image_that_git_lfs_has_not_fetched(tmp_path: Path) -> None:
    """It is missing, not bad: nothing leaves it out."""
    path = tmp_path / "cat" / "image.png"
    path.parent.mkdir()
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    with pytest.raises(DataError, match=r"image\.png \(image 0\): is a Git LFS pointer") as caught:
        build_store(FolderImages(tmp_path), same, skip=1)

    assert str(caught.value).endswith("; fetch the file with git lfs pull")
    assert not isinstance(caught.value, BadImageError)

"""Pillow's process-wide switches mean nothing while images are decoded, and are the user's again afterwards."""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import GifImagePlugin, Image, ImageFile, PngImagePlugin, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from pytest_failaware.core.errors import BadImageError
from pytest_failaware.measure.engine.switches import fixed_switches
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.folder import FolderImages
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.preview import open_picture

COLOUR = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def same(image: Image.Image) -> Image.Image:
    return image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class folder with an image, and with a JPEG that is cut short."""
    content = io.BytesIO()
    Image.fromarray(COLOUR).save(content, "JPEG")
    (tmp_path / "cat").mkdir()
    Image.fromarray(COLOUR).save(tmp_path / "cat" / "a.png")
    (tmp_path / "cat" / "b.jpg").write_bytes(content.getvalue()[:-900])
    return tmp_path


class Decoding(list[tuple[Path, int]]):
    """A data set that decodes files in its own code."""

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:  # type: ignore[override]  # never sliced
        with Image.open(super().__getitem__(index)[0]) as image:
            return image.convert("RGB"), 0


def test_images_that_are_cut_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training scripts allow them; a gate does not, in files, in the code of a data set and in a preview."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    theirs = adopt_dataset(Decoding([(folder / "cat" / name, 0) for name in ("a.png", "b.jpg")]), "here")

    for images in (FolderImages(folder), theirs):
        with pytest.raises(BadImageError, match="truncated"):
            build_store(images, same)
        assert 1 == build_store(images, same, skip=1).facts.skipped
    with pytest.raises(BadImageError, match="truncated"):
        open_picture(folder / "cat" / "b.jpg", None)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_texts_in_a_file_mean_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of the user's on texts in PNG files refuses no image."""
    text = PngInfo()
    text.add_text("comment", "x" * 5000, zip=True)
    Image.fromarray(COLOUR).save(folder / "cat" / "a.png", pnginfo=text)
    (folder / "cat" / "b.jpg").unlink()
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 10)
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 10)

    assert np.array_equal(COLOUR, build_store(FolderImages(folder), same).images[0])


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (ImageFile, "LOAD_TRUNCATED_IMAGES", True),
        (Image, "MAX_IMAGE_PIXELS", None),
        (PngImagePlugin, "MAX_TEXT_CHUNK", 1),
        (PngImagePlugin, "MAX_TEXT_MEMORY", 2),
        (GifImagePlugin, "LOADING_STRATEGY", GifImagePlugin.LoadingStrategy.RGB_ALWAYS),
        (TiffImagePlugin, "READ_LIBTIFF", True),
    ],
)
def test_each_switch_comes_back(module: ModuleType, name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after an error."""
    monkeypatch.setattr(module, name, value)

    def fail() -> None:
        with fixed_switches():
            assert value != getattr(module, name)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert value == getattr(module, name)


def test_only_our_limit_differs_from_pillows_defaults() -> None:
    """A new default of Pillow's shows here; pictures of our own limit's size are no reason to warn."""
    switches = [(ImageFile, "LOAD_TRUNCATED_IMAGES"), (PngImagePlugin, "MAX_TEXT_CHUNK")]
    switches += [(PngImagePlugin, "MAX_TEXT_MEMORY"), (GifImagePlugin, "LOADING_STRATEGY")]
    switches += [(TiffImagePlugin, "READ_LIBTIFF")]
    before = [getattr(module, name) for module, name in switches]
    with warnings.catch_warnings(), fixed_switches():
        assert before == [getattr(module, name) for module, name in switches]
        warnings.warn("large", Image.DecompressionBombWarning, stacklevel=1)


def test_users_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that leaves takes the fixed values from nobody."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with fixed_switches():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with fixed_switches():
        thread.start()
        inside.wait(10)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    leave.set()
    thread.join()
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True

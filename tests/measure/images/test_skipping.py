"""Images that cannot be used end the run, or are left out and counted up to a number; nothing takes their place."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from pytest_failaware.core.errors import BadImageError, DataError
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.images.data import ImageSet
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.sources import open_dataset
from pytest_failaware.measure.images.store import ImageStore

COUNT = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 9, 7, 3), dtype=np.uint8)


def truncated() -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(content, "JPEG")
    return content.getvalue()[:-900]


def sixteen_bits() -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4)).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images in two classes."""
    for k, pixels in enumerate(PIXELS):
        path = tmp_path / "data" / f"class{2 * k // COUNT}" / f"{k:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "data"


def image(folder: Path, k: int) -> Path:
    return folder / f"class{2 * k // COUNT}" / f"{k:02}.png"


def damage(folder: Path, *which: int) -> None:
    """Damage these images, each in another way."""
    ways = (truncated, sixteen_bits, bytes, lambda: b"no image", lambda: b"\x89PNG\r\n\x1a\nnothing")
    for way, k in enumerate(which):
        image(folder, k).write_bytes(ways[way % len(ways)]())


def opened(folder: Path) -> ImageSet:
    return open_dataset(Source(kind=SourceKind.FOLDER, target=str(folder)), None)


def store_of(images: ImageSet, skip: int = 0, **options: int) -> ImageStore:
    return build_store(images, lambda image: image, skip=skip, **options)


@pytest.mark.parametrize("k", [0, 5, 11])
@pytest.mark.parametrize("way", range(5))
def test_a_bad_image_ends_the_run_by_default(folder: Path, k: int, way: int) -> None:
    """The error names the path and the number of the image, for any fault at any place."""
    damage(folder, *[k] * (way + 1))
    with pytest.raises(BadImageError) as caught:
        store_of(opened(folder))

    assert str(caught.value).startswith(f"{image(folder, k)} (image {k}): ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("budget", [0, 2**20])
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("bad", [(3,), (0,), (11,), (0, 1, 4, 5, 11)])
def test_what_is_left_is_the_data_set_without_them(
    folder: Path, bad: tuple[int, ...], parallel: bool, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels, labels and ids of the others are those of a folder that never had the bad ones, and the count is kept."""
    monkeypatch.setattr("pytest_failaware.measure.images.decoding._WORTH_A_THREAD", 0 if parallel else 10**9)
    damage(folder, *bad)
    store = store_of(opened(folder), len(bad), budget_bytes=budget)
    for k in bad:
        image(folder, k).unlink()
    clean = store_of(opened(folder))

    assert np.array_equal(clean.images, store.images)
    assert np.array_equal(np.delete(PIXELS, bad, axis=0), store.images)
    assert clean.sample_id.tolist() == store.sample_id.tolist()
    assert clean.labels.tolist() == store.labels.tolist()
    assert (clean.facts.fingerprint, COUNT - len(bad)) == (store.facts.fingerprint, store.facts.samples)
    assert (0, len(bad)) == (clean.facts.skipped, store.facts.skipped)
    assert clean.facts != store.facts
    store.close()


@pytest.mark.parametrize("bad", [(), (3,), (0, 1, 4, 5, 11)])
@pytest.mark.parametrize("limit", [COUNT, 4])
def test_each_id_has_the_name_of_its_file(folder: Path, bad: tuple[int, ...], limit: int) -> None:
    """Whatever was left out before it, and whichever images a limit keeps; an id that is not there has none."""
    damage(folder, *bad)
    store = store_of(opened(folder), len(bad)).limited(limit)
    names = store.names([3, *store.sample_id[::-1].tolist()])

    assert min(limit, COUNT - len(bad)) == len(names)
    for sample_id, name in names.items():
        assert np.array_equal(PIXELS[int(Path(name).stem)], store.images[store.rows([sample_id])[sample_id]])
        assert str(image(Path(), int(Path(name).stem))) == name


def test_the_note_says_how_many_and_which(folder: Path) -> None:
    """The note names three images; there is no note if nothing is left out."""
    assert () == store_of(opened(folder), 5).notes
    damage(folder, 1, 2, 3, 4, 7)
    names = ", ".join(str(Path("class0", f"0{k}.png")) for k in (1, 2, 3))

    assert (f"5 bad images were left out, as --failaware-bad-samples allows: {names} and 2 more",) == store_of(
        opened(folder), 5
    ).notes


@pytest.mark.parametrize("bad", [(0, 1, 2), (9, 10, 11), (0, 6, 11), tuple(range(COUNT))])
def test_more_than_allowed_end_the_run(folder: Path, bad: tuple[int, ...]) -> None:
    """The error names the first few, each with what is wrong with it."""
    damage(folder, *bad)
    with pytest.raises(DataError) as caught:
        store_of(opened(folder), 2)

    assert str(caught.value).startswith("--failaware-bad-samples=skip:2: at least 3 images cannot be used: ")
    assert [] == [k for k in bad[:3] if f"{image(folder, k)} (image {k}): " not in str(caught.value)]
    assert "\n" not in str(caught.value)


def test_nothing_left(folder: Path) -> None:
    """All images bad and all allowed to be is no data set."""
    damage(folder, *range(COUNT))

    with pytest.raises(DataError, match="--failaware-bad-samples: all 12 images would be left out"):
        store_of(opened(folder), COUNT)


def test_groups_follow_the_images_that_stay() -> None:
    """The group of an image that is left out goes with it."""

    class Grouped(list[object]):
        groups = ("p", "q", "r", "p")

    bad = Image.open(io.BytesIO(truncated()))
    items = Grouped([(PIXELS[0], 0), (bad, 0), (PIXELS[1], 1), (PIXELS[2], 1)])

    assert [0, 1, 0] == store_of(adopt_dataset(items, "here"), 1).groups.tolist()


def test_bad_images_of_other_peoples_data_sets(folder: Path) -> None:
    """Those that raise while an item is read are left out as well, and named by their number."""
    damage(folder, 0, 2, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = adopt_dataset(datasets.ImageFolder(str(folder)), "theirs")
    # torchvision reads 16 bits as if they were 8; the size differs then, so that one has to go.
    image(folder, 2).write_bytes(truncated())
    store = store_of(theirs, 3)

    assert (COUNT - 3, 3) == (store.facts.samples, store.facts.skipped)
    assert ("3 bad images were left out, as --failaware-bad-samples allows: item 0, item 2, item 7",) == store.notes


class Faulty(list[object]):
    """A data set whose item 1 has a fault that is not the image's."""

    def __init__(self, fault: object) -> None:
        super().__init__([(PIXELS[0], 0), fault, (PIXELS[1], 0)])

    def __getitem__(self, index: int) -> object:  # type: ignore[override]  # never sliced
        item = super().__getitem__(index)
        if isinstance(item, Exception):
            raise item
        return item


@pytest.mark.parametrize(
    "fault",
    [
        (PIXELS[2], -1),
        (PIXELS[2], "cat"),
        (Image.open(io.BytesIO(truncated())), -1),
        PIXELS[2],
        (PIXELS[2].astype(np.uint16), 0),
        (PIXELS[2] / 255, 0),
        (PIXELS[2][:3], 0),
        (PIXELS[2], 70_000),
        KeyError("a mistake in the code"),
        MemoryError(),
        FileNotFoundError("gone.png"),
        PermissionError("locked.png"),
    ],
    ids=lambda fault: type(fault).__name__,  # a picture's own text names its place in memory
)
def test_mistakes_are_never_left_out(fault: object) -> None:
    """Labels, sizes, types, missing files and faults in the code are for a person to repair."""
    with pytest.raises(DataError) as caught:
        store_of(adopt_dataset(Faulty(fault), "here"), 3)

    assert "item 1" in str(caught.value)
    assert not isinstance(caught.value, BadImageError)


def test_a_missing_file_is_never_left_out(folder: Path) -> None:
    """A link to nowhere is a broken checkout, not a bad image."""
    image(folder, 4).unlink()
    image(folder, 4).symlink_to("nowhere")

    with pytest.raises(DataError, match="FileNotFoundError"):
        store_of(opened(folder), 3)

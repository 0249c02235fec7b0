"""The store holds every image once, identified by content, in any order and from any source."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter, namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import toy
from PIL import Image

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.identity import sample_ids
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.measure.images.data import ImageSet, Sample
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.sources import open_dataset
from pytest_failaware.measure.images.store import ImageStore

Item = tuple[np.ndarray, int]


def same(image: Image.Image) -> Image.Image:
    """The geometry that does nothing."""
    return image


def halved(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2))


def stored(items: list[Item], **options: int) -> ImageStore:
    return build_store(adopt_dataset(items, "here"), same, **options)


def toy_items(order: list[int] | None = None) -> list[Item]:
    images, labels = toy.arrays()
    return [(images[k], int(labels[k])) for k in (order or range(15))]


class Counted(ImageSet):
    """An image set that counts how often each sample is read, and how many threads read."""

    def __init__(self, images: ImageSet, *, parallel: bool) -> None:
        self.inner, self.classes, self.has_class_names = images, images.classes, images.has_class_names
        self.reads_in_parallel = parallel
        self.reads: Counter[int] = Counter()
        self.threads: set[int] = set()
        self.lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.inner)

    def name(self, index: int) -> str:
        """As the inner set."""
        return self.inner.name(index)

    def read(self, index: int) -> Sample:
        """As the inner set, counted."""
        with self.lock:
            self.reads[index] += 1
            self.threads.add(threading.get_ident())
        return self.inner.read(index)


@pytest.fixture
def folder(tmp_path: Path) -> ImageSet:
    """Sixty PNG files of 6 x 4 px in three classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 4, 6, 3), dtype=np.uint8)
    for k, image in enumerate(pixels):
        path = tmp_path / "data" / f"class{k % 3}" / f"{k:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return open_dataset(Source(kind=SourceKind.FOLDER, target=str(tmp_path / "data")), None)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which temporary files appear."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_images_and_labels_stand_in_the_order_of_the_source() -> None:
    """Grey images get a channel axis; nothing else changes."""
    images, labels = (column[:15] for column in toy.arrays())
    store = stored(toy_items())

    assert np.array_equal(images[..., None], store.images)
    assert np.array_equal(labels, store.labels)
    assert (np.uint8, np.uint16, np.uint64) == (store.images.dtype, store.labels.dtype, store.sample_id.dtype)
    assert (15, ("0", "1", "2"), False) == (store.facts.samples, store.facts.classes, store.has_class_names)


def test_geometry_comes_after_the_key(folder: ImageSet) -> None:
    """The pixels are those after geometry; ids and fingerprint do not depend on it."""
    plain, small = build_store(folder, same), build_store(folder, halved)

    assert ((60, 4, 6, 3), (60, 2, 3, 3)) == (plain.images.shape, small.images.shape)
    assert np.array_equal(np.asarray(halved(folder.read(7).image)), small.images[7])
    assert np.array_equal(plain.sample_id, small.sample_id)
    assert plain.facts == small.facts


@pytest.mark.parametrize("parallel", [False, True])
def test_each_image_is_read_once(folder: ImageSet, parallel: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sample is read once, in one thread or, for large images, in several."""
    monkeypatch.setattr("pytest_failaware.measure.images.decoding._WORTH_A_THREAD", 24 if parallel else 25)
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)  # workers of the suite have one
    counted = Counted(folder, parallel=True)
    store = build_store(counted, same)

    assert dict.fromkeys(range(60), 1) == counted.reads
    assert parallel == bool(counted.threads - {threading.get_ident()})
    assert np.array_equal(np.asarray(folder.read(59).image), store.images[59])


def test_each_file_is_decoded_once(folder: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Building a store opens every file with Pillow exactly once."""
    calls: list[object] = []
    plain = Image.open
    monkeypatch.setattr(Image, "open", lambda file, **options: calls.append(file) or plain(file, **options))
    build_store(folder, same)

    assert 60 == len(calls)


def test_slow_images_keep_their_places(folder: ImageSet) -> None:
    """Threads finish in any order; rows, labels and ids stay those of the source."""

    class Uneven(Counted):
        def read(self, index: int) -> Sample:
            time.sleep(0.01 if index % 7 == 0 else 0)
            return super().read(index)

    expected = build_store(Counted(folder, parallel=False), same)
    found = build_store(Uneven(folder, parallel=True), same)

    assert np.array_equal(expected.images, found.images)
    assert np.array_equal(expected.labels, found.labels)
    assert np.array_equal(expected.sample_id, found.sample_id)


def test_an_error_stops_the_reading() -> None:
    """After an image that cannot be read only those already in work are read."""
    broken: list[Item] = [(np.zeros((2, 2), dtype=np.uint8), 0)] * 3 + [(np.zeros((2, 2)), 0)]
    counted = Counted(adopt_dataset(broken * 500, "here"), parallel=True)

    with pytest.raises(DataError, match=r"^here: item 3: the image is float64"):
        build_store(counted, same)
    assert len(counted.reads) <= 3 + 8 * torch.get_num_threads() + 1


@pytest.mark.parametrize("system", ["posix", "nt"])
@pytest.mark.parametrize("parallel", [False, True])
def test_beyond_the_budget_the_images_lie_in_a_file(
    folder: ImageSet, temporary: Path, parallel: bool, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory map holds the same store; its file has a name on Windows alone, and closing the store removes it."""
    needed = 60 * 4 * 6 * 3
    memory = build_store(folder, same, budget_bytes=needed)
    assert [] == list(temporary.iterdir())
    monkeypatch.setattr("pytest_failaware.measure.images.memory._HAS_NAMELESS_FILES", system == "posix")
    mapped = build_store(Counted(folder, parallel=parallel), same, budget_bytes=needed - 1)

    assert isinstance(mapped.images, np.memmap)
    files = [path.stat().st_size for path in temporary.rglob("*") if path.is_file()]
    assert files == ([] if system == "posix" else [needed])
    assert np.array_equal(memory.images, mapped.images)
    assert np.array_equal(memory.sample_id, mapped.sample_id)
    assert memory.facts == mapped.facts
    mapped.close()
    assert [] == list(temporary.iterdir())
    mapped.close()


HOLDS_A_MAP = """
import time
import numpy as np
from pytest_failaware.measure.images.memory import room_for

images, _ = room_for((64, 1024), 0)
images[:] = 7
print("mapped", isinstance(images, np.memmap), flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_signal_leaves_no_file(temporary: Path, name: str) -> None:
    """A cancelled job must not fill the disk of its machine."""
    around = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen([sys.executable, "-c", HOLDS_A_MAP], env=around, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"mapped True\n" == process.stdout.readline()
        process.send_signal(getattr(signal, name))
        assert -getattr(signal, name) == process.wait(timeout=30)

    assert [] == list(temporary.iterdir())


def test_a_failed_build_leaves_no_file(temporary: Path) -> None:
    """The memory map's file goes when a later image cannot be used."""
    items: list[Item] = [(np.zeros((2, 2), dtype=np.uint8), 0), (np.zeros((2, 3), dtype=np.uint8), 0)]

    with pytest.raises(DataError, match="one size"):
        stored(items, budget_bytes=0)
    assert [] == list(temporary.iterdir())


def test_a_full_disk(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing a memory map to a full disk would kill the process, so the room is checked first."""
    usage = namedtuple("usage", "free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(free=15 * 64 - 1))

    with pytest.raises(DataError, match=r"need 0\.0 GB, .* free .*; set TMPDIR") as caught:
        stored(toy_items(), budget_bytes=0)
    assert str(temporary) in str(caught.value)
    assert [] == list(temporary.iterdir())


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="only some systems reserve room on the disk")
def test_a_disk_that_others_fill_meanwhile(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disk space is reserved before decoding, so that no other process can take it."""
    plain, blocks = os.posix_fallocate, list[int]()

    def reserve(descriptor: int, start: int, size: int) -> None:
        plain(descriptor, start, size)
        blocks.append(os.fstat(descriptor).st_blocks)

    monkeypatch.setattr(os, "posix_fallocate", reserve)
    store = stored(toy_items(), budget_bytes=0)
    assert blocks[0] * 512 >= store.images.size

    def refuse(descriptor: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(DataError, match=r"the decoded images need .* \(No space left on device\); set TMPDIR"):
        stored(toy_items(), budget_bytes=0)
    assert [] == list(temporary.iterdir())


def test_sample_ids_are_fixed_for_ever() -> None:
    """The id is the first eight bytes, little endian, of SHA-256 over key, class name and rank: baselines hold it."""
    key = bytes(range(32))
    digest = hashlib.sha256(key + b"\0" + "Kätzchen".encode() + b"\0" + b"0").digest()

    assert [int.from_bytes(digest[:8], "little")] == sample_ids([key], ["Kätzchen"]).tolist()


def test_a_class_folder_whose_name_is_no_text() -> None:
    """Such bytes of a file name reach us as lone surrogates; they still name a class."""
    assert sample_ids([b"key"], ["\udcff"]) != sample_ids([b"key"], ["\udcfe"])


def test_order_changes_no_id_and_no_fingerprint() -> None:
    """A shuffled data set has the same facts, and each image its own id."""
    order = np.random.default_rng(1).permutation(15)
    plain, shuffled = stored(toy_items()), stored(toy_items(order.tolist()))

    assert np.array_equal(plain.sample_id[order], shuffled.sample_id)
    assert not np.array_equal(plain.sample_id, shuffled.sample_id)
    assert plain.facts == shuffled.facts


def test_a_subset_keeps_its_ids() -> None:
    """Leaving images out changes the fingerprint and no id."""
    plain, part = stored(toy_items()), stored(toy_items([14, 3, 6]))

    assert plain.sample_id[[14, 3, 6]].tolist() == part.sample_id.tolist()
    assert plain.facts.fingerprint != part.facts.fingerprint


def test_equal_images_have_different_ids() -> None:
    """Duplicates differ by their rank, and the set of ids is the same in any order."""
    one, other = toy_items([0, 1])
    first, second = stored([one, other, one, one]), stored([one, one, one, other])

    assert 4 == len(set(first.sample_id.tolist()))
    assert set(first.sample_id.tolist()) == set(second.sample_id.tolist())
    assert first.facts == second.facts


def test_a_changed_label_is_another_sample() -> None:
    """The label belongs to the id: a corrected label is no longer the same question."""
    (image, label), other = toy_items([0, 1])
    before, after = stored([(image, label), other]), stored([(image, label + 1), other])

    assert before.sample_id[0] != after.sample_id[0]
    assert before.sample_id[1] == after.sample_id[1]


def test_class_names_belong_to_the_fingerprint() -> None:
    """The same images with their classes named otherwise are other data."""

    class Named(list[Item]):
        classes = ("a", "b", "c")

    named = build_store(adopt_dataset(Named(toy_items()), "here"), same)

    assert stored(toy_items()).facts.fingerprint != named.facts.fingerprint
    assert (("a", "b", "c"), True) == (named.facts.classes, named.has_class_names)


def test_two_samples_with_one_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collision of 64 bits would pair the wrong samples, so it is refused."""

    class Digest:
        def __init__(self, text: bytes) -> None: ...

        def digest(self) -> bytes:
            return bytes(32)

    monkeypatch.setattr(hashlib, "sha256", Digest)

    with pytest.raises(DataError, match="share one 64-bit id"):
        sample_ids([b"a", b"b"], ["cat", "cat"])


def grey(height: int, width: int, label: int = 0) -> Item:
    return np.zeros((height, width), dtype=np.uint8), label


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([grey(3, 4), grey(3, 4), grey(5, 4)], ["item 0 has 4 x 3 px", "item 2 4 x 5 px", "resize="]),
        ([grey(3, 4), (np.zeros((3, 4, 3), dtype=np.uint8), 0)], ["1 channel", "3 channel", "all as RGB"]),
        ([grey(3, 4, 65_535)], ["item 0 has the label 65535", "may have 65535 classes"]),
        ([grey(3, 4, 10**12)], ["item 0 has the label 1000000000000"]),
    ],
)
def test_images_that_do_not_go_together(items: list[Item], words: list[str]) -> None:
    """The error names both images with both sizes, or the image with its label, and the remedy."""
    with pytest.raises(DataError) as caught:
        stored(items)

    assert [] == [word for word in words if word not in str(caught.value)]


def test_a_label_beyond_the_class_names() -> None:
    """The error names the image, its label and how many classes are named."""

    class Named(list[Item]):
        classes = ("a", "b")

    with pytest.raises(DataError, match=r"item 2 has the label 2, and the data set names 2 classes, 0\.\.1"):
        build_store(adopt_dataset(Named(toy_items([0, 1, 10, 5])), "here"), same)


def test_more_class_names_than_labels_can_have() -> None:
    """A name for every label does not help a label that uint16 cannot hold."""

    class Named(list[Item]):
        classes = tuple(map(str, range(65_537)))

    with pytest.raises(DataError, match="has the label 65536, and the data set may have 65535 classes"):
        build_store(adopt_dataset(Named([grey(2, 2, 65_536)]), "here"), same)


def test_an_image_that_the_geometry_refuses(folder: ImageSet) -> None:
    """An error of the preprocessing names the image."""

    def refuse(image: Image.Image) -> Image.Image:
        raise DataError("--failaware-preprocess: too small")

    with pytest.raises(DataError) as caught:
        build_store(folder, refuse)

    assert str(Path("class0") / "00.png") + ": --failaware-preprocess: too small" == str(caught.value)


def test_an_empty_image_set() -> None:
    """A data set without images is refused."""

    class Empty(Counted):
        def __len__(self) -> int:
            return 0

    with pytest.raises(DataError, match="the data set is empty"):
        build_store(Empty(adopt_dataset(toy_items(), "here"), parallel=False), same)


def test_pillows_remarks_on_a_file_do_not_fail_a_gate(folder: ImageSet) -> None:
    """Where warnings are errors, files with odd metadata are read; afterwards the filters are the user's again."""

    class Remarked(Counted):
        def read(self, index: int) -> Sample:
            warnings.warn("Corrupt EXIF data", UserWarning, stacklevel=1)
            return super().read(index)

    filters = list(warnings.filters)
    build_store(Remarked(folder, parallel=True), same)

    assert filters == warnings.filters


def test_groups_are_numbers_in_the_order_of_the_source() -> None:
    """Equal names get equal numbers; a limit takes the rows of the images that it keeps."""

    class Grouped(list[Item]):
        groups = ("b", "a", "b", "c", "a")

    store = build_store(adopt_dataset(Grouped(toy_items([0, 1, 2, 3, 4])), "here"), same)
    part = store.limited(3)
    rows = [store.sample_id.tolist().index(one) for one in part.sample_id.tolist()]

    assert ([1, 0, 1, 2, 0], np.uint32) == (store.groups.tolist(), store.groups.dtype)
    assert store.groups[rows].tolist() == part.groups.tolist()
    assert stored(toy_items()).groups is None
    assert stored(toy_items()).limited(3).groups is None


@pytest.mark.parametrize("budget", [0, 2**20])
@pytest.mark.parametrize("geometry", [same, halved])
def test_torch_reads_the_store_without_a_copy(
    folder: ImageSet, budget: int, geometry: Callable[[Image.Image], Image.Image]
) -> None:
    """Rows of the store become tensors that share its memory, in memory and in a file."""
    store = build_store(folder, geometry, budget_bytes=budget)
    rows = torch.from_numpy(store.images[3:5])

    assert store.images[3:5].ctypes.data == rows.data_ptr()
    store.close()

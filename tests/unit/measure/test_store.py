"""The decoded images: each read once, in memory or mapped, with ids that no order changes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import toy
from PIL import Image

from pytest_failaware.errors import DataError
from pytest_failaware.measure.data import ImageSet, Sample, adopt_dataset
from pytest_failaware.measure.store import ImageStore, build_store, sample_ids


def as_is(image: Image.Image) -> Image.Image:
    """No geometry."""
    return image


def store_of(dataset: object, **options: int) -> ImageStore:
    """The store of a data set without geometry."""
    return build_store(adopt_dataset(dataset, "here"), as_is, **options)


def test_pixels_and_labels_are_those_of_the_data_set() -> None:
    """Grey images have one channel, in the data set's order."""
    images, labels = toy.arrays()
    store = store_of(toy.images())

    assert np.array_equal(images[..., None], store.images)
    assert labels.tolist() == store.labels.tolist()
    assert (15, toy.CLASSES) == (store.facts.samples, store.facts.classes)


def test_beyond_the_budget_images_are_mapped() -> None:
    """The same store from a file, which closing removes."""
    mapped, memory = store_of(toy.images(), budget_bytes=0), store_of(toy.images())

    assert isinstance(mapped.images, np.memmap)
    assert not isinstance(memory.images, np.memmap)
    assert np.array_equal(memory.images, mapped.images)
    assert (memory.facts, memory.sample_id.tolist()) == (mapped.facts, mapped.sample_id.tolist())
    assert mapped.folder is not None
    mapped.close()
    with pytest.raises(FileNotFoundError):
        open(mapped.images.filename)  # noqa: PTH123, SIM115 - a path that must not open


class Counted(ImageSet):
    """Counts how often each image is read, from several threads."""

    classes = ("a", "b")
    reads_in_parallel = True

    def __init__(self) -> None:
        self.reads: list[int] = []

    def __len__(self) -> int:
        return 600

    def name(self, index: int) -> str:
        """The image's number."""
        return str(index)

    def read(self, index: int) -> Sample:
        """An image that shows its number."""
        self.reads.append(index)
        return Sample(key=str(index).encode(), image=Image.new("L", (2, 2), index % 256), label=index % 2)


def test_each_image_is_read_once_and_stays_in_its_place() -> None:
    """Threads read in any order; rows, labels and ids stay together."""
    counted = Counted()
    store = build_store(counted, as_is)

    assert {1} == set(Counter(counted.reads).values())
    assert [index % 256 for index in range(600)] == store.images[:, 0, 0, 0].tolist()
    assert [index % 2 for index in range(600)] == store.labels.tolist()


def test_ids_and_fingerprint_do_not_depend_on_the_order() -> None:
    """A shuffled data set is the same data set; one label more or less is not."""
    order = tuple(np.random.default_rng(0).permutation(15))
    straight, shuffled = store_of(toy.images()), store_of(toy.Images(order=order))

    assert straight.facts == shuffled.facts
    assert straight.sample_id[list(order)].tolist() == shuffled.sample_id.tolist()
    assert straight.facts.fingerprint != store_of(toy.Images(order=order[1:])).facts.fingerprint


def test_equal_samples_have_different_ids() -> None:
    """By their rank; the same image under another label is another sample."""
    ids = sample_ids([b"x", b"x", b"x", b"y"], ["cat", "cat", "dog", "cat"])

    assert 4 == len(set(ids.tolist()))
    assert ids[0] == sample_ids([b"x"], ["cat"])[0]


def test_images_of_two_sizes_are_refused() -> None:
    """Both are named with their sizes, and the remedy."""
    sizes = [(np.zeros(shape, dtype=np.uint8), 0) for shape in ((4, 4), (5, 4))]
    dataset = type("Two", (list,), {})(sizes)

    with pytest.raises(DataError, match=r"item 0 has 4 x 4 px .* item 1 4 x 5 px .*; add resize="):
        store_of(dataset)


def test_a_label_without_a_name_is_refused() -> None:
    """A data set that names two classes cannot have the label 2."""
    dataset = type("Named", (list,), {"classes": ["a", "b"]})([(np.zeros((4, 4), dtype=np.uint8), 2)])

    with pytest.raises(DataError, match="item 0 has the label 2, and the data set names 2 classes"):
        store_of(dataset)

"""Copies of an image count once: they are put in one group, and counted."""

from __future__ import annotations

import numpy as np
import pytest
import toy
from PIL import Image

from pytest_failaware.measure.images.copies import contents_of, copy_count, joined
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.store import ImageStore

Item = tuple[np.ndarray, int]


def items(numbers: list[int]) -> list[Item]:
    """Images of the toy data set by number."""
    images, labels = toy.arrays()
    return [(images[number], int(labels[number])) for number in numbers]


def stored(images: list[Item], groups: list[str] | None = None, ids: list[str] | None = None) -> ImageStore:
    """The store of a data set that may name groups or ids."""

    def same(image: Image.Image) -> Image.Image:
        return image

    class Images(list[Item]):
        pass

    made = Images(images)
    for name, column in (("groups", groups), ("sample_ids", ids)):
        if column is not None:
            setattr(made, name, column)
    return build_store(adopt_dataset(made, "here"), same)


def together(store: ImageStore) -> set[frozenset[int]]:
    """The rows of each group."""
    assert store.groups is not None
    return {frozenset(np.flatnonzero(store.groups == group).tolist()) for group in set(store.groups.tolist())}


def test_contents_by_hand() -> None:
    """A content is a key with a label, numbered by rank; the key alone does not count."""
    contents = contents_of([b"b", b"a", b"b", b"b"], [0, 0, 0, 1])

    assert [1, 0, 1, 2] == contents.tolist()
    assert 1 == copy_count(contents)


@pytest.mark.parametrize(
    ("groups", "contents", "expected"),
    [
        (None, [0, 1, 2], None),
        (None, [4, 1, 4], [1, 0, 1]),
        ([5, 5, 6], [0, 1, 2], [5, 5, 6]),
        ([0, 0, 1, 2], [7, 8, 8, 9], [0, 0, 0, 1]),  # a copy joins two groups
        ([0, 1, 2, 2, 3], [0, 0, 1, 2, 2], [0, 0, 1, 1, 1]),
    ],
)
def test_groups_that_share_a_content_are_joined(
    groups: list[int] | None, contents: list[int], expected: list[int] | None
) -> None:
    """Copies are in one group, named groups that share a copy become one, and without copies nothing changes."""
    named = None if groups is None else np.array(groups, dtype=np.uint32)
    found = joined(named, np.array(contents, dtype=np.uint32))

    assert expected == (None if found is None else found.tolist())


def test_copies_of_one_image() -> None:
    """Images with the same pixels and label are one group; the number of copies is a fact about the data."""
    store = stored(items([0, 1, 0, 2, 0, 1]))

    assert {frozenset({0, 2, 4}), frozenset({1, 5}), frozenset({3})} == together(store)
    assert (3, 3, 6) == (store.facts.copies, store.facts.groups, store.facts.samples)
    assert store.facts.groups_copies_alone


def test_the_same_pixels_under_two_labels() -> None:
    """Another label is another content."""
    (image, label), other = items([0, 1])
    store = stored([(image, label), (image, label + 1), other])

    assert (None, 0, 0) == (store.groups, store.facts.copies, store.facts.groups)


def test_copies_beside_named_groups() -> None:
    """Copies join the groups that a data set names."""
    store = stored(items([0, 1, 0, 2]), groups=["a", "a", "b", "c"])

    assert {frozenset({0, 1, 2}), frozenset({3})} == together(store)
    assert (1, 2) == (store.facts.copies, store.facts.groups)
    assert not store.facts.groups_copies_alone


def test_declared_ids_say_what_is_a_copy() -> None:
    """With ids that the data set declares, every sample is a content of its own."""
    store = stored(items([0, 0]), ids=["first", "second"])

    assert (None, 0) == (store.groups, store.facts.copies)


def test_the_order_of_the_data_changes_no_group() -> None:
    """The numbers of the groups depend on the contents alone, so a baseline is the same in any order."""
    one, other = (stored(items(numbers)).samples for numbers in ([0, 1, 0, 2], [2, 0, 1, 0]))

    assert one.ids.tolist() == other.ids.tolist()
    assert one.groups is not None
    assert other.groups is not None
    assert one.groups.tolist() == other.groups.tolist()

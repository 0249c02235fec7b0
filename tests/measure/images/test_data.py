"""Map-style data sets of users: which items are read, and how unusable items are refused."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pytest_failaware.core.errors import DataError
from pytest_failaware.measure.images.data import ImageSet
from pytest_failaware.measure.images.map_style import adopt_dataset

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
COLOUR = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)


class Items:
    """A map-style data set of given items with given attributes."""

    def __init__(self, *items: object, **attributes: object) -> None:
        self.items = items
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> object:
        return self.items[index]


def adopted(*items: object, **attributes: object) -> ImageSet:
    return adopt_dataset(Items(*items, **attributes), "failaware_dataset")


def refusal(*items: object, **attributes: object) -> str:
    """Return the line that refuses the last item or the data set."""
    with pytest.raises(DataError) as caught:
        adopted(*items, **attributes).read(len(items) - 1)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def truncated_jpeg() -> Image.Image:
    """An image that Pillow opens and cannot decode."""
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(content, "JPEG")
    return Image.open(io.BytesIO(content.getvalue()[:-900]))


@pytest.mark.parametrize(
    ("yielded", "expected"),
    [
        (GREY, GREY),
        (GREY[..., None], GREY),
        (COLOUR, COLOUR),
        (COLOUR[:, ::-1], COLOUR[:, ::-1]),
        (Image.fromarray(GREY), GREY),
        (Image.fromarray(COLOUR), COLOUR),
        (torch.from_numpy(GREY), GREY),
        (torch.from_numpy(GREY)[None], GREY),
        (torch.from_numpy(COLOUR).permute(2, 0, 1), COLOUR),
    ],
)
def test_images_keep_their_pixels_and_channels(yielded: object, expected: np.ndarray) -> None:
    """Pillow images, arrays and channels-first tensors of uint8 are taken as they are."""
    image = adopted((yielded, 0)).read(0).image

    assert ("RGB" if expected.ndim == 3 else "L") == image.mode
    assert np.array_equal(expected, np.asarray(image))


@pytest.mark.parametrize("mode", ["1", "P", "PA", "LA", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_other_modes_of_eight_bits_become_rgb(mode: str) -> None:
    """They are converted as Pillow converts them; alpha is dropped."""
    image = (
        Image.fromarray(COLOUR).convert("P").convert(mode) if mode == "PA" else Image.fromarray(COLOUR).convert(mode)
    )
    read = adopted((image, 0)).read(0).image

    assert "RGB" == read.mode
    assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(read))


def test_a_palette_with_transparency_gives_no_warning() -> None:
    """Pillow warns about such a palette; the colours are the palette's all the same."""
    image = Image.fromarray(COLOUR).quantize(4)
    colours = np.asarray(image.convert("RGB"))
    image.info["transparency"] = bytes([0, 64, 128, 255])

    assert np.array_equal(colours, np.asarray(adopted((image, 0)).read(0).image))


@pytest.mark.parametrize(
    ("yielded", "words"),
    [
        (GREY / 255, ["item 1", "float64 (3, 4)", "ToTensor", "--failaware-preprocess"]),
        (torch.zeros(3, 3, 4), ["item 1", "float32 (3, 3, 4)", "Normalize"]),
        (torch.zeros(3, 4, dtype=torch.bfloat16), ["bfloat16"]),
        (GREY.astype(np.uint16), ["uint16"]),
        (np.zeros((3, 4, 4), dtype=np.uint8), ["shape (3, 4, 4)", "(H, W, 3)"]),
        (torch.zeros(3, 4, 3, dtype=torch.uint8)[:2], ["shape (2, 4, 3)", "(3, H, W)"]),
        (np.zeros((0, 4), dtype=np.uint8), ["shape (0, 4)"]),
        (np.zeros((2, 3, 4, 3), dtype=np.uint8), ["shape (2, 3, 4, 3)"]),
        (np.zeros(3, dtype=np.uint8), ["shape (3,)"]),
        (None, ["NoneType", "Pillow"]),
        ([[0, 1], [2, 3]], ["list", "Pillow"]),
        (Image.fromarray(GREY.astype(np.uint16)), ["I;16", "8 bits"]),
        (Image.new("F", (2, 2)), ["'F'", "8 bits"]),
        (Image.new("I", (2, 2)), ["'I'", "8 bits"]),
        (truncated_jpeg(), ["item 1", "cannot be decoded", "truncated"]),
    ],
)
def test_images_that_are_refused(yielded: object, words: list[str]) -> None:
    """The error names the item, what it is and what to return instead."""
    text = refusal((GREY, 0), (yielded, 0))

    assert [] == [word for word in words if word not in text]


@pytest.mark.parametrize(
    "label", [3, np.int64(3), np.uint8(3), torch.tensor(3), np.array(3), np.array([3]), torch.tensor([3])]
)
def test_labels_of_every_integer_type(label: object) -> None:
    """Python, numpy and torch integers are labels, and so are arrays of one of them."""
    assert 3 == adopted((GREY, label)).read(0).label


@pytest.mark.parametrize(
    "label",
    [
        *(-1, np.int8(-1), 3.0, np.float32(3), torch.tensor(3.0), np.array([3.0]), "3", None),
        *(True, np.True_, torch.tensor(True), [0, 1], np.eye(9), torch.zeros(0, dtype=torch.int64)),
    ],
)
def test_labels_that_are_no_whole_numbers(label: object) -> None:
    """Anything else is refused with its value, in one line."""
    text = refusal((GREY, 0), (GREY, label))

    assert text.startswith("failaware_dataset: item 1: the label is ")
    assert text.endswith("; labels must be whole numbers from 0")


@pytest.mark.parametrize("label", [[0, 1], np.eye(9)[3], torch.tensor([0, 0, 1])])
def test_one_hot_labels(label: object) -> None:
    """The error says what to give instead."""
    assert "one of several numbers (of a one-hot vector give the argmax)" in refusal((GREY, label))


@pytest.mark.parametrize("item", [{"image": GREY, "label": 0}, GREY, (GREY,), "cat.png", None])
def test_items_that_are_no_pairs(item: object) -> None:
    """An item is (image, label)."""
    assert "item 0: is a" in refusal(item)
    assert "(image, label)" in refusal(item)


class Iterable:
    """What torch calls an iterable data set: it has neither len() nor items."""

    def __iter__(self) -> Any:
        yield GREY, 0


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (Iterable(), ["Iterable", "map-style", "len()", "(image, label)"]),
        (None, ["NoneType", "map-style"]),
        (Items, ["len() raised TypeError"]),
        ([], ["empty", "at least one"]),
    ],
)
def test_objects_that_are_no_data_set(dataset: object, words: list[str]) -> None:
    """The error names the place and what is missing."""
    with pytest.raises(DataError) as caught:
        adopt_dataset(dataset, "failaware_dataset")

    assert [] == [word for word in ["failaware_dataset: ", *words] if word not in str(caught.value)]


def test_an_item_that_cannot_be_read() -> None:
    """An error of the user's code is reported with the item's number."""

    class Broken(Items):
        def __getitem__(self, index: int) -> object:
            raise KeyError("left")

    with pytest.raises(DataError, match=r"^here: item 0: reading it raised KeyError: 'left'; repair it$"):
        adopt_dataset(Broken((GREY, 0)), "here").read(0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["cat", "dog"], ("cat", "dog")),
        (np.array(["cat", "dog"]), ("cat", "dog")),
        ([("tench", "Tinca tinca"), ("crane",)], ("tench, Tinca tinca", "crane")),
    ],
)
def test_class_names(given: object, expected: tuple[str, ...]) -> None:
    """Names come from `.classes` in label order; a tuple of synonyms is one name."""
    images = adopted((GREY, 0), classes=given)

    assert expected == images.classes
    assert images.has_class_names
    assert not adopted((GREY, 0)).has_class_names


@pytest.mark.parametrize("given", ["cat", 10, {"cat": 0, "dog": 1}, {"cat", "dog"}])
def test_class_names_without_an_order(given: object) -> None:
    """Something that has no label order is refused by its type."""
    assert f".classes is a {type(given).__name__}" in refusal((GREY, 0), classes=given)


def test_the_key_is_shape_and_pixels() -> None:
    """Equal images have equal keys in any container; another shape, pixel or channel count has another key."""
    pixel = GREY.copy()
    pixel[0, 0] ^= 1
    images = adopted(
        *((image, 0) for image in (GREY, Image.fromarray(GREY), torch.from_numpy(GREY)[None])),
        *((image, 0) for image in (GREY.reshape(4, 3), pixel, np.stack([GREY] * 3, axis=2))),
    )
    keys = [images.read(index).key for index in range(len(images))]

    assert keys[0] == keys[1] == keys[2]
    assert 4 == len(set(keys))


@pytest.mark.parametrize("ids", [["a", "b"], [7, 9], np.array([7, 9]), torch.tensor([7, 9])])
def test_declared_ids_take_the_place_of_the_content(ids: Sequence[object]) -> None:
    """With `.sample_ids` a changed image keeps its key, and equal images have different ones."""
    before = adopted((GREY, 0), (GREY, 0), sample_ids=ids)
    after = adopted((COLOUR, 0), (COLOUR, 0), sample_ids=ids)

    assert [before.read(k).key for k in (0, 1)] == [after.read(k).key for k in (0, 1)]
    assert before.read(0).key != before.read(1).key


def test_declared_ids_are_the_same_in_every_container() -> None:
    """A list, an array and a tensor of the same numbers give the same keys."""
    keys = {adopted((GREY, 0), sample_ids=ids).read(0).key for ids in ([7], np.array([7]), torch.tensor([7]))}

    assert 1 == len(keys)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["a"], ["2 different keys", "; got 1 different among 1"]),
        (["a", "a"], ["2 different keys", "; got 1 different among 2"]),
        (["a", "b", "b"], ["2 different keys", "among 3"]),
        (5, ["int", "2 different keys"]),
    ],
)
def test_declared_ids_that_identify_nothing(ids: object, words: list[str]) -> None:
    """There is one id per item, and no id twice."""
    text = refusal((GREY, 0), (COLOUR, 0), sample_ids=ids)

    assert [] == [word for word in ["failaware_dataset: sample_ids", *words] if word not in text]


@pytest.mark.parametrize("groups", [["7", "7", "9"], (7, 7, 9), np.array([7, 7, 9]), torch.tensor([7, 7, 9])])
def test_groups_are_texts_from_any_container(groups: object) -> None:
    """A data set names the group of each sample in `.groups`, like `.sample_ids`."""
    assert ["7", "7", "9"] == adopted((GREY, 0), (GREY, 0), (COLOUR, 0), groups=groups).groups
    assert adopted((GREY, 0)).groups is None


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (["a"], "each of the 2 items; got 1"),
        ("ab", "each of the 2 items"),
        (5, "groups is a int"),
        (["a", None], "no group for item 1"),
        (["", "a"], "no group for item 0"),
        (np.array([1.0, np.nan]), "no group for item 1"),
    ],
)
def test_groups_that_group_nothing(groups: object, words: str) -> None:
    """Each sample has a group; one that is not known would put strangers together."""
    text = refusal((GREY, 0), (COLOUR, 0), groups=groups)

    assert text.startswith("failaware_dataset: groups ")
    assert words in text

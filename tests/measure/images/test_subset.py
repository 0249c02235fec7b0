"""Some samples of a data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.subset import Subset


class Data:
    """Ten grey images of their own number, in five groups."""

    classes = ("even", "odd")
    groups = tuple(number // 2 for number in range(10))

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.full((4, 4), index, dtype=np.uint8), index % 2


@pytest.mark.parametrize("numbers", [[0], [3, 7], [9, 0], list(range(10))])
def test_the_samples_are_those_of_the_whole(numbers: Sequence[int]) -> None:
    """Pixels, labels, ids, names and groups, in the order asked for."""
    whole = adopt_dataset(Data(), "data")
    few = build_store(Subset(whole, numbers), lambda image: image)
    everything = build_store(whole, lambda image: image)

    assert numbers == few.images[:, 0, 0, 0].tolist()
    assert everything.sample_id[numbers].tolist() == few.sample_id.tolist()
    assert [f"item {number}" for number in numbers] == [few.source.name(k) for k in range(len(numbers))]
    assert len({number // 2 for number in numbers}) == few.facts.groups
    assert ("even", "odd") == few.facts.classes


def test_floats_are_taken_back() -> None:
    """As those of the whole data set are, with its note on them."""

    class Floats(Data):
        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            image, label = super().__getitem__(index)
            return (image / np.float32(255)).astype(np.float32), label

    few = Subset(adopt_dataset(Floats(), "data"), [3]).undoing(Preprocessing())

    assert 3 == np.asarray(few.read(0).image)[0, 0]
    assert 1 == len(few.notes)

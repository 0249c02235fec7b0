"""Groups stay with their samples on the way from the data set through the store into the records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import toy
from PIL import Image

from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.errors import DataError
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.images.decoding import build_store
from pytest_failaware.measure.images.folder import FolderImages
from pytest_failaware.measure.images.map_style import adopt_dataset
from pytest_failaware.measure.images.precomputed import Precomputed
from pytest_failaware.measure.live import build_bench
from pytest_failaware.measure.models.loading import adopt_model


class Grouped(toy.Images):
    """The toy images: twenty copies of fifteen images; the number of the copy is the group."""

    @property
    def groups(self) -> list[str]:
        """Return the copy that each image belongs to."""
        return [f"copy {k // 15:02}" for k in self.order]


@pytest.mark.parametrize("limit", [None, 40])
def test_groups_stand_in_the_order_of_the_records(toy_model: toy.Bands, limit: int | None) -> None:
    """Each sample keeps its group for any order and number of images; data without groups give no column."""
    order = tuple(np.random.default_rng(0).permutation(300).tolist())
    model = adopt_model(toy_model, torch.device("cpu"))
    clean = parse_condition("clean", "test")
    data = Grouped(order)
    bench = build_bench(model, adopt_dataset(data, "here"), Preprocessing(), limit=limit)
    measured = bench.measure(clean, 0)
    store = build_store(adopt_dataset(data, "here"), lambda image: image)
    copies = {int(sample_id): order[row] // 15 for row, sample_id in enumerate(store.sample_id)}

    assert [copies[int(sample_id)] for sample_id in measured.records.sample_id] == measured.samples.groups.tolist()
    assert (limit or 300) == len(measured.samples.groups)
    assert (
        build_bench(model, adopt_dataset(toy.images(), "here"), Preprocessing()).measure(clean, 0).samples.groups
        is None
    )


def test_precomputed_images_have_the_groups_of_the_clean_images(tmp_path: Path) -> None:
    """Precomputed images get the groups of the clean images; if bad images were left out, they are refused."""
    for name in ("clean/cat/1.png", "clean/cat/2.png", "made/fog/3/cat/1.png", "made/fog/3/cat/2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (len(name), int(name[-5]), 0)).save(tmp_path / name)
    images, fog = FolderImages(tmp_path / "clean"), parse_condition("precomputed/fog:3", "test")
    images.groups = ["p", "q"]
    clean = build_store(images, lambda image: image)

    assert [0, 1] == Precomputed(tmp_path / "made", images, clean, lambda image: image).store(fog).groups.tolist()
    (tmp_path / "clean" / "cat" / "1.png").write_bytes(b"")
    fewer = build_store(images, lambda image: image, skip=1)
    with pytest.raises(DataError, match=r"^precomputed/fog:3: .*--failaware-bad-samples left out 1; repair"):
        Precomputed(tmp_path / "made", images, fewer, lambda image: image).store(fog)

"""The few images that are looked at are a sample over the data set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import NONE
from preprocessing import Trained
from red import CPU
from torch import nn

from pytest_failaware.measure.inputs.sample import sampled_rows
from pytest_failaware.measure.models.loading import adopt_model


@pytest.mark.parametrize("period", [1, 10, 64], ids=["classes in turn", "ten of each in turn", "sorted by class"])
def test_the_order_of_the_images_is_of_no_account(period: int) -> None:
    """640 images of ten classes: those looked at have eight classes or more, and are the same in any order."""
    images = np.zeros((640, 2, 2, 3), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(640) % 256, np.arange(640) // 256
    labels = (np.arange(640) // period % 10).astype(np.uint16)
    one = Trained(name="", model=adopt_model(nn.Flatten(), CPU), spec=NONE, images=images, labels=labels)
    backwards = replace(one, images=images[::-1], labels=labels[::-1])
    stores = [side.bench().store for side in (one, backwards)]
    parts = [sampled_rows(store) for store in stores]

    assert [64] * 9 == [len(part) for part in parts[0]]
    assert 8 <= len(set(stores[0].labels[parts[0][0]]))
    assert [stores[0].sample_id[part].tolist() for part in parts[0]] == [
        stores[1].sample_id[part].tolist() for part in parts[1]
    ]

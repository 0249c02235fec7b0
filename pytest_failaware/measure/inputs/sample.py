"""The few images of a data set that are looked at, and those on which a suspicion is confirmed."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.measure.images.store import ImageStore

IMAGES: Final = 64
"""Images that are looked at: a sample over the whole data set, the same whatever its order."""

OTHERS: Final = 512
"""Further images, at most, on which a suspicion is confirmed: the best of many alternatives is better by chance on the
images where it was chosen."""


def sampled_rows(store: ImageStore) -> list[NDArray[np.intp]]:
    """Return the rows of the images to look at, and further full parts of as many, up to `OTHERS` in all.

    They are in the order of their ids, so that neither sorted classes nor classes in turn make the sample one-sided.
    """
    order = np.argsort(store.sample_id)
    parts = [order[start : start + IMAGES] for start in range(0, min(len(order), IMAGES + OTHERS), IMAGES)]
    return [parts[0], *(part for part in parts[1:] if len(part) == IMAGES)]

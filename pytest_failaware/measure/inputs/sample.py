"""Choose the few images of a data set to look at, and further images to confirm a suspicion."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.measure.images.store import ImageStore

IMAGES: Final = 64
"""The number of images to look at: a sample of the whole data set that does not depend on its order."""

OTHERS: Final = 512
"""The largest number of further images to confirm a suspicion. On the images where it was chosen, the best of many
alternatives can be better by chance."""


def sampled_rows(store: ImageStore) -> list[NDArray[np.intp]]:
    """Return the rows of the images to look at, and further parts of the same size, up to `OTHERS` images in all.

    The rows are in the order of the ids, so that the order of classes in the data set cannot bias the sample.
    """
    order = np.argsort(store.sample_id)
    parts = [order[start : start + IMAGES] for start in range(0, min(len(order), IMAGES + OTHERS), IMAGES)]
    return [parts[0], *(part for part in parts[1:] if len(part) == IMAGES)]

"""What identifies a data set: one hash, computed where images are read and checked where records are."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def data_fingerprint(sample_id: NDArray[np.uint64], label: NDArray[np.uint16], classes: tuple[str, ...]) -> str:
    """A hash over ids and labels, ascending by id, and the class names in label order: the data set's order is no part.

    Args:
        sample_id: (N,) uint64, all different.
        label: (N,) uint16.
        classes: names in label order.
    """
    order = np.argsort(sample_id)
    columns = sample_id[order].astype("<u8").tobytes() + label[order].astype("<u2").tobytes()
    names = chr(0).join(classes).encode(errors="surrogatepass")  # a folder's name need not be valid text
    return f"sha256:{hashlib.sha256(columns + names).hexdigest()}"

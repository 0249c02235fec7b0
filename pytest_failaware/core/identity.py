"""Hashes that identify a data set and its samples."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.measurement import Former


def data_fingerprint(sample_id: NDArray[np.uint64], label: NDArray[np.uint16], classes: tuple[str, ...]) -> str:
    """Return a hash over ids and labels, sorted by id, and over the class names; the data set's order does not count.

    Args:
        sample_id: (N,) uint64, all different.
        label: (N,) uint16.
        classes: names in label order.
    """
    order = np.argsort(sample_id)
    columns = sample_id[order].astype("<u8").tobytes() + label[order].astype("<u2").tobytes()
    names = chr(0).join(classes).encode(errors="surrogatepass")  # the name of a folder need not be valid UTF-8
    return f"sha256:{hashlib.sha256(columns + names).hexdigest()}"


def sample_ids(keys: Sequence[bytes], class_names: Sequence[str]) -> NDArray[np.uint64]:
    """Return the id of each sample, (N,): the first 8 bytes of a hash over its key, class and rank among equals.

    The order of the data set matters only for samples that are equal in content and class.
    """
    seen: Counter[tuple[bytes, str]] = Counter()
    ids = np.empty(len(keys), dtype=np.uint64)
    for index, pair in enumerate(zip(keys, class_names, strict=True)):
        text = pair[0] + f"\0{pair[1]}\0{seen[pair]}".encode(errors="surrogatepass")
        ids[index] = int.from_bytes(hashlib.sha256(text).digest()[:8], "little")
        seen[pair] += 1
    if len(np.unique(ids)) != len(ids):
        raise DataError("two samples share one 64-bit id, a chance of 1 in 10 billion; remove one of them")
    return ids


def former_data(
    ids_under: Callable[[Sequence[str]], NDArray[np.uint64]],
    label: NDArray[np.uint16],
    classes: tuple[str, ...],
    rename: Mapping[str, str],
) -> Former | None:
    """Return the identity of the samples before classes were renamed, None if no class of the data was renamed.

    Args:
        ids_under: returns the ids, (N,), from the class name of each sample.
        label: (N,) uint16.
        classes: names in label order.
        rename: the new name of each old name.
    """
    old = {new: name for name, new in rename.items()}
    names = tuple(old.get(name, name) for name in classes)
    if names == classes:
        return None
    ids = ids_under([names[number] for number in label])
    return Former(classes=names, fingerprint=data_fingerprint(ids, label, names), sample_id=ids)


def group_numbers(names: Sequence[str] | NDArray[Any]) -> NDArray[np.uint32]:  # Any: text or numbers
    """Return the number of each sample's group, (N,): the rank of its name."""
    return np.unique(names, return_inverse=True)[1].astype(np.uint32)


def group_count(groups: NDArray[np.uint32] | None) -> int:
    """Return the number of groups of the samples, 0 if no groups are given."""
    return 0 if groups is None else len(np.unique(groups))

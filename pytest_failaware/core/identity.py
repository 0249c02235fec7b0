"""What identifies a data set and its samples: hashes, computed where samples are read, checked where records are."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.measurement import Former


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


def sample_ids(keys: Sequence[bytes], class_names: Sequence[str]) -> NDArray[np.uint64]:
    """The identity of each sample, (N,): the first 8 bytes of a hash over its key, its label and its rank among equals.

    The order of the data set matters only between samples that are the same in content and label.
    """
    seen: Counter[tuple[bytes, str]] = Counter()
    ids = np.empty(len(keys), dtype=np.uint64)
    for index, pair in enumerate(zip(keys, class_names, strict=True)):
        text = pair[0] + f"\0{pair[1]}\0{seen[pair]}".encode(errors="surrogatepass")
        ids[index] = int.from_bytes(hashlib.sha256(text).digest()[:8], "little")
        seen[pair] += 1
    if len(np.unique(ids)) != len(ids):
        raise DataError("two samples share one 64-bit id, a chance of 1 in 10 billion; remove either of them")
    return ids


def former_data(
    ids_under: Callable[[Sequence[str]], NDArray[np.uint64]],
    label: NDArray[np.uint16],
    classes: tuple[str, ...],
    rename: Mapping[str, str],
) -> Former | None:
    """What identified the samples before classes were renamed, None where no class of theirs was.

    Args:
        ids_under: from the name of each sample's class to the ids, (N,).
        label: (N,) uint16.
        classes: names in label order.
        rename: new names by the old ones.
    """
    old = {new: name for name, new in rename.items()}
    names = tuple(old.get(name, name) for name in classes)
    if names == classes:
        return None
    ids = ids_under([names[number] for number in label])
    return Former(classes=names, fingerprint=data_fingerprint(ids, label, names), sample_id=ids)


def group_numbers(names: Sequence[str] | NDArray[np.str_]) -> NDArray[np.uint32]:
    """A number for each sample's group, (N,): its rank among the names."""
    return np.unique(names, return_inverse=True)[1].astype(np.uint32)


def group_count(groups: NDArray[np.uint32] | None) -> int:
    """How many groups the samples come in, 0 where none are told."""
    return 0 if groups is None else len(np.unique(groups))

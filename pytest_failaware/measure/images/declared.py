"""Read the attributes that a data set may declare: class names, and a key and a group for each item."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from pytest_failaware.core.cells import CellError, class_texts, id_text_of, is_absent, text_of
from pytest_failaware.core.errors import DataError
from pytest_failaware.core.text import spelled


def class_names(names: Any, where: str) -> tuple[str, ...]:
    """Return the names in label order; a tuple of synonyms, as in torchvision's ImageNet, is one name."""
    if isinstance(names, str) or not isinstance(names, (Sequence, np.ndarray)):
        raise DataError(f"{where}: .classes is a {type(names).__name__}; it must be the class names in label order")
    try:
        return tuple(map(spelled, class_texts(names)))
    except CellError as error:
        raise DataError(f"{where}: .classes: {error}") from error


def declared_keys(ids: Any, count: int, where: str) -> list[str]:
    """Return the declared key of each item as text."""
    try:
        values = list(ids.tolist() if hasattr(ids, "tolist") else ids)
    except TypeError as error:
        raise DataError(f"{where}: sample_ids is a {type(ids).__name__}; it must be {count} different keys") from error
    keys = [_key(value, f"{where}: sample_ids: item {index}") for index, value in enumerate(values)]
    if len(keys) != count or len(set(keys)) != count:
        raise DataError(
            f"{where}: sample_ids must be {count} different keys; got {len(set(keys))} different among {len(keys)}"
        )
    return keys


def _key(value: Any, place: str) -> str:  # Any: of any type that a data set uses
    """Return a key as text; a tuple of values, such as a case and a slice, is one key."""
    if isinstance(value, (np.ndarray, torch.Tensor)) and math.prod(value.shape) == 1:
        value = value.item()
    if is_absent(value):
        raise DataError(f"{place} has no key; give every item a key")
    try:
        return str(value) if isinstance(value, tuple) else id_text_of(value)
    except CellError as error:
        raise DataError(f"{place} {error}") from error


def declared_groups(declared: Any, count: int, where: str) -> list[str]:
    """Return the group of each item as text."""
    try:
        groups = list(declared.tolist() if hasattr(declared, "tolist") else declared)
    except TypeError as error:
        raise DataError(
            f"{where}: groups is a {type(declared).__name__}; it must be {count} texts or numbers"
        ) from error
    if isinstance(declared, str) or len(groups) != count:
        raise DataError(f"{where}: groups must name the group of each of the {count} items; got {len(groups)}")
    return [_group(group, index, where) for index, group in enumerate(groups)]


def _group(group: Any, index: int, where: str) -> str:  # Any: as above
    if isinstance(group, (np.ndarray, torch.Tensor)) and math.prod(group.shape) == 1:
        group = group.item()
    if is_absent(group):
        raise DataError(
            f"{where}: groups has no group for item {index}; give every item a group; a sample that belongs to no "
            "other needs its own"
        )
    try:
        return str(group) if isinstance(group, tuple) else text_of(group)
    except CellError as error:
        raise DataError(f"{where}: groups: item {index} {error}") from error

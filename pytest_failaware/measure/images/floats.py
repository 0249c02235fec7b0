"""Convert normalised floats back to their grey levels, if that is provably exact.

With the mean and std that the data set used, x * std + mean is k / 255 in every pixel. With another mean
or std only a few pixels fit by chance. So all pixels of all images must fit, which also checks mean and std.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.errors import DataError
from pytest_failaware.core.preprocessing import Preprocessing

ROUNDING: Final = {"float16": 0.3, "float32": 1e-3, "float64": 1e-3}
"""How far rounding may move k, in grey levels: at most 0.27 if everything is computed in float16 and 5e-5 in float32;
float64 values may come from float32."""

WANTED: Final = "return Pillow images or uint8 arrays: leave out ToTensor and Normalize, give --failaware-preprocess"

_OTHERS: Final = {
    "mean and std 0.5": Preprocessing(mean=(0.5,), std=(0.5,)),
    "ImageNet's mean and std": Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
}


def grey_levels(values: NDArray[Any], numbers: Preprocessing, place: str) -> NDArray[np.uint8]:
    """Return the grey levels k of floats that are (k / 255 - mean) / std, or k / 255 if there is no mean.

    Args:
        values: (H, W, C) or (H, W), of a type in `ROUNDING`.
        numbers: the mean and std that the floats were normalised with.
        place: the name of the image in errors.

    Raises:
        DataError: no grey levels give these floats. The message has a remedy if other well-known numbers fit.
    """
    levels, reason = _levels(values, numbers)
    if levels is not None:
        return levels
    raise DataError(
        f"{place}: cannot convert {values.dtype} back to uint8 exactly: with --failaware-preprocess={numbers}, "
        f"{reason}; {_remedy(values, numbers)}"
    )


def _levels(values: NDArray[Any], numbers: Preprocessing) -> tuple[NDArray[np.uint8] | None, str]:
    """Return the grey levels, or None and the reason."""
    channels = values.shape[2] if values.ndim == 3 else 1
    if len(numbers.mean) not in (0, 1, channels):
        return None, f"mean and std have {len(numbers.mean)} values and the image {channels} channels"
    mean, std = (
        np.array(channel_values or (default,)) for channel_values, default in ((numbers.mean, 0.0), (numbers.std, 1.0))
    )
    levels = (values.astype(np.float64) * std + mean) * 255
    if not np.isfinite(levels).all():
        return None, "not all values are finite"
    nearest, allowed = np.rint(levels), ROUNDING[str(values.dtype)]
    if nearest.min() < 0 or nearest.max() > 255:
        return None, f"x * std + mean goes from {levels.min() / 255:.3g} to {levels.max() / 255:.3g}, beyond [0, 1]"
    if (deviation := float(np.abs(levels - nearest).max())) > allowed:
        return None, f"x * std + mean is up to {deviation:.2g} / 255 beside k / 255"
    return nearest.astype(np.uint8), ""


def _remedy(values: NDArray[Any], numbers: Preprocessing) -> str:
    """Return the remedy, which names well-known numbers that fit."""
    if numbers.mean and _levels(values, Preprocessing())[0] is not None:
        return f"it looks like plain x / 255; {WANTED}"
    for name, other in _OTHERS.items():
        if _levels(values, other)[0] is not None:
            return f"it looks as if normalised by {name}: give --failaware-preprocess={str(other).replace(', ', ',')}"
    if values.min() >= 0 and values.max() <= 255 and np.array_equal(values, np.rint(values)):
        return f"it looks like grey levels from 0 to 255: give them as uint8; {WANTED}"
    return WANTED

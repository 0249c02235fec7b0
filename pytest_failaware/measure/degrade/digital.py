"""Degrade images as storage and transmission do: coarse pixels and JPEG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pytest_failaware.measure.degrade.randomness import SampleRandom

_PILLOW_BITS: Final = 22  # Pillow's weights for 8-bit images


def pixelate(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Resize to int(side factor) and back as Pillow's BOX does, bit for bit: width first, each axis rounded."""
    values = images.double()
    for axis in (3, 2):
        side = images.shape[axis]
        matrix = _box_matrix(side, max(1, int(side * strength["factor"])), images.device)
        values = values @ matrix.mT if axis == 3 else matrix @ values
        values = values.add_(0.5).floor_()
    small = values.to(torch.uint8)
    for axis in (2, 3):
        small = small.index_select(axis, _nearest(small.shape[axis], images.shape[axis], images.device))
    return small


def jpeg_compression(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Write images as JPEG of `quality` and read them again with Pillow, always on the CPU.

    The bytes depend on the version of the JPEG library inside Pillow.
    """
    pixels = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    decoded = [_through_jpeg(image, int(strength["quality"])) for image in pixels]
    return torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).to(images.device)


def _through_jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return one image (H, W, C), with one or three channels, after JPEG compression."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    with Image.open(file, formats=["JPEG"]) as decoded:
        return np.asarray(decoded).reshape(pixels.shape)


@lru_cache(maxsize=16)
def _box_matrix(side: int, small: int, device: torch.device) -> torch.Tensor:
    """Return Pillow's weights of a BOX resize along one axis, float64 (small, side), multiples of 2^-22."""
    scale = side / small
    matrix = np.zeros((small, side))
    for row in range(small):
        centre = (row + 0.5) * scale
        first, last = max(0, int(centre - scale / 2 + 0.5)), min(side, int(centre + scale / 2 + 0.5))
        places = (np.arange(first, last) - centre + 0.5) / scale
        inside = (places > -0.5) & (places <= 0.5)
        matrix[row, first:last] = np.floor(inside / inside.sum() * 2**_PILLOW_BITS + 0.5) / 2**_PILLOW_BITS
    return torch.from_numpy(matrix).to(device)


@lru_cache(maxsize=16)
def _nearest(small: int, side: int, device: torch.device) -> torch.Tensor:
    """Return which of `small` pixels each of `side` pixels shows, (side,) int64."""
    return torch.from_numpy(((np.arange(side) + 0.5) * (small / side)).astype(np.int64)).to(device)

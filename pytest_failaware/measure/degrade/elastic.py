"""Distort the shape of images: a random affine map, then a smooth random displacement."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from pytest_failaware.measure.degrade.filters import smooth, to_uint8
from pytest_failaware.measure.degrade.randomness import LEVELS, SampleRandom


def elastic_transform(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Move three corners by up to `affine` pixels, then each pixel by `alpha` times noise that is smoothed by `sigma`.

    Both steps are bilinear. The affine map mirrors the image at the centres of its outermost pixels, the displacement
    at its edge (cv2's reflect_101 and scipy's reflect). cv2 rounds places to 1/32 pixel; this function does not.
    """
    values = images.float()
    n, _, h, w = images.shape
    if strength["affine"]:
        corners = strength["affine"] * (2 * random.branch(1).uniform_on_host(6) - 1)
        places = _mapped(_inverse_maps(corners.reshape(n, 3, 2), h, w), h, w, images.device)
        values = _sampled(values, places, is_corner_aligned=True)
    if strength["alpha"]:
        values = _sampled(values, _displaced(strength, random, n, h, w), is_corner_aligned=False)
    return to_uint8(values)


def _inverse_maps(moved: NDArray[np.float64], h: int, w: int) -> NDArray[np.float64]:
    """Return the affine maps from three moved points back to their places, (N, 2, 3) acting on (x, y, 1)."""
    middle, reach = np.array([w // 2, h // 2]), min(h, w) // 3
    points = middle + reach * np.array([[1, 1], [1, -1], [-1, -1]])
    homogeneous = np.concatenate([points + moved, np.ones((len(moved), 3, 1))], axis=2)
    return np.asarray(np.linalg.solve(homogeneous, np.broadcast_to(points, moved.shape)).transpose(0, 2, 1))


def _mapped(maps: NDArray[np.float64], h: int, w: int, device: torch.device) -> torch.Tensor:
    """Return the place that each pixel of the result comes from, (N, H, W, 2) float32 as x, y."""
    terms = torch.from_numpy(maps.astype(np.float32)).to(device)[:, :, :, None, None]
    x, y = (torch.arange(side, dtype=torch.float32, device=device) for side in (w, h))
    return (terms[:, :, 0] * x + terms[:, :, 1] * y[:, None] + terms[:, :, 2]).permute(0, 2, 3, 1)


def _displaced(strength: Mapping[str, float], random: SampleRandom, n: int, h: int, w: int) -> torch.Tensor:
    """Return the place of each pixel plus its displacement, (N, H, W, 2) float32 as x, y."""
    noise = random.branch(2).uint16(2 * h * w).view(n, 2, h, w).double() * 2 - (LEVELS - 1)  # odd, in +-65535
    field = smooth(noise, strength["sigma"], truncate=3.0, border="symmetric") * (strength["alpha"] / LEVELS)
    x, y = (torch.arange(side, device=field.device) for side in (w, h))
    field[:, 0] += x
    field[:, 1] += y[:, None]
    return field.float().permute(0, 2, 3, 1)


def _sampled(values: torch.Tensor, places: torch.Tensor, *, is_corner_aligned: bool) -> torch.Tensor:
    """Return bilinear values at places in pixels, mirrored at the centres or at the edges of the outermost pixels."""
    h, w = values.shape[-2:]
    size = torch.tensor([w, h], dtype=torch.float32, device=values.device)
    unit = places * (2 / (size - 1).clamp(min=1)) - 1 if is_corner_aligned else (2 * places + 1) / size - 1
    return F.grid_sample(values, unit, mode="bilinear", padding_mode="reflection", align_corners=is_corner_aligned)

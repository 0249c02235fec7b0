"""Draw drops of water or mud on the lens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
import torch.nn.functional as F

from pytest_failaware.measure.degrade.filters import padded, smooth, to_uint8
from pytest_failaware.measure.degrade.randomness import SampleRandom

_WATER: Final = (175, 238, 238)  # pale turquoise
_MUD: Final = (63, 42, 20)  # brown
_NOISE_BITS: Final = 12  # fraction bits of the deviates, which makes integers of 16 bits for the exact filter
_EDGE: Final = 150  # the gradient from which cv2.Canny(50, 150) is sure of an edge
_FAR: Final = 20  # pixels; larger distances are reduced to it


def spatter(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Draw drops where smoothed normal noise exceeds `threshold`; mud hides the image, water brightens it at its rims.

    The published script finds the rims with OpenCV's Canny and distance transform. Here an edge is a local maximum of
    the Sobel gradient above Canny's upper threshold, without the weaker pixels that Canny joins to it, and distances
    are Euclidean instead of chamfer approximations.
    """
    n, c, h, w = images.shape
    deviates = random.normal(h * w).view(n, h, w).mul_(2**_NOISE_BITS).round_()
    noise = smooth(deviates, strength["sigma"]) / 2**_NOISE_BITS
    wet = noise * strength["spread"] + strength["mean"]
    wet = torch.where(wet < strength["threshold"], 0, wet).float()
    values = images.float()
    if strength["mud"]:
        cover = smooth((wet > strength["threshold"]).double(), strength["intensity"]).float()[:, None]
        cover = torch.where(cover < 0.8, 0, cover)
        return to_uint8(values * (1 - cover) + cover * _colour(_MUD, c, images.device))
    light = _rims(wet)
    light = light / light.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6) * strength["intensity"]
    added = (light[:, None] * _colour(_WATER, c, images.device)).clamp_(0, 255)
    return to_uint8(values + added)


def _colour(levels: tuple[int, int, int], channels: int, device: torch.device) -> torch.Tensor:
    """Return the colour for images of three channels, and its mean for others, (1, C or 1, 1, 1)."""
    colour = torch.tensor(levels, dtype=torch.float32, device=device)
    return (colour if channels == 3 else colour.mean(dim=0, keepdim=True)).view(1, -1, 1, 1)


def _rims(wet: torch.Tensor) -> torch.Tensor:
    """Return how strongly each pixel of the wet layer (N, H, W) shines: brighter far from a rim, lit from one side."""
    layer = (wet * 255).clamp(0, 255).floor()
    distance = _mean3(_distance(_edges(layer)).clamp_(max=_FAR)).floor_()
    shade = _equalised(distance)
    relief = _weighted(shade, ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))).clamp_(0, 255)
    return layer * _mean3(relief).round_()


def _edges(layer: torch.Tensor) -> torch.Tensor:
    """Return the pixels whose Sobel gradient is strong and largest along its own direction, bool (N, H, W)."""
    right = _weighted(layer, ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)), "edge")
    down = _weighted(layer, ((-1, -2, -1), (0, 0, 0), (1, 2, 1)), "edge")
    size = right.abs() + down.abs()
    around = F.pad(size, (1, 1, 1, 1))
    h, w = size.shape[1:]

    def neighbour(rows: int, columns: int) -> torch.Tensor:
        return around[:, 1 + rows : 1 + rows + h, 1 + columns : 1 + columns + w]

    flat, steep = down.abs() < 0.4142 * right.abs(), down.abs() > 2.4142 * right.abs()  # tan of 22.5 and 67.5 degrees
    falling = right * down > 0

    def beside(side: int) -> torch.Tensor:
        slanted = torch.where(falling, neighbour(side, side), neighbour(side, -side))
        return torch.where(flat, neighbour(0, side), torch.where(steep, neighbour(side, 0), slanted))

    return (size > _EDGE) & (size > beside(-1)) & (size >= beside(1))


def _distance(edges: torch.Tensor) -> torch.Tensor:
    """Return the Euclidean distance to the nearest edge in pixels, exact up to `_FAR`, float32 (N, H, W)."""
    h, w = edges.shape[1:]
    column = torch.arange(w, device=edges.device).expand(edges.shape)
    last = torch.where(edges, column, -2 * _FAR).cummax(dim=2).values
    following = torch.where(edges, column, w + 2 * _FAR).flip(2).cummin(dim=2).values.flip(2)
    across = torch.minimum(column - last, following - column).clamp(max=_FAR).float().square_()
    around = F.pad(across, (0, 0, _FAR, _FAR), value=float(_FAR**2))
    nearest = across
    for rows in range(1, _FAR):
        for start in (_FAR - rows, _FAR + rows):
            nearest = torch.minimum(nearest, around[:, start : start + h] + rows**2)
    return nearest.sqrt()


def _equalised(levels: torch.Tensor) -> torch.Tensor:
    """Equalise the histogram of whole grey levels (N, H, W), as cv2.equalizeHist does."""
    flat = levels.flatten(1).long()
    counts = torch.zeros(len(flat), 256, device=flat.device).scatter_add_(
        1, flat, torch.ones_like(flat, dtype=torch.float32)
    )
    lowest = flat.amin(dim=1, keepdim=True)
    first = counts.gather(1, lowest)
    rest = flat.shape[1] - first
    table = (counts.cumsum(dim=1) - first) * (255 / rest.clamp(min=1))
    table = torch.where(
        rest > 0, table.clamp_(0, 255).round_(), lowest.float()
    )  # an image of a single level stays unchanged
    return table.gather(1, flat).view(levels.shape)


def _mean3(values: torch.Tensor) -> torch.Tensor:
    """Average over 3 by 3 pixels, as cv2.blur does."""
    return _weighted(values, ((1, 1, 1),) * 3) / 9


def _weighted(values: torch.Tensor, kernel: tuple[tuple[int, int, int], ...], border: str = "reflect") -> torch.Tensor:
    """Correlate whole numbers (N, H, W) with whole weights (3, 3); the result is exact."""
    h, w = values.shape[1:]
    around = padded(values, 1, border)
    total = torch.zeros_like(values)
    for top, row in enumerate(kernel):
        for left, weight in enumerate(row):
            if weight:
                total.add_(around[:, top : top + h, left : left + w], alpha=weight)
    return total

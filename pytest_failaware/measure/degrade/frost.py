"""Draw frost, as on a window pane in front of the lens."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from pytest_failaware.measure.degrade.filters import smooth, to_uint8
from pytest_failaware.measure.degrade.plasma import plasma
from pytest_failaware.measure.degrade.randomness import SampleRandom
from pytest_failaware.measure.degrade.snow import luma

_TEXTURES: Final = 5  # the published script draws from five photographs
_SIDE: Final = 512  # pixels of a texture, which continues across its borders
_FEATHERS: Final = 420
_BARBS: Final = 20  # on either side of a feather
_SLANT: Final = np.pi / 3  # between feather and barb, as water freezes
_TINT: Final = (0.90, 0.97, 1.0)  # bluish white


def frost(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Add `image` times the image and `ice` times a random crop of one of five textures at `scale` of their size.

    The published textures are photographs. These are generated: the look and the loss of contrast are similar, but the
    pixels differ. A texture continues across its borders, so a crop may have any size.
    """
    h, w = images.shape[2:]
    textures = _textures(strength["scale"], images.device)
    side = textures.shape[-1]
    rows, columns = (torch.arange(count, device=images.device) for count in (h, w))
    cuts = []
    for which, top, left in random.uniform_on_host(3):
        across = textures[int(which * _TEXTURES)].index_select(1, (rows + int(top * side)) % side)
        cuts.append(across.index_select(2, (columns + int(left * side)) % side))
    ice = torch.stack(cuts)
    ice = ice if images.shape[1] == 3 else luma(ice)
    return to_uint8(images.float() * strength["image"] + ice * strength["ice"])


@lru_cache(maxsize=4)
def _textures(scale: float, device: torch.device) -> torch.Tensor:
    """Return the textures at a scale, float32 (5, 3, S, S), whole grey levels."""
    levels = torch.stack([_ice(number) for number in range(_TEXTURES)]).float()
    textures = (levels[:, None] * torch.tensor(_TINT).view(1, 3, 1, 1) * 255).clamp_(0, 255).round_()
    if scale != 1:
        textures = F.interpolate(textures, size=[max(1, round(_SIDE * scale))] * 2, mode="area").round_()
    return textures.to(device)


def _ice(number: int) -> torch.Tensor:
    """Return one texture, float64 (S, S): feathers with a bright core and a halo on a cloudy ground."""
    random = SampleRandom.keyed(0, "texture of frost", torch.tensor([number]))
    crystals = torch.from_numpy(_feathers(random.branch(1).uniform_on_host(4 * _FEATHERS).reshape(-1, 4)))
    cloud, grain = (plasma(random.branch(2 + n), _SIDE, decay)[0].double() for n, decay in enumerate((1.6, 1.05)))
    core, halo = (1 - torch.exp(-smooth(crystals, sigma) * density) for sigma, density in ((0.6, 0.3), (6.0, 0.5)))
    return 0.22 + 0.25 * cloud + 0.15 * grain + 0.3 * core + 0.18 * halo


def _feathers(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many points of feathers lie on each pixel, at most 15, (S, S).

    Each row of `draws` makes a feather: the first two numbers are its place, then its angle and its length.
    """
    start, angle, length = draws[:, :2] * _SIDE, draws[:, 2] * 2 * np.pi, 12 + 70 * draws[:, 3] ** 2
    along = np.linspace(0, 1, _BARBS)
    joints = _from(start[:, None], angle[:, None], along * length[:, None])
    stems = _from(start[:, None], angle[:, None], np.linspace(0, 1, 160) * length[:, None])
    reach = 0.3 * length[:, None] * (1 - along)
    barbs = [
        _from(joints[:, :, None], (angle + side)[:, None, None], np.linspace(0, 1, 40) * reach[..., None])
        for side in (-_SLANT, _SLANT)
    ]
    points = np.concatenate([part.reshape(-1, 2) for part in (stems, *barbs)])
    row, column = (np.floor(points) % _SIDE).astype(np.int64).T
    return np.minimum(np.bincount(row * _SIDE + column, minlength=_SIDE**2), 15).reshape(_SIDE, _SIDE).astype(float)


def _from(start: NDArray[np.float64], angle: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points at these distances from a start in a direction, (..., 2)."""
    return np.asarray(start + distance[..., None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1))

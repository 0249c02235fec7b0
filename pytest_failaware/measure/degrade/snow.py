"""Draw falling snow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import torch

from pytest_failaware.measure.degrade.filters import streak, to_uint8
from pytest_failaware.measure.degrade.lens import fitted
from pytest_failaware.measure.degrade.randomness import SampleRandom

_LUMA: Final = (0.299, 0.587, 0.114)  # the weights of red, green and blue in ITU-R BT.601 luma, as in cv2


def snow(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Add flakes: thresholded normal noise, zoomed and streaked at -135 to -45 degrees, and again turned by 180.

    The image is first mixed with a whitened copy. The streak is that of motion_blur instead of ImageMagick's, and the
    flakes are rounded to 8 bits both before and after it.
    """
    n, _, h, w = images.shape
    cut = [math.ceil(side / strength["zoom"]) for side in (h, w)]
    noise = random.branch(1).normal(cut[0] * cut[1]).view(n, 1, *cut)
    flakes = fitted((noise * strength["spread"] + strength["mean"]).float(), strength["zoom"], (h, w))
    flakes = torch.where(flakes < strength["threshold"], 0, flakes).clamp_(0, 1).mul_(255).round_()
    degrees = random.branch(2).uniform_on_host(1)[:, 0] * 90 - 135
    flakes = streak(flakes, int(strength["radius"]), strength["sigma"], degrees).round_()
    values = images.float()
    whitened = torch.maximum(values, luma(values) * 1.5 + 127.5)
    mixed = values * strength["mix"] + whitened * (1 - strength["mix"])
    return to_uint8(mixed + flakes + flakes.flip(2, 3))


def luma(values: torch.Tensor) -> torch.Tensor:
    """Return the brightness of (N, C, H, W) as (N, 1, H, W)."""
    if values.shape[1] != 3:
        return values[:, :1]
    red, green, blue = values.unbind(1)
    return (red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2]).unsqueeze(1)

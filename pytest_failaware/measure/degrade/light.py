"""Degradations of brightness."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pytest_failaware.measure.randomness import SampleRandom


def low_light(images: torch.Tensor, strength: Mapping[str, float], random: SampleRandom) -> torch.Tensor:
    """Every value times `factor` (at most 1), truncated: Pillow's ImageEnhance.Brightness bit for bit.

    Pillow blends with black in float32 and truncates; so does this.
    """
    return images.to(torch.float32).mul_(strength["factor"]).to(torch.uint8)

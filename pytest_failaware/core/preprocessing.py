"""The preprocessing of images: geometry and normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INTERPOLATIONS: Final = ("nearest", "bilinear", "bicubic", "lanczos")
"""The interpolations for resizing, by Pillow's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """Geometry on the uint8 image, then `(x / 255 - mean) / std`; sizes in pixels, mean and std in units of [0, 1]."""

    resize: int | None = None
    resize_short: int | None = None
    crop: int | None = None
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __str__(self) -> str:
        sizes = [(name, getattr(self, name)) for name in ("resize", "resize_short", "crop")]
        parts = [f"{name}={value}" for name, value in sizes if value is not None]
        if self.resize is not None or self.resize_short is not None:
            parts.append(f"interpolation={self.interpolation}")
        if self.mean:
            parts.append("mean=" + "/".join(map(repr, self.mean)))
            parts.append("std=" + "/".join(map(repr, self.std)))
        return ", ".join(parts) or "none"

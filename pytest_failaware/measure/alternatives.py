"""Other ways to prepare the same images: the mistakes in preprocessing that are made most often, undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F

from pytest_failaware.measure.preprocess import Pipeline, build_pipeline
from pytest_failaware.schema import Preprocessing

SIZES: Final = (32, 64, 128, 224)
"""The sides in pixels that are tried."""

_IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_USUAL: Final = {
    1: (((0.5,), (0.5,)), ((0.449,), (0.226,)), ((0.1307,), (0.3081,))),  # the last two: ImageNet's in grey, MNIST's
    3: (_IMAGENET, ((0.5,) * 3, (0.5,) * 3)),
}
_BYTES: Final = ((0.0,), (1 / 255,))  # undoes the division by 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What is done otherwise: another size, another normalisation, red and blue swapped; None keeps what was given."""

    size: int | None = None
    spec: Preprocessing | None = None
    is_swapped: bool = False

    @property
    def changes(self) -> int:
        """How many things are otherwise."""
        return (self.size is not None) + (self.spec is not None) + self.is_swapped

    def inputs(self, images: torch.Tensor, pipeline: Pipeline) -> torch.Tensor:
        """Return the inputs of uint8 images (N, C, H, W)."""
        if self.size is not None:
            resized = F.interpolate(images.float(), (self.size, self.size), mode="bilinear", antialias=True)
            images = resized.round().clamp(0, 255).to(torch.uint8)
        if self.is_swapped:
            images = images.flip(1)
        return (pipeline if self.spec is None else build_pipeline(self.spec)).normalise(images)

    def __str__(self) -> str:
        parts = []
        if self.size is not None:
            parts.append(f"at {self.size} x {self.size} px (resize={self.size})")
        if self.spec is not None:
            parts.append(_normalisation(self.spec))
        text = " and ".join(parts) + " in --failaware-preprocess" if parts else ""
        return f"with red and blue swapped {text}".strip() if self.is_swapped else text


GIVEN: Final = Alternative()


def alternatives(images: torch.Tensor, pipeline: Pipeline, *, enlarge: bool) -> Iterator[Alternative]:
    """Return what else to try for images (N, C, H, W).

    Small images are cheap, so each size of at most half the side is tried with each normalisation. Other sizes are
    tried with the normalisation that was given, and larger ones only if asked for.
    """
    channels, shortest = images.shape[1], min(images.shape[2:])
    given = pipeline.normalise(images[:1])
    others = [spec for spec in _usual(channels) if not torch.equal(given, build_pipeline(spec).normalise(images[:1]))]
    yield from (Alternative(spec=spec) for spec in others)
    if channels == 3:
        yield Alternative(is_swapped=True)
    for size in SIZES:
        if size < shortest or (size > shortest and enlarge):
            yield Alternative(size=size)
        if 2 * size <= shortest:
            yield from (Alternative(size=size, spec=spec) for spec in others)


def _usual(channels: int) -> list[Preprocessing]:
    """The normalisations that a model for so many channels may have been trained with."""
    pairs = (*_USUAL.get(channels, ()), _BYTES)
    return [Preprocessing(), *(Preprocessing(mean=mean, std=std) for mean, std in pairs)]


def _normalisation(spec: Preprocessing) -> str:
    if not spec.mean:
        return "in [0, 1], without mean and std"
    if spec.mean == _BYTES[0]:
        return f"in 0..255, which mean=0, std={spec.std[0]!r} gives"
    return f"with {spec}"

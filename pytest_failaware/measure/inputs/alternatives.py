"""Other ways to preprocess the same images: each undoes a common mistake in preprocessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import torch
import torch.nn.functional as F

from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.measure.inputs.preprocess import Pipeline, build_pipeline

SIZES: Final = (32, 64, 128, 224)
"""The image sides in pixels to try."""

_IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_USUAL: Final = {
    1: (((0.5,), (0.5,)), ((0.449,), (0.226,)), ((0.1307,), (0.3081,))),  # the last two: ImageNet's in grey, MNIST's
    3: (_IMAGENET, ((0.5,) * 3, (0.5,) * 3)),
}
_BYTES: Final = ((0.0,), (1 / 255,))  # undoes the division by 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A change of the preprocessing: another size, other mean and std, red and blue swapped; None means no change."""

    size: int | None = None
    numbers: Preprocessing | None = None
    is_swapped: bool = False

    @property
    def changes(self) -> int:
        """The number of changes."""
        return (self.size is not None) + (self.numbers is not None) + self.is_swapped

    def inputs(self, images: torch.Tensor, pipeline: Pipeline) -> torch.Tensor:
        """Return the inputs of uint8 images (N, C, H, W)."""
        if self.size is not None:
            resized = F.interpolate(images.float(), (self.size, self.size), mode="bilinear", antialias=True)
            images = resized.round().clamp(0, 255).to(torch.uint8)
        if self.is_swapped:
            images = images.flip(1)
        return (pipeline if self.numbers is None else build_pipeline(self.numbers)).normalise(images)

    def __str__(self) -> str:
        parts = []
        if self.size is not None:
            parts.append(f"at {self.size} x {self.size} px")
        if self.numbers is not None:
            parts.append(f"with {self.numbers}" if self.numbers.mean else "without mean and std")
        if self.is_swapped:
            parts.append("with red and blue swapped")
        return " and ".join(parts)

    def remedy(self, typed: Preprocessing | None) -> str:
        """Return what to write instead of `typed`, which is None if the preprocessing is user code."""
        if self.is_swapped:
            return "swap them in an own preprocessing, --failaware-preprocess=pkg.mod:object"
        if typed is None:
            return "change the preprocessing that --failaware-preprocess names"
        if self.size is not None:
            typed = replace(typed, resize=self.size, resize_short=None, crop=None)
        if self.numbers is not None:
            typed = replace(typed, mean=self.numbers.mean, std=self.numbers.std)
        text = str(typed).replace(", interpolation=bilinear", "")  # the default
        return f'write --failaware-preprocess="{text}"'


GIVEN: Final = Alternative()


def much_smaller(images: torch.Tensor, pipeline: Pipeline) -> Iterator[Alternative]:
    """Yield each size of at most half the side of images (N, C, H, W), with each mean and std; these cost little."""
    others = list(_other_numbers(images[:1], pipeline))
    for size in SIZES:
        if 2 * size <= min(images.shape[2:]):
            yield Alternative(size=size)
            yield from (Alternative(size=size, numbers=numbers) for numbers in others)


def as_large(images: torch.Tensor, pipeline: Pipeline) -> Iterator[Alternative]:
    """Yield alternatives that cost as much as the images (N, C, H, W): one other change, or a slightly smaller size."""
    yield from (Alternative(numbers=numbers) for numbers in _other_numbers(images[:1], pipeline))
    if images.shape[1] == 3:
        yield Alternative(is_swapped=True)
    shortest = min(images.shape[2:])
    yield from (Alternative(size=size) for size in SIZES if size < shortest < 2 * size)


def larger(images: torch.Tensor, *, is_lost: bool) -> list[Alternative]:
    """Return the next larger size, or all larger sizes if the model `is_lost`, with very few right answers."""
    sizes = [Alternative(size=size) for size in SIZES if size > min(images.shape[2:])]
    return sizes if is_lost else sizes[:1]


def _other_numbers(image: torch.Tensor, pipeline: Pipeline) -> Iterator[Preprocessing]:
    """Yield the usual means and stds that change the inputs of an image (1, C, H, W)."""
    pairs = (*_USUAL.get(image.shape[1], ()), _BYTES)
    current = pipeline.normalise(image)
    for numbers in (Preprocessing(), *(Preprocessing(mean=mean, std=std) for mean, std in pairs)):
        if not torch.equal(current, build_pipeline(numbers).normalise(image)):
            yield numbers

"""Preprocessing in two halves: geometry on Pillow images before any degradation, normalisation of batches after."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from PIL import Image

from pytest_failaware.errors import DataError
from pytest_failaware.imports import load_attribute
from pytest_failaware.schema import Preprocessing, Source, SourceKind

_RESAMPLING: Final = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """How an image becomes an input.

    `geometry` takes and gives a Pillow image; `normalise` takes uint8 (N, C, H, W) on any device and gives float32 of
    the same shape; `text` identifies both in a baseline.
    """

    geometry: Callable[[Image.Image], Image.Image]
    normalise: Callable[[torch.Tensor], torch.Tensor]
    text: str


def build_pipeline(spec: Preprocessing | Source) -> Pipeline:
    """The pipeline of a preprocessing as it was typed.

    Raises:
        DataError: the torchvision weights or the object do not exist or have no such halves.
    """
    if isinstance(spec, Source):
        if spec.kind is SourceKind.FACTORY:
            return _of_object(spec)
        spec = _of_weights(spec.target)
    explicit = spec
    return Pipeline(
        geometry=lambda image: _geometry(image, explicit),
        normalise=lambda images: _normalise(images, explicit),
        text=str(explicit),
    )


def _geometry(image: Image.Image, spec: Preprocessing) -> Image.Image:
    """Resize and central crop as torchvision's transforms do on Pillow images."""
    from torchvision.transforms import functional as F

    interpolation = F.InterpolationMode(spec.interpolation)
    if spec.resize is not None:
        image = F.resize(image, [spec.resize, spec.resize], interpolation)
    if spec.resize_short is not None:
        image = F.resize(image, [spec.resize_short], interpolation)
    if spec.crop is not None:
        image = F.center_crop(image, [spec.crop])
    return image


def _normalise(images: torch.Tensor, spec: Preprocessing) -> torch.Tensor:
    """(x / 255 - mean) / std in float32; one mean serves every channel."""
    inputs = images.to(torch.float32).div_(255)
    if not spec.mean:
        return inputs
    if len(spec.mean) not in (1, images.shape[1]):
        raise DataError(
            f"--failaware-preprocess: mean and std have {len(spec.mean)} values, the images have {images.shape[1]} "
            "channels; give one value or one per channel"
        )
    mean, std = (torch.tensor(values, device=images.device).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return inputs.sub_(mean).div_(std)


def _of_weights(name: str) -> Preprocessing:
    """The numbers in the transforms of torchvision weights; nothing is downloaded."""
    from torchvision import models

    place = f"--failaware-preprocess=torchvision:{name}"
    try:
        preset: Any = models.get_weight(name).transforms()  # Any: each preset is a class of its own
    except (ValueError, AttributeError, KeyError) as error:
        known = [str(weights) for model in models.list_models() for weights in models.get_model_weights(model)]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else "write it as in ResNet18_Weights.IMAGENET1K_V1"
        raise DataError(f"{place}: torchvision has no such weights; {hint}") from error
    needed = ("resize_size", "crop_size", "mean", "std", "interpolation")
    if not all(hasattr(preset, attribute) for attribute in needed):
        raise DataError(f"{place}: its transforms are not those of a classifier of single images; give the numbers")
    return Preprocessing(
        resize_short=preset.resize_size[0],
        crop=preset.crop_size[0],
        interpolation=preset.interpolation.value,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )


def _of_object(source: Source) -> Pipeline:
    """The user's own object with `.geometry(image) -> image` and `.normalise(float32 batch in [0, 1]) -> batch`."""
    found: Any = load_attribute(source.target, "--failaware-preprocess")
    missing = [name for name in ("geometry", "normalise") if not callable(getattr(found, name, None))]
    if missing:
        raise DataError(
            f"--failaware-preprocess={source}: has no method {' or '.join(missing)}; degradations act between the two, "
            "so give an object with .geometry(pillow_image) and .normalise(batch)"
        )
    return Pipeline(
        geometry=found.geometry,
        normalise=lambda images: found.normalise(images.to(torch.float32).div_(255)),
        text=str(source),
    )

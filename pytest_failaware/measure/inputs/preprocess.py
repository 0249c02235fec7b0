"""Build the preprocessing in two halves: geometry on Pillow images before a degradation, normalisation after it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import nn

from pytest_failaware.core.errors import DataError, did_you_mean
from pytest_failaware.core.preprocessing import Preprocessing
from pytest_failaware.core.request import Source, SourceKind
from pytest_failaware.core.text import describe_error
from pytest_failaware.measure.imports import load_attribute
from pytest_failaware.measure.inputs.transforms import is_torchvisions, of_preset, of_timm, of_transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The two functions that turn an image into an input.

    `geometry` takes and returns a Pillow image. `normalise` takes uint8 (N, C, H, W) on any device and returns float32
    of the same shape. `text` identifies both in a baseline. `code` names the user code in them, "" if there is none.
    `numbers` describes both completely, None if they are user code.
    """

    geometry: Callable[[Image.Image], Image.Image]
    normalise: Callable[[torch.Tensor], torch.Tensor]
    text: str
    code: str = ""
    numbers: Preprocessing | None = None


def build_pipeline(spec: Preprocessing | Source, module: nn.Module | None = None) -> Pipeline:
    """Return the pipeline of a preprocessing; the preprocessing `timm` is taken from `module`, the model.

    Raises:
        DataError: the torchvision weights or the object do not exist, or cannot be split into the two halves.
        ConfigError: timm is needed and not installed.
    """
    if isinstance(spec, Source) and spec.kind is SourceKind.FACTORY:
        return _of_object(spec)
    if isinstance(spec, Source):
        spec = of_timm(module or nn.Identity()) if spec.kind is SourceKind.TIMM else _of_weights(spec.target)
    return _of_numbers(spec)


def _of_numbers(explicit: Preprocessing) -> Pipeline:
    return Pipeline(
        geometry=lambda image: _geometry(image, explicit),
        normalise=lambda images: _normalise(images, explicit),
        text=str(explicit),
        numbers=explicit,
    )


def _geometry(image: Image.Image, spec: Preprocessing) -> Image.Image:
    """Resize and crop as torchvision's transforms do on Pillow images."""
    from torchvision.transforms import functional as F

    interpolation = F.InterpolationMode(spec.interpolation)
    if spec.resize is not None:
        image = F.resize(image, [spec.resize, spec.resize], interpolation)
    if spec.resize_short is not None:
        image = F.resize(image, [spec.resize_short], interpolation)
    if spec.crop is not None:
        if min(image.size) < spec.crop:  # center_crop would pad the image with black
            raise DataError(
                f"--failaware-preprocess={spec}: crop={spec.crop} is larger than the image, {image.width} x "
                f"{image.height} px; make it smaller, or enlarge the image first with resize_short={spec.crop}"
            )
        image = F.center_crop(image, [spec.crop])
    return image


def _normalise(images: torch.Tensor, spec: Preprocessing) -> torch.Tensor:
    """Return (x / 255 - mean) / std in float32; a single mean holds for every channel."""
    inputs = _unit_range(images)
    if not spec.mean:
        return inputs
    if len(spec.mean) not in (1, images.shape[1]):
        raise DataError(
            f"--failaware-preprocess: mean and std have {len(spec.mean)} values, the images have {images.shape[1]} "
            "channels; give one value or one per channel"
        )
    return inputs.sub_(_per_channel(spec.mean, images.device)).div_(_per_channel(spec.std, images.device))


def _unit_range(images: torch.Tensor) -> torch.Tensor:
    """Return x / 255 in float32, divided by a tensor, since CUDA multiplies by the rounded reciprocal of a number."""
    return images.to(torch.float32).div_(_per_channel((255.0,), images.device))


def _per_channel(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device).view(1, -1, 1, 1)


def _of_weights(name: str) -> Preprocessing:
    """Return the preprocessing of torchvision weights; nothing is downloaded."""
    return of_preset(_classifier_weights(name).transforms())


def published_accuracy(name: str) -> float | None:
    """Return the accuracy on ImageNet's validation set that torchvision publishes for weights, in [0, 1], or None."""
    percent = _classifier_weights(name).meta.get("_metrics", {}).get("ImageNet-1K", {}).get("acc@1")
    return None if percent is None else float(percent) / 100


def _classifier_weights(name: str) -> Any:  # Any: a member of one of torchvision's enums
    """Return the weights of an image classifier; the transforms of other models take videos or pairs of images."""
    from torchvision import models

    members = (weights for kind in models.list_models(models) for weights in models.get_model_weights(kind))
    known = {str(weights).lower(): weights for weights in members}
    with contextlib.suppress(ValueError, AttributeError, KeyError):
        weights = models.get_weight(name)
        if weights in known.values():
            return weights
    hint = did_you_mean(name, map(str, known.values()), "write it as in ResNet18_Weights.IMAGENET1K_V1")
    raise DataError(
        f"--failaware-preprocess=torchvision:{name}: torchvision has no such weights of a classifier; {hint}"
    )


def _of_object(source: Source) -> Pipeline:
    """Return the pipeline of a user's object with `.geometry(image)` and `.normalise(float32 batch in [0, 1])`.

    A transform of torchvision is taken apart into its numbers instead.
    """
    place = f"--failaware-preprocess={source}"
    target: Any = load_attribute(source.target, "--failaware-preprocess")
    if is_torchvisions(target):
        return _of_numbers(of_transform(target, place))
    missing = [name for name in ("geometry", "normalise") if not callable(getattr(target, name, None))]
    if missing:
        raise DataError(
            f"{place}: has no method {' or '.join(missing)}; degradations act between the two, so give an object with "
            ".geometry(pillow_image) and .normalise(batch), or a Compose of torchvision's Resize, CenterCrop, ToTensor "
            "and Normalize"
        )

    def geometry(image: Image.Image) -> Image.Image:
        shaped = _call(target.geometry, image, f"{place}: geometry")
        if not isinstance(shaped, Image.Image) or shaped.mode not in ("L", "RGB"):
            got = f"mode {shaped.mode}" if isinstance(shaped, Image.Image) else f"a {type(shaped).__name__}"
            raise DataError(f"{place}: geometry must return a Pillow image of mode L or RGB, got {got}")
        return shaped

    def normalise(images: torch.Tensor) -> torch.Tensor:
        inputs = _call(target.normalise, _unit_range(images), f"{place}: normalise")
        if not isinstance(inputs, torch.Tensor) or inputs.dtype != torch.float32 or len(inputs) != len(images):
            got = f"{inputs.dtype} {tuple(inputs.shape)}" if isinstance(inputs, torch.Tensor) else type(inputs).__name__
            raise DataError(f"{place}: normalise must return a float32 tensor, one row per image, got {got}")
        return inputs

    return Pipeline(geometry=geometry, normalise=normalise, text=str(source), code=source.target)


def _call(
    method: Callable[[Any], object], argument: Any, place: str
) -> object:  # Any: the argument of the user's method
    try:
        return method(argument)
    except Exception as error:  # the user's code runs here
        raise DataError(f"{place} raised {describe_error(error)}; repair it") from error

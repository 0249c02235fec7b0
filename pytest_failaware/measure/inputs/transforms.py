"""Take transforms of torchvision and data configurations of timm apart into the numbers of a Preprocessing.

Degradations act between geometry and normalisation. A transform can therefore be used only if it is exactly a resize, a
central crop, x / 255 and a mean and std; any other step is refused by name.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch
from torch import nn

from pytest_failaware.core.errors import ConfigError, DataError
from pytest_failaware.core.preprocessing import INTERPOLATIONS, Preprocessing

Step = Any
"""A transform. Any: torchvision and timm ship no types."""

_ROLES: Final = {
    "Resize": 0, "CenterCrop": 1, "ToImage": 2, "PILToTensor": 2, "ToTensor": 3, "ToDtype": 3, "ConvertImageDtype": 3,
    "Normalize": 4,
}  # fmt: skip
"""The steps that can be taken apart, and their order; the order matters, since resizing a tensor gives other pixels."""

_ORDER: Final = "Resize, CenterCrop, ToTensor (or ToImage and ToDtype), Normalize"
_OWN: Final = "give the numbers, or an object with .geometry and .normalise"


def is_torchvisions(transform: object) -> bool:
    """Return whether an object is a transform of torchvision."""
    return type(transform).__module__.startswith("torchvision.transforms.")


def of_preset(preset: Step) -> Preprocessing:
    """Return the numbers of torchvision's preset for classifiers, `weights.transforms()`."""
    return Preprocessing(**_preset(preset))


def of_transform(transform: object, place: str) -> Preprocessing:
    """Return the numbers of a preset, or of a Compose of the steps above in their order.

    ToDtype multiplies by 1 / 255, while ToTensor and this library divide by 255; the last bit of a float32 can differ.

    Raises:
        DataError: a step cannot be taken apart; the message names `place` and the step.
    """
    if type(transform).__name__ == "ImageClassification":
        preset: Step = transform
        if not all(isinstance(size, int) for size in (*preset.resize_size, *preset.crop_size)):
            sizes = f"resize_size={preset.resize_size} and crop_size={preset.crop_size}"
            raise DataError(f"{place}: ImageClassification has {sizes}, not one number each; {_OWN}")
        return Preprocessing(**_taken("ImageClassification", _preset, preset, place))
    numbers: dict[str, Any] = {}  # Any: the values of a Preprocessing
    kinds: list[str] = []
    for step in _steps(transform):
        kind = type(step).__name__
        if not is_torchvisions(step) or kind not in _ROLES:
            raise DataError(f"{place}: the step {kind} cannot be taken apart; {_OWN}")
        if kinds and _ROLES[kind] <= _ROLES[kinds[-1]]:
            raise DataError(f"{place}: the step {kind} stands behind {kinds[-1]}; order them as {_ORDER}, or {_OWN}")
        numbers |= _taken(kind, _NUMBERS.get(kind, _no_numbers), step, place)
        kinds.append(kind)
    if "ToTensor" not in kinds and not ({2, 3} <= {_ROLES[kind] for kind in kinds}):
        raise DataError(
            f"{place}: no step makes float32 in [0, 1] of the pixels, as ToTensor() does; add it, or {_OWN}"
        )
    return Preprocessing(**numbers)


def of_timm(module: nn.Module) -> Preprocessing:
    """Return the preprocessing that timm states for a model: resize the shorter edge to size / crop_pct, then crop.

    Raises:
        ConfigError: timm is not installed.
        DataError: the model is not from timm, or its configuration is not such a resize and crop.
    """
    place = "--failaware-preprocess=timm"
    try:
        data: Any = importlib.import_module("timm.data")  # Any: timm's functions have no types
    except ImportError as error:
        raise ConfigError(f"{place}: needs timm; run pip install 'pytest-failaware[timm]'") from error
    if not getattr(module, "pretrained_cfg", None):
        raise DataError(
            f"{place}: the model is no model of timm (it has no pretrained_cfg); give the numbers, as in "
            "resize_short=256, crop=224, mean=0.485/0.456/0.406, std=0.229/0.224/0.225"
        )
    facts: Mapping[str, Any] = data.resolve_model_data_config(module)  # Any: the configuration's values
    _, height, width = facts["input_size"]
    for name, value, usable in (
        ("input_size", facts["input_size"], height == width),
        ("crop_mode", facts["crop_mode"], facts["crop_mode"] == "center"),
        ("interpolation", facts["interpolation"], facts["interpolation"] in INTERPOLATIONS),
    ):
        if not usable:
            raise DataError(f"{place}: the model's {name} is {value!r}, which no resize and central crop is; {_OWN}")
    return Preprocessing(
        resize_short=math.floor(height / facts["crop_pct"]),
        crop=height,
        interpolation=facts["interpolation"],
        mean=_floats(facts["mean"]),
        std=_floats(facts["std"]),
    )


# ---- one step ------------------------------------------------------------------------------------------------------


def _steps(transform: Step) -> Iterator[Step]:
    """Yield the steps of a Compose, also of each Compose in it."""
    if not (is_torchvisions(transform) and type(transform).__name__ == "Compose"):
        yield transform
        return
    for step in transform.transforms:
        yield from _steps(step)


def _taken(
    kind: str, numbers: Callable[[Step], dict[str, Any]], step: Step, place: str
) -> dict[str, Any]:  # Any: the values of a Preprocessing
    try:
        return numbers(step)
    except ValueError as error:
        raise DataError(f"{place}: the step {kind} has {error}; {_OWN}") from error


def _preset(preset: Step) -> dict[str, Any]:  # Any: the values of a Preprocessing
    edges = {"resize_short": _edge(preset.resize_size), "crop": _edge(preset.crop_size)}
    return {**edges, "interpolation": preset.interpolation.value, **_normalize(preset)}


def _resize(step: Step) -> dict[str, Any]:  # Any: the values of a Preprocessing
    interpolation = getattr(step.interpolation, "value", step.interpolation)
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation={interpolation}, not one of {', '.join(INTERPOLATIONS)}")
    if step.max_size is not None or step.size is None:
        raise ValueError(f"max_size={step.max_size}")
    sizes = [step.size] if isinstance(step.size, int) else list(step.size)
    name = "resize_short" if len(sizes) == 1 else "resize"
    return {name: _edge(sizes), "interpolation": interpolation}


def _crop(step: Step) -> dict[str, Any]:  # Any: the values of a Preprocessing
    return {"crop": _edge(list(step.size))}


def _dtype(step: Step) -> dict[str, Any]:  # Any: the values of a Preprocessing
    scale = getattr(step, "scale", True)
    if step.dtype is not torch.float32 or not scale:
        raise ValueError(f"dtype={step.dtype} and scale={scale}, not torch.float32 and True")
    return {}


def _normalize(step: Step) -> dict[str, Any]:  # Any: the values of a Preprocessing
    mean, std = _floats(step.mean), _floats(step.std)
    if not all(map(math.isfinite, (*mean, *std))) or min(std, default=1) <= 0:
        raise ValueError(f"mean={mean} and std={std}, which are not all finite with std above 0")
    return {"mean": mean, "std": std}


def _no_numbers(step: Step) -> dict[str, Any]:  # Any: the values of a Preprocessing
    return {}


_NUMBERS: Final[Mapping[str, Callable[[Step], dict[str, Any]]]] = {
    "Resize": _resize, "CenterCrop": _crop, "ToDtype": _dtype, "ConvertImageDtype": _dtype, "Normalize": _normalize
}  # fmt: skip


def _edge(sizes: list[int]) -> int:
    if len(set(sizes)) != 1:
        raise ValueError(f"size={tuple(sizes)}, no square")
    if sizes[0] < 1:
        raise ValueError(f"size={sizes[0]}, below 1 pixel")
    return int(sizes[0])


def _floats(values: Any) -> tuple[float, ...]:  # Any: a list or a tensor
    return tuple(float(value) for value in values)

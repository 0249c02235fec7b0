"""The names and parameters of the degradations; this file imports no torch, so collecting tests stays cheap."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pytest_failaware.core.conditions.published import GRADED


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a degradation: its default (None: the user must give it), its closed range and its unit."""

    name: str
    default: float | None = None
    low: float = 0.0
    high: float
    unit: str = ""
    is_whole: bool = False


def free_parameter(name: str, default: float | None = None) -> Parameter:
    """Return a parameter of a user-defined degradation, whose range and unit are unknown."""
    return Parameter(name=name, default=default, low=-1e6, high=1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """The definition of a degradation; `implementation` increases each time its pixels change."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    implementation: int = 1
    is_random: bool = False

    @property
    def has_severities(self) -> bool:
        """Whether the degradation has published severities, as in `name:3`."""
        return self.name in GRADED


class Degrade(Protocol):
    """A function that returns a degraded copy of a batch of images, with the same shape, dtype and device."""

    def __call__(self, images: Any, strength: Mapping[str, float], random: Any, /) -> Any:
        """Degrade `images`, a uint8 tensor (N, C, H, W); `random` is a SampleRandom. Any: no torch is imported here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """A user-defined degradation, for the hook `pytest_failaware_conditions`.

    `parameters` has the default of each parameter. If the function draws from `random`, set `is_random=True`. Increase
    `implementation` when its pixels change, so that old baselines become incomparable instead of wrong.
    """

    name: str
    function: Degrade
    parameters: Mapping[str, float] = field(default_factory=dict)
    implementation: int = 1
    is_random: bool = False

    @property
    def definition(self) -> Definition:
        """The entry of the table of conditions."""
        parameters = tuple(free_parameter(name, default=float(value)) for name, value in self.parameters.items())
        return Definition(
            name=self.name, parameters=parameters, implementation=self.implementation, is_random=self.is_random
        )


def _pixels(name: str, high: float, default: float | None = None) -> Parameter:
    return Parameter(name=name, default=default, high=high, unit="pixels")


def _of_range(name: str, high: float, default: float | None = None) -> Parameter:
    return Parameter(name=name, default=default, high=high, unit="of the range [0, 1]")


def _factor(name: str, high: float, default: float | None = None, unit: str = "") -> Parameter:
    return Parameter(name=name, default=default, high=high, unit=unit)


def _whole(name: str, high: float, low: float = 1.0, unit: str = "") -> Parameter:
    return Parameter(name=name, low=low, high=high, unit=unit, is_whole=True)


def _random(name: str, *parameters: Parameter) -> Definition:
    return Definition(name=name, parameters=parameters, is_random=True)


def _fixed(name: str, *parameters: Parameter) -> Definition:
    return Definition(name=name, parameters=parameters)


_BRIGHTNESS: Final = "of the brightness"
DEFINITIONS: Final[Mapping[str, Definition]] = {
    definition.name: definition
    for definition in (
        # noise
        _fixed("clean"),
        _random("gaussian_noise", _of_range("sigma", 2.0, default=0.3)),
        _random("shot_noise", Parameter(name="photons", low=0.1, high=1e4, unit="at full brightness")),
        _random("impulse_noise", _factor("amount", 1.0, unit="of the values")),
        _random("speckle_noise", _factor("sigma", 2.0, unit="of the value")),
        # blur
        _fixed("blur", _pixels("radius", 64.0, default=2.0)),
        _fixed("gaussian_blur", _pixels("sigma", 64.0)),
        _fixed("defocus_blur", _pixels("radius", 32.0), _pixels("alias_sigma", 4.0)),
        _random("motion_blur", _whole("radius", 64.0, unit="pixels"), _pixels("sigma", 64.0)),
        _fixed("zoom_blur", _whole("steps", 64.0), _factor("step", 0.1, unit="of the size")),
        _random("glass_blur", _pixels("sigma", 8.0), _whole("max_delta", 16.0, unit="pixels"), _whole("rounds", 8.0)),
        # light and contrast
        _fixed("low_light", _factor("factor", 1.0, 0.4, _BRIGHTNESS)),
        _fixed("darkness", _factor("factor", 1.0, unit=_BRIGHTNESS)),
        _fixed("brightness", _of_range("shift", 1.0)),
        _fixed("contrast", _factor("factor", 1.0, unit="of the contrast")),
        _fixed("saturate", _factor("factor", 100.0, unit="of the saturation"), _of_range("shift", 1.0)),
        # digital
        _fixed("pixelate", Parameter(name="factor", low=0.01, high=1.0, unit="of the size")),
        _fixed("jpeg_compression", _whole("quality", 100.0)),
        # geometric
        _random("elastic_transform", _pixels("alpha", 1e4), _pixels("sigma", 1e3), _pixels("affine", 1e3)),
        # weather
        _random(
            "snow",
            *(_of_range("mean", 2.0), _of_range("spread", 2.0), Parameter(name="zoom", low=1.0, high=16.0)),
            *(_of_range("threshold", 1.0), _whole("radius", 64.0, unit="pixels"), _pixels("sigma", 64.0)),
            _factor("mix", 1.0, unit="of the image"),
        ),
        _random(
            "frost",
            *(_factor("image", 1.0, unit="of the image"), _factor("ice", 1.0, unit="of the texture")),
            Parameter(name="scale", low=0.05, high=1.0, unit="of the texture's size"),
        ),
        _random("fog", _factor("thickness", 10.0), Parameter(name="decay", low=1.0, high=10.0, unit="per halving")),
        _random(
            "spatter",
            *(_of_range("mean", 2.0), _of_range("spread", 2.0), _pixels("sigma", 16.0), _of_range("threshold", 1.0)),
            *(_factor("intensity", 8.0), _whole("mud", 1.0, low=0.0)),
        ),
    )
}

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,60}")
"""The pattern of a condition's name; the name becomes part of a file name, so it has no capital letters."""


class AnyName(dict[str, Definition]):
    """Definitions for predictions: any name that is not in the table is a condition without parameters."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and NAME.fullmatch(name) is not None)

    def __missing__(self, name: str) -> Definition:
        return Definition(name=name)


DEFAULT_CONDITIONS: Final = ("clean", "gaussian_noise", "blur", "low_light")
"""The conditions of a gate that names no conditions."""

"""Read what users write for a model, an architecture, a data set or a preprocessing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pytest_failaware.config.given import Given
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.files import is_address
from pytest_failaware.core.preprocessing import INTERPOLATIONS, Preprocessing
from pytest_failaware.core.request import Source, SourceKind

_KINDS: Final = {
    "model": (SourceKind.FILE, SourceKind.TORCHVISION, SourceKind.TIMM, SourceKind.FACTORY),
    "predictions": (SourceKind.FILE,),
    "against": (SourceKind.FILE, SourceKind.TORCHVISION, SourceKind.TIMM, SourceKind.FACTORY),
    "arch": (SourceKind.TORCHVISION, SourceKind.TIMM, SourceKind.FACTORY),
    "dataset": (SourceKind.FOLDER, SourceKind.CSV, SourceKind.NPZ, SourceKind.TORCHVISION, SourceKind.FACTORY),
    "preprocess": (SourceKind.TORCHVISION, SourceKind.FACTORY),
}


_OTHERS: Final = {
    "arch": ("resnet18 (torchvision's name)",),
    "preprocess": ("resize=PX,mean=a/b/c,std=a/b/c", "none (x / 255)", "timm (the model's own)"),
}
"""What else can be written, for messages."""


_FACTORY: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def read_source(name: str, given: Given) -> Source:
    """What an option's text names: `kind:target`, `pkg.mod:attribute`, a bare torchvision name, or a file."""
    kinds = _KINDS[name]
    scheme, _, target = given.text.partition(":")
    if is_address(given.text) and not given.path().exists():
        if SourceKind.TIMM in kinds and SourceKind.FILE in kinds:  # a hook may know what to do with it
            return Source(kind=SourceKind.FILE, target=given.text)
        raise ConfigError(f"{given.where}: is an address, not a file; fetch it first and give its path")
    for kind in kinds:
        if scheme == kind.value and target:
            if is_address(target):
                raise ConfigError(f"{given.where}: names an address, not a file; fetch it first and give its path")
            path = kind in (SourceKind.FOLDER, SourceKind.CSV, SourceKind.NPZ)
            return Source(kind=kind, target=str(replace(given, text=target).path()) if path else target)
    if SourceKind.FILE in kinds and (given.path().exists() or not _FACTORY.fullmatch(given.text)):
        return Source(kind=SourceKind.FILE, target=str(given.path()))
    if _FACTORY.fullmatch(given.text):
        return Source(kind=SourceKind.FACTORY, target=given.text)
    if name == "arch" and given.text.isidentifier():
        return Source(kind=SourceKind.TORCHVISION, target=given.text)
    sources = ["pkg.mod:factory" if kind is SourceKind.FACTORY else f"{kind.value}:…" for kind in kinds]
    choices = ", ".join([*_OTHERS.get(name, ()), *sources])
    raise ConfigError(f"{given.where}: cannot read {given.text!r}; write it as one of {choices}")


def read_preprocess(given: Given) -> Preprocessing | Source:
    """`none`, `timm`, comma-separated `key=value` pairs, or a source."""
    if given.text == "none":
        return Preprocessing()
    if given.text == "timm":
        return Source(kind=SourceKind.TIMM, target="the model's own")
    if "=" not in given.text:
        return read_source("preprocess", given)
    values: dict[str, str] = {}
    for pair in given.text.split(","):
        key, _, value = (part.strip() for part in pair.partition("="))
        if key not in Preprocessing.__slots__ or not value or key in values:
            known = ", ".join(Preprocessing.__slots__)
            raise ConfigError(f"{given.where}: cannot use {pair.strip()!r}; give {known}, each once at most, as key=…")
        values[key] = value
    return _checked_preprocessing(values, given.where)


def _checked_preprocessing(values: Mapping[str, str], where: str) -> Preprocessing:
    sizes = {
        key: positive(values[key], f"{where}: {key}") for key in ("resize", "resize_short", "crop") if key in values
    }
    channels = {key: _floats(values[key], f"{where}: {key}") for key in ("mean", "std") if key in values}
    interpolation = values.get("interpolation", "bilinear")
    if interpolation not in INTERPOLATIONS:
        raise ConfigError(f"{where}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    if "resize" in sizes and "resize_short" in sizes:
        raise ConfigError(f"{where}: resize (square) and resize_short exclude each other; keep one")
    if len(channels.get("mean", ())) != len(channels.get("std", ())):
        raise ConfigError(f"{where}: mean and std go together, one number per channel each, as in mean=0.5, std=0.5")
    if any(value <= 0 for value in channels.get("std", ())):
        raise ConfigError(f"{where}: std must be above 0, in units of the range [0, 1]; got {values['std']!r}")
    return Preprocessing(
        resize=sizes.get("resize"),
        resize_short=sizes.get("resize_short"),
        crop=sizes.get("crop"),
        interpolation=interpolation,
        mean=channels.get("mean", ()),
        std=channels.get("std", ()),
    )


def _floats(text: str, where: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split("/"))
    except ValueError:
        raise ConfigError(f"{where} must be numbers as in 0.485/0.456/0.406, got {text!r}") from None
    if not all(abs(value) <= 10 for value in values):
        raise ConfigError(f"{where} must be in units of the range [0, 1] (grey levels / 255), got {text!r}")
    return values


def read_bad_samples(given: Given) -> int:
    """How many images may be left out because they cannot be used: `fail` or `skip:N`."""
    word, colon, count = given.text.partition(":")
    if given.text == "fail":
        return 0
    if (word, colon) != ("skip", ":"):
        raise ConfigError(f"{given.where}: must be fail, or skip:N to leave out up to N images that cannot be used")
    return positive(count, given.where)


def positive(text: str, where: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise ConfigError(f"{where}: must be a whole number of at least 1, got {text[:40]!r}")
    return int(text)

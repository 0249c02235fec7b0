"""Read the text that names a model, an architecture, a data set or a preprocessing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pytest_failaware.config.option_texts import OptionText
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
"""Other texts that can be written, for error messages."""


_FACTORY: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def read_source(name: str, option: OptionText) -> Source:
    """Return the source that a text names: `kind:target`, `pkg.mod:attribute`, a name of torchvision, or a file.

    Raises:
        ConfigError: the text names no source, or an address such as a URL.
    """
    kinds = _KINDS[name]
    scheme, _, target = option.text.partition(":")
    if is_address(option.text) and not option.path().exists():
        if SourceKind.TIMM in kinds and SourceKind.FILE in kinds:  # a hook may load the model from the address
            return Source(kind=SourceKind.FILE, target=option.text)
        raise ConfigError(f"{option.where}: is an address, not a file; fetch it first and give its path")
    for kind in kinds:
        if scheme == kind.value and target:
            if is_address(target):
                raise ConfigError(f"{option.where}: names an address, not a file; fetch it first and give its path")
            path = kind in (SourceKind.FOLDER, SourceKind.CSV, SourceKind.NPZ)
            return Source(kind=kind, target=str(replace(option, text=target).path()) if path else target)
    if SourceKind.FILE in kinds and (option.path().exists() or not _FACTORY.fullmatch(option.text)):
        return Source(kind=SourceKind.FILE, target=str(option.path()))
    if _FACTORY.fullmatch(option.text):
        return Source(kind=SourceKind.FACTORY, target=option.text)
    if name == "arch" and option.text.isidentifier():
        return Source(kind=SourceKind.TORCHVISION, target=option.text)
    sources = ["pkg.mod:factory" if kind is SourceKind.FACTORY else f"{kind.value}:…" for kind in kinds]
    choices = ", ".join([*_OTHERS.get(name, ()), *sources])
    raise ConfigError(f"{option.where}: cannot read {option.text!r}; write it as one of {choices}")


def read_preprocess(option: OptionText) -> Preprocessing | Source:
    """Return the preprocessing that a text names: `none`, `timm`, `key=value` pairs with commas, or a source.

    Raises:
        ConfigError: the text cannot be read.
    """
    if option.text == "none":
        return Preprocessing()
    if option.text == "timm":
        return Source(kind=SourceKind.TIMM, target="the model's own")
    if "=" not in option.text:
        return read_source("preprocess", option)
    values: dict[str, str] = {}
    for pair in option.text.split(","):
        key, _, value = (part.strip() for part in pair.partition("="))
        if key not in Preprocessing.__slots__ or not value or key in values:
            known = ", ".join(Preprocessing.__slots__)
            raise ConfigError(f"{option.where}: cannot use {pair.strip()!r}; give {known}, each once at most, as key=…")
        values[key] = value
    return _checked_preprocessing(values, option.where)


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


def read_bad_samples(option: OptionText) -> int:
    """Return how many images may be left out because they cannot be used, from `fail` or `skip:N`.

    Raises:
        ConfigError: the text is neither.
    """
    word, colon, count = option.text.partition(":")
    if option.text == "fail":
        return 0
    if (word, colon) != ("skip", ":"):
        raise ConfigError(f"{option.where}: must be fail, or skip:N to leave out up to N images that cannot be used")
    return positive(count, option.where)


def positive(text: str, where: str) -> int:
    """Return a text as a whole number of at least 1.

    Raises:
        ConfigError: the text is not such a number; `where` names the option.
    """
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise ConfigError(f"{where}: must be a whole number of at least 1, got {text[:40]!r}")
    return int(text)

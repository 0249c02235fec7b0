"""The readers, which convert the text of an option to its value; each row of config/options.py names its reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from pytest_failaware.config.gate import read_pairs
from pytest_failaware.config.option_texts import OptionText
from pytest_failaware.config.options import BY_NAME
from pytest_failaware.config.sources import positive, read_bad_samples, read_preprocess, read_source
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import DatasetChange, ModelOutputs, PlaceKind, Precision
from pytest_failaware.report.outputs import WRITERS

Reader: TypeAlias = Callable[[OptionText], object]
Choice = TypeVar("Choice", bound=Enum)

_HINTS: Final = {"percentages": " (percentages have to be divided by 100)"}
"""The hint for a value that is close to one of the choices."""


def _text(option: OptionText) -> str:
    return option.text


def _line(option: OptionText) -> str:
    return " ".join(option.text.split())


def _choice(kind: type[Choice], option: OptionText) -> Choice:
    """Return the member of an enum that has this value."""
    known = [member.value for member in kind]
    if option.text not in known:
        choices = f"{', '.join(known[:-1])} or {known[-1]}"
        raise ConfigError(f"{option.where}: must be {choices}{_HINTS.get(option.text, '')}, got {option.text!r}")
    return kind(option.text)


def _count(option: OptionText) -> int:
    return positive(option.text, option.where)


def _images(option: OptionText) -> int:
    if not re.fullmatch(r"\d|1\d|20", option.text, re.ASCII):
        raise ConfigError(f"{option.where}: must be a whole number from 0 to 20, got {option.text!r}")
    return int(option.text)


def _rate(option: OptionText) -> Decimal:
    try:
        rate = Decimal(option.text)
    except InvalidOperation:
        rate = Decimal("NaN")
    if rate.is_nan() or not 0 <= rate <= 1:
        raise ConfigError(f"{option.where}: must be a rate between 0 and 1, as in 0.02, got {option.text!r}")
    return rate


def _device(option: OptionText) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", option.text):
        raise ConfigError(f"{option.where}: must be auto, cpu, cuda or cuda:N, got {option.text!r}")
    return option.text


def _hashes(option: OptionText) -> tuple[str, ...]:
    """Return SHA-256 hashes without their prefix."""
    hashes = [part.strip().lower() for part in option.text.split(",")]
    for text in hashes:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
            raise ConfigError(
                f"{option.where}: must be sha256: and the 64 hexadecimal digits of the file's hash, got {text!r}; "
                "the refusal of the file names them"
            )
    return tuple(text.removeprefix("sha256:") for text in hashes)


def _pairs(option: OptionText) -> dict[str, str]:
    """Return the value of each key in lines KEY=VALUE; the gate checks keys and values."""
    prefix = option.lines[0].where.removesuffix(option.lines[0].text)
    return read_pairs((line.text for line in option.lines), prefix)


def _renames(option: OptionText) -> dict[str, str]:
    """Return the new name of each old class name; each name may occur once."""
    names: dict[str, str] = {}
    for line in option.lines:
        old, new = (name.strip() for name in line.text.partition("=>")[::2])
        if not old or not new or old in names or new in names.values() or old == new:
            raise ConfigError(f"{line.where}: write OLD => NEW, one a line, each name once, as in cat => kitten")
        names[old] = new
    return names


def _reports(option: OptionText) -> tuple[Path, ...]:
    return tuple(map(_report, option.lines))


def _report(option: OptionText) -> Path:
    """Return the path of a file that can be written and whose suffix names a format."""
    path, suffixes = option.path(), tuple(WRITERS)
    if path.suffix.lower() not in suffixes:
        quotes = "; put a path with blanks in quotes" if option.kind is PlaceKind.INI else ""
        raise ConfigError(
            f"{option.where}: the suffix says the format of a report; name a file that ends in "
            f"{', '.join(suffixes[:-1])} or {suffixes[-1]}{quotes}"
        )
    if not path.parent.is_dir():
        raise ConfigError(f"{option.where}: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise ConfigError(f"{option.where}: is a folder; give the name of a file")
    if path.exists() and not path.is_file():  # writing would replace the device for all users
        raise ConfigError(f"{option.where}: is a device or a pipe; give the name of a file")
    return path


READERS: Final[Mapping[str, Reader]] = {
    "text": _text,
    "line": _line,
    "switch": OptionText.switch,
    "path": OptionText.path,
    "count": _count,
    "rate": _rate,
    "model": partial(read_source, "model"),
    "predictions": partial(read_source, "predictions"),
    "arch": partial(read_source, "arch"),
    "dataset": partial(read_source, "dataset"),
    "preprocess": read_preprocess,
    "bad_samples": read_bad_samples,
    "hashes": _hashes,
    "device": _device,
    "precision": partial(_choice, Precision),
    "outputs": partial(_choice, ModelOutputs),
    "dataset_change": partial(_choice, DatasetChange),
    "images": _images,
    "pairs": _pairs,
    "renames": _renames,
    "reports": _reports,
}
"""The readers by the names in config/options.py."""


def read_options(options: Mapping[str, OptionText]) -> dict[str, object]:
    """Return the values of options by the names of their fields in core/request.py.

    Raises:
        ConfigError: a value cannot be read; the message names the option or key, the value and the remedy.
    """
    return {BY_NAME[name].field or BY_NAME[name].key: _reader(name)(option) for name, option in options.items()}


def _reader(name: str) -> Reader:
    return READERS["switch" if BY_NAME[name].flag else BY_NAME[name].read]

"""The functions that read what users write for an option; each row of config/options.py names its reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from pytest_failaware.config.gate import read_pairs
from pytest_failaware.config.given import Given
from pytest_failaware.config.options import BY_NAME
from pytest_failaware.config.sources import positive, read_bad_samples, read_preprocess, read_source
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import DatasetChange, ModelOutputs, Precision
from pytest_failaware.report.outputs import WRITERS

Reader: TypeAlias = Callable[[Given], object]
Choice = TypeVar("Choice", bound=Enum)

_HINTS: Final = {"percentages": " (percentages have to be divided by 100)"}
"""What to do with a value that is nearly one of the choices."""


def _text(given: Given) -> str:
    return given.text


def _line(given: Given) -> str:
    return " ".join(given.text.split())


def _choice(kind: type[Choice], given: Given) -> Choice:
    """The member of an enum that has this value."""
    known = [member.value for member in kind]
    if given.text not in known:
        choices = f"{', '.join(known[:-1])} or {known[-1]}"
        raise ConfigError(f"{given.where}: must be {choices}{_HINTS.get(given.text, '')}, got {given.text!r}")
    return kind(given.text)


def _count(given: Given) -> int:
    return positive(given.text, given.where)


def _images(given: Given) -> int:
    if not re.fullmatch(r"\d|1\d|20", given.text, re.ASCII):
        raise ConfigError(f"{given.where}: must be a whole number from 0 to 20, got {given.text!r}")
    return int(given.text)


def _rate(given: Given) -> Decimal:
    try:
        rate = Decimal(given.text)
    except InvalidOperation:
        rate = Decimal("NaN")
    if rate.is_nan() or not 0 <= rate <= 1:
        raise ConfigError(f"{given.where}: must be a rate between 0 and 1, as in 0.02, got {given.text!r}")
    return rate


def _device(given: Given) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", given.text):
        raise ConfigError(f"{given.where}: must be auto, cpu, cuda or cuda:N, got {given.text!r}")
    return given.text


def _hashes(given: Given) -> tuple[str, ...]:
    """SHA-256 hashes without their prefix."""
    hashes = [part.strip().lower() for part in given.text.split(",")]
    for text in hashes:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
            raise ConfigError(
                f"{given.where}: must be sha256: and the 64 hexadecimal digits of the file's hash, got {text!r}; "
                "the refusal of the file names them"
            )
    return tuple(text.removeprefix("sha256:") for text in hashes)


def _pairs(given: Given) -> dict[str, str]:
    """KEY=VALUE of each line; the gate checks keys and values."""
    prefix = given.lines[0].where.removesuffix(given.lines[0].text)
    return read_pairs((line.text for line in given.lines), prefix)


def _renames(given: Given) -> dict[str, str]:
    """New names of classes by the old ones, each name once."""
    names: dict[str, str] = {}
    for line in given.lines:
        old, new = (name.strip() for name in line.text.partition("=>")[::2])
        if not old or not new or old in names or new in names.values() or old == new:
            raise ConfigError(f"{line.where}: write OLD => NEW, one a line, each name once, as in cat => kitten")
        names[old] = new
    return names


def _reports(given: Given) -> tuple[Path, ...]:
    return tuple(map(_report, given.lines))


def _report(given: Given) -> Path:
    """A file that can be written, with a suffix that says the format."""
    path, suffixes = given.path(), tuple(WRITERS)
    if path.suffix.lower() not in suffixes:
        raise ConfigError(
            f"{given.where}: the suffix says the format of a report; name a file that ends in "
            f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        )
    if not path.parent.is_dir():
        raise ConfigError(f"{given.where}: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise ConfigError(f"{given.where}: is a folder; give the name of a file")
    if path.exists() and not path.is_file():  # it would be replaced by a file, for everybody
        raise ConfigError(f"{given.where}: is a device or a pipe; give the name of a file")
    return path


READERS: Final[Mapping[str, Reader]] = {
    "text": _text,
    "line": _line,
    "switch": Given.switch,
    "path": Given.path,
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
"""The readers by the names that the options have for them."""


def read_options(options: Mapping[str, Given]) -> dict[str, object]:
    """Return the values of options by their fields in core/request.py.

    Raises:
        ConfigError: naming the option or key, the value and the remedy.
    """
    return {BY_NAME[name].field or BY_NAME[name].key: _reader(name)(given) for name, given in options.items()}


def _reader(name: str) -> Reader:
    return READERS["switch" if BY_NAME[name].flag else BY_NAME[name].read]

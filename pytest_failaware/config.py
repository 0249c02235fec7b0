"""Option values -> one frozen RunConfig: every option, its default, and the validation of what users type.

The command line wins over the environment, which wins over the ini. Paths on the command line start at the directory
pytest was called from, paths in the ini at the ini file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_failaware.conditions import FOUNDING
from pytest_failaware.errors import ConfigError
from pytest_failaware.marker import INI_KEYS, build_gate
from pytest_failaware.schema import Preprocessing, RunConfig, Source, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One `--failaware-NAME`, with its ini key `failaware_NAME` unless it is for the command line alone."""

    name: str
    help: str
    metavar: str = ""
    environment: str = ""
    flag: bool = False
    command_line_only: bool = False

    @property
    def ini(self) -> str:
        """The ini key, "" for an option of the command line alone."""
        return "" if self.command_line_only else "failaware_" + self.name.replace("-", "_")


OPTIONS: Final = (
    Option(
        name="model",
        metavar="SPEC",
        environment="FAILAWARE_MODEL",
        help="the model to check: a file of weights (.pth, .pt, .safetensors) or pkg.mod:factory",
    ),
    Option(
        name="arch",
        metavar="SPEC",
        help="the architecture the weights belong to: a torchvision name such as resnet18, or pkg.mod:factory",
    ),
    Option(
        name="dataset",
        metavar="SPEC",
        help="the labelled images: folder:DIR (one sub-folder per class), npz:FILE, torchvision:CIFAR10 or "
        "pkg.mod:factory",
    ),
    Option(name="data-root", metavar="DIR", help="where torchvision data sets lie. Default: data"),
    Option(
        name="preprocess",
        metavar="SPEC",
        help="resize=PX (square) or resize_short=PX, crop=PX, interpolation=bilinear, mean=a/b/c, std=a/b/c | none "
        "(x / 255) | torchvision:ResNet18_Weights.IMAGENET1K_V1 | pkg.mod:object with .geometry and .normalise",
    ),
    Option(name="batch-size", metavar="N", help="images in a batch. Default: 16 to 128 by image size"),
    Option(name="device", metavar="NAME", help="auto, cpu, cuda or cuda:N. Default: auto (CUDA if there, else cpu)"),
    Option(name="baseline-dir", metavar="DIR", help="where baselines are stored. Default: baselines beside the ini"),
    Option(
        name="baseline",
        metavar="NAME",
        help="the baseline of markers that name none. Default: the name of the architecture",
    ),
    Option(
        name="update-baselines",
        flag=True,
        command_line_only=True,
        help="store what this run measures as the expected values",
    ),
    Option(
        name="csv",
        metavar="FILE",
        command_line_only=True,
        help="write the table of rates, one row per condition, to FILE",
    ),
)

_KINDS: Final = {
    "model": (SourceKind.FILE, SourceKind.FACTORY),
    "arch": (SourceKind.TORCHVISION, SourceKind.FACTORY),
    "dataset": (SourceKind.FOLDER, SourceKind.NPZ, SourceKind.TORCHVISION, SourceKind.FACTORY),
    "preprocess": (SourceKind.TORCHVISION, SourceKind.FACTORY),
}
_FACTORY: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_INTERPOLATIONS: Final = ("nearest", "bilinear", "bicubic", "lanczos")


@dataclass(frozen=True, slots=True)
class _Given:
    """One text the user gave: `where` names its place in errors, `base` is where its relative paths start."""

    text: str
    where: str
    base: Path

    def path(self) -> Path:
        return (self.base / Path(self.text).expanduser()).resolve()


def resolve(
    *,
    command_line: Mapping[str, str | bool | None],
    ini: Mapping[str, object],
    environ: Mapping[str, str],
    invocation_dir: Path,
    ini_dir: Path,
) -> RunConfig:
    """The configuration of a run.

    Args:
        command_line: option name (`model`, `batch-size`) -> what was typed.
        ini: key without the prefix (`model`, `batch_size`, `conditions`) -> its value; absent or None is not set.
        environ: the environment variables.
        invocation_dir: where command-line paths start.
        ini_dir: where ini paths start.

    Raises:
        ConfigError: naming the option or key, the value and the remedy.
    """
    given = {
        option.name: found
        for option in OPTIONS
        if (found := _given(option, command_line, ini, environ, invocation_dir, ini_dir)) is not None
    }
    batch_size, csv, data_root = given.get("batch-size"), given.get("csv"), given.get("data-root")
    baseline_dir = given.get("baseline-dir", _Given("baselines", "", ini_dir))
    baseline = given.get("baseline")
    gate = {"conditions": FOUNDING} | {key: ini[key] for key in INI_KEYS if ini.get(key) is not None}
    return RunConfig(
        model=_source("model", given),
        arch=_source("arch", given),
        dataset=_source("dataset", given),
        data_root=data_root.path() if data_root else None,
        preprocess=_preprocess(given["preprocess"]) if "preprocess" in given else None,
        device=_device(given["device"]) if "device" in given else "auto",
        batch_size=_positive(batch_size) if batch_size else None,
        baseline_dir=baseline_dir.path(),
        update_baselines=bool(command_line.get("update-baselines")),
        csv=_writable(csv) if csv else None,
        gate=build_gate(gate | ({"baseline": baseline.text} if baseline else {}), prefix="failaware_"),
    )


def _given(
    option: Option,
    command_line: Mapping[str, str | bool | None],
    ini: Mapping[str, object],
    environ: Mapping[str, str],
    invocation_dir: Path,
    ini_dir: Path,
) -> _Given | None:
    typed = command_line.get(option.name)
    if isinstance(typed, str):
        return _Given(typed, f"--failaware-{option.name}={typed}", invocation_dir)
    if option.environment and environ.get(option.environment):
        text = environ[option.environment]
        return _Given(text, f"{option.environment}={text}", invocation_dir)
    value = ini.get(option.name.replace("-", "_")) if option.ini else None
    return None if value in (None, "") else _Given(str(value), f"{option.ini} = {value}", ini_dir)


def _source(name: str, given: Mapping[str, _Given]) -> Source | None:
    """What an option's text names: `kind:target`, `pkg.mod:attribute`, a bare torchvision name, or a file."""
    if name not in given:
        return None
    one, kinds = given[name], _KINDS[name]
    scheme, _, target = one.text.partition(":")
    for kind in kinds:
        if scheme == kind.value and target:
            path = kind in (SourceKind.FOLDER, SourceKind.NPZ)
            return Source(kind=kind, target=str(_Given(target, one.where, one.base).path()) if path else target)
    if SourceKind.FILE in kinds and (one.path().exists() or not _FACTORY.fullmatch(one.text)):
        return Source(kind=SourceKind.FILE, target=str(one.path()))
    if _FACTORY.fullmatch(one.text):
        return Source(kind=SourceKind.FACTORY, target=one.text)
    if name == "arch" and one.text.isidentifier():
        return Source(kind=SourceKind.TORCHVISION, target=one.text)
    choices = ", ".join("pkg.mod:factory" if kind is SourceKind.FACTORY else f"{kind.value}:…" for kind in kinds)
    raise ConfigError(f"{one.where}: cannot read {one.text!r}; write it as one of {choices}")


def _preprocess(given: _Given) -> Preprocessing | Source:
    """`none`, comma-separated `key=value` pairs, or a source."""
    if given.text == "none":
        return Preprocessing()
    if "=" not in given.text:
        source = _source("preprocess", {"preprocess": given})
        if source is not None:
            return source
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
        key: _positive(_Given(values[key], f"{where}: {key}", Path()))
        for key in ("resize", "resize_short", "crop")
        if key in values
    }
    channels = {key: _floats(values[key], f"{where}: {key}") for key in ("mean", "std") if key in values}
    interpolation = values.get("interpolation", "bilinear")
    if interpolation not in _INTERPOLATIONS:
        raise ConfigError(f"{where}: interpolation must be one of {', '.join(_INTERPOLATIONS)}, got {interpolation!r}")
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


def _positive(given: _Given) -> int:
    if not given.text.isdecimal() or int(given.text) < 1:
        raise ConfigError(f"{given.where}: must be a whole number of at least 1, got {given.text!r}")
    return int(given.text)


def _device(given: _Given) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", given.text):
        raise ConfigError(f"{given.where}: must be auto, cpu, cuda or cuda:N, got {given.text!r}")
    return given.text


def _writable(given: _Given) -> Path:
    path = given.path()
    if not path.parent.is_dir():
        raise ConfigError(f"{given.where}: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise ConfigError(f"{given.where}: is a folder; give the name of a file")
    return path

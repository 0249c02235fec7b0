"""Every option with its ini key, and where each value comes from: command line, environment, ini, in this order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_failaware.core.errors import ConfigError

PREFIX: Final = "failaware_"
"""How every ini key of ours begins."""

INI_KEYS: Final = (
    "conditions",
    "rule",
    "metrics",
    "tolerance",
    "minimum",
    "maximum",
    "policy",
    "alpha",
    "seed",
)
"""The gate's ini keys, without the prefix; the baseline's name is an option too and resolved with the options."""

INI_LISTS: Final = ("conditions", "metrics", "tolerance", "minimum", "maximum")
"""Those whose ini value is a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One `--failaware-NAME` and its ini key `failaware_NAME`, unless it belongs to one of the two alone.

    One that `defines` is part of what a review agreed to: its key in an `-o` is named, and refused by a strict run.
    """

    name: str
    help: str
    metavar: str = ""
    environment: str = ""
    flag: bool = False
    repeated: bool = False
    command_line_only: bool = False
    ini_only: bool = False
    defines: bool = False

    @property
    def key(self) -> str:
        """The ini key without its prefix."""
        return self.name.replace("-", "_")

    @property
    def ini(self) -> str:
        """The ini key, "" for an option of the command line alone."""
        return "" if self.command_line_only else f"{PREFIX}{self.key}"

    @property
    def typed(self) -> str:
        """What is typed on the command line, "" for an ini key alone."""
        return "" if self.ini_only else f"--failaware-{self.name}"


OPTIONS: Final = (
    Option(
        name="model",
        metavar="SPEC",
        environment="FAILAWARE_MODEL",
        help="the model to check: a file (weights, TorchScript, ONNX), torchvision:NAME, timm:NAME or pkg.mod:factory",
    ),
    Option(
        name="predictions",
        metavar="FILE",
        help="predictions made elsewhere, instead of a model: npz, csv or parquet with sample_id, label, condition and "
        "logits or probabilities",
    ),
    Option(
        name="against",
        metavar="SPEC",
        defines=True,
        help="a second model or file of predictions: the reference of this run instead of the stored baseline. A "
        "strict run takes it from the ini alone",
    ),
    Option(
        name="arch",
        metavar="SPEC",
        help="the architecture of the weights: a torchvision name such as resnet18, timm:NAME or pkg.mod:factory. "
        "Default: the torchvision classifier that has exactly these tensors",
    ),
    Option(
        name="checkpoint-key",
        metavar="KEY",
        help="where in a checkpoint the weights are, as in model_ema or ckpt.model. Default: state_dict, model, …",
    ),
    Option(
        name="trust-model",
        metavar="sha256:HEX",
        help="let the model's file with this hash run code (TorchScript, pickled modules, .pt2); several with commas",
    ),
    Option(
        name="allow-download",
        flag=True,
        help="let torchvision:NAME and timm:NAME fetch weights that are not in the cache. Default: no download",
    ),
    Option(
        name="dataset",
        metavar="SPEC",
        help="the labelled images: folder:DIR (one sub-folder per class), csv:FILE (columns file, label), npz:FILE, "
        "torchvision:CIFAR10 or pkg.mod:factory",
    ),
    Option(name="data-root", metavar="DIR", ini_only=True, help="where torchvision data sets lie. Default: data"),
    Option(
        name="bad-samples",
        metavar="HOW",
        help="fail, or skip:N: leave out up to N images that are damaged, too large or deeper than 8 bits, and count "
        "them in the baseline. Default: fail",
    ),
    Option(
        name="preprocess",
        metavar="SPEC",
        help="resize=PX (square) or resize_short=PX, crop=PX, interpolation=bilinear, mean=a/b/c, std=a/b/c | none "
        "(x / 255) | torchvision:ResNet18_Weights.IMAGENET1K_V1 | timm (by the model) | pkg.mod:object, a transform of "
        "torchvision's or with .geometry and .normalise",
    ),
    Option(
        name="precomputed",
        metavar="DIR",
        help="where the images of conditions like precomputed/fog:3 lie: fog.npy as in CIFAR-10-C, or fog/3/ as in "
        "ImageNet-C",
    ),
    Option(
        name="group",
        metavar="COLUMN",
        defines=True,
        help="the column of a manifest or of predictions that says which samples belong together, such as a patient's. "
        "Default: group, where there is one. A strict run takes it from the ini alone",
    ),
    Option(name="batch-size", metavar="N", help="images in a batch. Default: by image size and device"),
    Option(name="device", metavar="NAME", help="auto, cpu, cuda or cuda:N. Default: auto (CUDA if there, else cpu)"),
    Option(
        name="precision",
        metavar="NAME",
        help="ieee (float32), tf32 (on CUDA) or bfloat16 (autocast); kept in the baseline. Default: ieee",
    ),
    Option(
        name="check",
        flag=True,
        command_line_only=True,
        help="before the first full run: look at 64 images of each marked test, say what is wrong and how long a full "
        "run will take; compares and writes nothing",
    ),
    Option(
        name="limit",
        metavar="N",
        command_line_only=True,
        help="measure the N images with the smallest ids alone and compare on those; writes nothing",
    ),
    Option(
        name="baseline-dir",
        metavar="DIR",
        defines=True,
        help="where baselines are stored. Default: baselines beside the ini",
    ),
    Option(
        name="baseline",
        metavar="NAME",
        defines=True,
        help="the baseline of markers that name none. Default: the name of the architecture",
    ),
    Option(
        name="update-baselines",
        flag=True,
        command_line_only=True,
        help="store what this run measures as the expected values",
    ),
    Option(name="update-new", flag=True, command_line_only=True, help="store the expected values that are missing"),
    Option(
        name="prune",
        flag=True,
        command_line_only=True,
        help="delete stored entries that no test uses; only after a full run",
    ),
    Option(
        name="dry-run",
        flag=True,
        command_line_only=True,
        help="with an update or --failaware-prune: show the difference it would make, write nothing",
    ),
    Option(
        name="reason",
        metavar="TEXT",
        command_line_only=True,
        help="why the values change; kept in the history of the entries that an update changes",
    ),
    Option(
        name="reset-golden",
        flag=True,
        command_line_only=True,
        help="with an update and a reason: measure drift from the values that this run stores",
    ),
    Option(
        name="strict",
        flag=True,
        environment="FAILAWARE_STRICT",
        help="for CI: tests that did not run, obsolete or no results fail the run, and updates are refused",
    ),
    Option(
        name="override",
        metavar="KEY=VALUE",
        repeated=True,
        command_line_only=True,
        help="for experiments: a marker argument that wins over every marker and the ini, as in tolerance=0.02",
    ),
    Option(
        name="no-cache",
        flag=True,
        help="measure everything anew: read no outcome of an earlier run from pytest's cache, and keep none there",
    ),
    Option(
        name="report",
        metavar="FILE",
        repeated=True,
        help="write a report to FILE, in the format of its suffix: .html (curves and the worst images, one file that "
        "loads nothing else), .json (everything, with the outcome of every sample in FILE.records.zip beside it; "
        "python -m pytest_failaware accept FILE.json needs both), .md (a summary), .csv or .svg (the table of rates). "
        "Several times for several files",
    ),
    Option(
        name="html-images",
        metavar="N",
        ini_only=True,
        help="images in an HTML report for each condition, at most 20; 0 keeps private data out of it. Default: 8",
    ),
    Option(
        name="github",
        flag=True,
        ini_only=True,
        help="in GitHub Actions (GITHUB_ACTIONS is set): add the summary to the job's page, and an annotation to each "
        "of ten failures. Default: true",
    ),
    Option(
        name="require-reason",
        flag=True,
        ini_only=True,
        defines=True,
        help="refuse updates without --failaware-reason. Default: false",
    ),
    Option(
        name="update-in-ci",
        flag=True,
        ini_only=True,
        defines=True,
        help="allow updates, accept and prune if the environment is that of a CI server. Default: false",
    ),
    Option(
        name="drift-budget",
        metavar="RATE",
        ini_only=True,
        defines=True,
        help="how much worse than the first accepted values a model may become over many updates. Default: 0.01",
    ),
    Option(
        name="store-logits",
        flag=True,
        ini_only=True,
        help="keep every logit of every sample in the baselines, at 4 bytes each, for scores that need them: gen and "
        "temperature=T. Default: false",
    ),
    Option(
        name="outputs",
        metavar="KIND",
        ini_only=True,
        defines=True,
        help="what the model returns: logits, or probabilities (softmax outputs), whose logarithms are then the "
        "logits. Default: logits",
    ),
    Option(
        name="dataset-change",
        metavar="HOW",
        ini_only=True,
        defines=True,
        help="fail, or shared: compare on the images that this run and the baseline both have. Default: fail",
    ),
    Option(
        name="rename",
        metavar="OLD => NEW",
        repeated=True,
        ini_only=True,
        help="classes with new names, one a line, as in cat => kitten, so that baselines stay comparable until their "
        "next update",
    ),
)

COMMAND_LINE: Final = "command line"
"""The place of a value that was typed."""

TRUE: Final = ("1", "true", "yes", "on")
"""What switches an option on."""
_FALSE: Final = ("", "0", "false", "no", "off")
CI_SERVERS: Final = (
    "CI", "BUILD_NUMBER", "BUILDKITE", "CIRCLECI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION",
    "TF_BUILD",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One text the user gave: `where` names its place in errors, `base` is where its relative paths start."""

    text: str
    where: str
    place: str
    base: Path

    def path(self) -> Path:
        """The text as an absolute path."""
        try:
            return (self.base / Path(self.text).expanduser()).resolve()
        except (ValueError, RuntimeError, OSError) as error:  # a null byte, no such user, a loop of links
            raise ConfigError(f"{self.where}: {self.text!r} is no path ({error}); write another") from error

    def switch(self) -> bool:
        """The text as yes or no."""
        word = self.text.strip().lower()
        if word not in TRUE + _FALSE:
            raise ConfigError(f"{self.where}: must be 1 or 0, got {self.text!r}")
        return word in TRUE


def is_on(name: str, given: Mapping[str, Given]) -> bool:
    """Whether an option without a value was given, and not as no."""
    return name in given and given[name].switch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a run was started: command-line paths start at one directory, ini paths at the other."""

    environ: Mapping[str, str]
    invocation_dir: Path
    ini_dir: Path
    ini_name: str = "ini"

    @property
    def is_github_job(self) -> bool:
        """Whether this is a job of GitHub Actions."""
        return self.environ.get("GITHUB_ACTIONS", "").lower() not in _FALSE

    @property
    def ci_server(self) -> str:
        """The variable that shows a CI server, "" where there is none."""
        return next((name for name in CI_SERVERS if self.environ.get(name, "").lower() not in _FALSE), "")


def given_options(
    command_line: Mapping[str, object], ini: Mapping[str, object], around: Surroundings
) -> dict[str, Given]:
    """The options that somebody gave, by name; what was typed wins over the environment, which wins over the ini."""
    found = ((option, _given(option, command_line, ini, around)) for option in OPTIONS if not option.repeated)
    return {option.name: given for option, given in found if given is not None}


def given_lines(
    name: str, command_line: Mapping[str, object], ini: Mapping[str, object], around: Surroundings
) -> tuple[Given, ...]:
    """The values of an option that can be given several times: those that were typed, else those of the ini."""
    (option,) = (option for option in OPTIONS if option.name == name)
    if isinstance(typed := command_line.get(name), Iterable):
        return tuple(
            Given(text=str(text), where=f"{option.typed}={text}", place=COMMAND_LINE, base=around.invocation_dir)
            for text in typed
        )
    lines = _lines(ini.get(option.key)) if option.ini else []
    return tuple(
        Given(text=line, where=f"{option.ini} = {line}", place=around.ini_name, base=around.ini_dir) for line in lines
    )


def _lines(value: object) -> list[str]:
    """The lines of a text, a list, or a table, whose pairs are written with =>."""
    if isinstance(value, Mapping):
        return [f"{key} => {text}" for key, text in value.items()]
    lines = [] if value is None else value if isinstance(value, list) else str(value).splitlines()
    return [str(line) for line in lines if str(line).strip()]


_EXAMPLES: Final = {"preprocess": "resize=224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225"}
"""What a table is mistaken for."""


def _given(
    option: Option, command_line: Mapping[str, object], ini: Mapping[str, object], around: Surroundings
) -> Given | None:
    typed = None if option.ini_only else command_line.get(option.name)
    if isinstance(typed, str):
        where = f"{option.typed}={typed}"
        return Given(text=typed, where=where, place=COMMAND_LINE, base=around.invocation_dir)
    if typed is True:
        return Given(text="1", where=option.typed, place=COMMAND_LINE, base=around.invocation_dir)
    if option.environment and (text := around.environ.get(option.environment)):
        where = f"{option.environment}={text}"
        return Given(text=text, where=where, place=option.environment, base=around.invocation_dir)
    value = ini.get(option.key) if option.ini else None
    if value in (None, ""):
        return None
    if isinstance(value, (list, Mapping)):
        example = "true" if option.flag else f"'{_EXAMPLES.get(option.name, option.metavar)}'"
        raise ConfigError(
            f"{option.ini} = {value}: is a list or a table; write one value, as in {option.ini} = {example}"
        )
    return Given(text=str(value), where=f"{option.ini} = {value}", place=around.ini_name, base=around.ini_dir)

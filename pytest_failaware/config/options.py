"""The table of all options with their ini keys, readers, defaults and help. pytest loads this file in every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PREFIX: Final = "failaware_"
"""The prefix of all our ini keys."""

TYPED_PREFIX: Final = "--failaware-"
"""The prefix of all our options."""

INI_KEYS: Final = (
    "conditions",
    "rule",
    "metrics",
    "tolerance",
    "minimum",
    "maximum",
    "policy",
    "alpha",
    "class_guard",
    "seed",
)
"""The ini keys of the gate, without the prefix; the name of the baseline is an option, and resolved with them."""

INI_LISTS: Final = ("conditions", "metrics", "tolerance", "minimum", "maximum")
"""The ini keys of the gate whose value is a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option `--failaware-NAME` with its ini key `failaware_NAME`; some options have only one of the two.

    `read` names the reader in config/readers.py ("switch" for a flag), and `field` the field in core/request.py that
    gets the value, by default the name of the option. `default` is text as a user would write it; an option without a
    default may have no value. An option that `defines` is part of the reviewed gate: the summary names its key if it
    is set by `-o`, and a strict run refuses that.
    """

    name: str
    says: str
    metavar: str = ""
    read: str = "text"
    field: str = ""
    default: str = ""
    example: str = ""
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
        """The ini key, "" for an option that only the command line has."""
        return "" if self.command_line_only else f"{PREFIX}{self.key}"

    @property
    def typed(self) -> str:
        """The option on the command line, "" for an option that only the ini has."""
        return "" if self.ini_only else f"{TYPED_PREFIX}{self.name}"

    @property
    def help(self) -> str:
        """The help text, with the default."""
        return f"{self.says}. Default: {self.default}" if self.default else self.says


OPTIONS: Final = (
    Option(
        name="model",
        read="model",
        metavar="SPEC",
        environment="FAILAWARE_MODEL",
        says="the model to check: a file (weights, TorchScript, ONNX), torchvision:NAME, timm:NAME or pkg.mod:factory",
    ),
    Option(
        name="predictions",
        read="predictions",
        metavar="FILE",
        says="predictions made elsewhere, instead of a model: npz, csv or parquet with sample_id, label, condition and "
        "logits or probabilities",
    ),
    Option(
        name="against",
        read="model",
        metavar="SPEC",
        defines=True,
        says="a second model or file of predictions: the reference of this run instead of the stored baseline. A "
        "strict run takes it from the ini alone",
    ),
    Option(
        name="arch",
        read="arch",
        metavar="SPEC",
        says="the architecture of the weights: a torchvision name such as resnet18, timm:NAME or pkg.mod:factory. "
        "Default: the torchvision classifier that has exactly these tensors",
    ),
    Option(
        name="checkpoint-key",
        metavar="KEY",
        says="where in a checkpoint the weights are, as in model_ema or ckpt.model. Default: state_dict, model, …",
    ),
    Option(
        name="trust-model",
        field="trusted",
        read="hashes",
        metavar="sha256:HEX",
        says="let the model's file with this hash run code (TorchScript, pickled modules, .pt2); several with commas",
    ),
    Option(
        name="allow-download",
        field="downloads",
        flag=True,
        says="let torchvision:NAME and timm:NAME fetch weights that are not in the cache. Default: no download",
    ),
    Option(
        name="dataset",
        read="dataset",
        metavar="SPEC",
        says="the labelled images: folder:DIR (one sub-folder per class), csv:FILE (columns file, label), npz:FILE, "
        "torchvision:CIFAR10 or pkg.mod:factory",
    ),
    Option(
        name="data-root",
        read="path",
        default="data",
        metavar="DIR",
        ini_only=True,
        says="where torchvision data sets lie",
    ),
    Option(
        name="bad-samples",
        read="bad_samples",
        default="fail",
        metavar="HOW",
        says="fail, or skip:N: leave out up to N images that are damaged, too large or deeper than 8 bits, and count "
        "them in the baseline",
    ),
    Option(
        name="preprocess",
        example="resize=224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225",
        read="preprocess",
        metavar="SPEC",
        says="resize=PX (square) or resize_short=PX, crop=PX, interpolation=bilinear, mean=a/b/c, std=a/b/c | none "
        "(x / 255) | torchvision:ResNet18_Weights.IMAGENET1K_V1 | timm (by the model) | pkg.mod:object, a transform of "
        "torchvision, or an object with .geometry and .normalise",
    ),
    Option(
        name="precomputed",
        read="path",
        metavar="DIR",
        says="where the images of conditions such as precomputed/fog:3 lie: fog.npy as in CIFAR-10-C, or fog/3/ as in "
        "ImageNet-C",
    ),
    Option(
        name="group",
        metavar="COLUMN",
        defines=True,
        says="the column of a manifest or of predictions that says which samples belong together, such as a patient's. "
        "Default: group, if there is such a column. A strict run takes it from the ini alone",
    ),
    Option(name="batch-size", read="count", metavar="N", says="images in a batch. Default: by image size and device"),
    Option(
        name="device",
        read="device",
        default="auto",
        metavar="NAME",
        says="auto (CUDA if there, else cpu), cpu, cuda or cuda:N",
    ),
    Option(
        name="precision",
        read="precision",
        default="ieee",
        metavar="NAME",
        says="ieee (float32), tf32 (on CUDA) or bfloat16 (autocast); kept in the baseline",
    ),
    Option(
        name="check",
        flag=True,
        command_line_only=True,
        says="before the first full run: look at 64 images of each marked test, say what is wrong and how long a full "
        "run will take; compares and writes nothing",
    ),
    Option(
        name="limit",
        read="count",
        metavar="N",
        command_line_only=True,
        says="measure only the N images with the smallest ids, and compare on those; writes nothing",
    ),
    Option(
        name="baseline-dir",
        read="path",
        default="baselines",
        metavar="DIR",
        defines=True,
        says="the folder of the baselines; the default lies beside the ini",
    ),
    Option(
        name="baseline",
        metavar="NAME",
        defines=True,
        says="the baseline of markers that name none. Default: the name of the architecture",
    ),
    Option(
        name="update-baselines",
        flag=True,
        command_line_only=True,
        says="store what this run measures as the expected values",
    ),
    Option(name="update-new", flag=True, command_line_only=True, says="store the expected values that are missing"),
    Option(
        name="add-seed",
        flag=True,
        command_line_only=True,
        says="store what this run measures as one more seed of the recipe; from three seeds on, a new training is "
        "judged by their spread",
    ),
    Option(
        name="prune",
        flag=True,
        command_line_only=True,
        says="delete stored entries that no test uses; only after a full run",
    ),
    Option(
        name="dry-run",
        flag=True,
        command_line_only=True,
        says="with an update or --failaware-prune: show the difference it would make, write nothing",
    ),
    Option(
        name="reason",
        read="line",
        metavar="TEXT",
        command_line_only=True,
        says="why the values change; kept in the history of the entries that an update changes",
    ),
    Option(
        name="reset-golden",
        flag=True,
        command_line_only=True,
        says="with an update and a reason: measure drift from the values that this run stores",
    ),
    Option(
        name="strict",
        flag=True,
        environment="FAILAWARE_STRICT",
        says="for CI: tests that did not run, obsolete or no results fail the run, and updates are refused",
    ),
    Option(
        name="override",
        field="overrides",
        read="pairs",
        metavar="KEY=VALUE",
        repeated=True,
        command_line_only=True,
        says="for experiments: a marker argument that wins over every marker and the ini, as in tolerance=0.02",
    ),
    Option(
        name="no-cache",
        flag=True,
        says="measure everything again: read no outcome of an earlier run from pytest's cache, and keep none there",
    ),
    Option(
        name="report",
        field="files",
        read="reports",
        metavar="FILE",
        repeated=True,
        says="write a report to FILE, in the format of its suffix: .html (curves and the worst images, one file that "
        "loads nothing else), .json (everything, with the outcome of every sample in FILE.records.zip beside it; "
        "python -m pytest_failaware accept FILE.json needs both), .md (a summary), .csv or .svg (the table of rates). "
        "Several times for several files",
    ),
    Option(
        name="html-images",
        read="images",
        default="8",
        metavar="N",
        ini_only=True,
        says="images in an HTML report for each condition, at most 20; 0 keeps private data out of it",
    ),
    Option(
        name="github",
        default="true",
        flag=True,
        ini_only=True,
        says="in GitHub Actions (GITHUB_ACTIONS is set): add the summary to the job's page, and an annotation to each "
        "of ten failures",
    ),
    Option(
        name="require-reason",
        default="false",
        flag=True,
        ini_only=True,
        defines=True,
        says="refuse updates without --failaware-reason",
    ),
    Option(
        name="update-in-ci",
        default="false",
        flag=True,
        ini_only=True,
        defines=True,
        says="allow updates, accept and prune if the environment is that of a CI server",
    ),
    Option(
        name="drift-budget",
        read="rate",
        default="0.01",
        metavar="RATE",
        ini_only=True,
        defines=True,
        says="how much worse than the first accepted values a model may become over many updates",
    ),
    Option(
        name="store-logits",
        default="false",
        flag=True,
        ini_only=True,
        says="keep every logit of every sample in the baselines, at 4 bytes each, for scores that need them: gen and "
        "temperature=T",
    ),
    Option(
        name="outputs",
        field="model_outputs",
        read="outputs",
        default="logits",
        metavar="KIND",
        ini_only=True,
        defines=True,
        says="what the model returns: logits, or probabilities (softmax outputs), whose logarithms are then the logits",
    ),
    Option(
        name="dataset-change",
        read="dataset_change",
        default="fail",
        metavar="HOW",
        ini_only=True,
        defines=True,
        says="fail, or shared: compare on the images that this run and the baseline both have",
    ),
    Option(
        name="rename",
        read="renames",
        metavar="OLD => NEW",
        repeated=True,
        ini_only=True,
        says="classes with new names, one a line, as in cat => kitten, so that baselines stay comparable until their "
        "next update",
    ),
)

BY_NAME: Final = {option.name: option for option in OPTIONS}
"""The options by their names."""

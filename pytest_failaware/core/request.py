"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Final

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.preprocessing import Preprocessing


class SourceKind(Enum):
    """The ways to name a model, an architecture, a data set or a preprocessing."""

    FILE = "file"
    FOLDER = "folder"
    CSV = "csv"
    NPZ = "npz"
    TORCHVISION = "torchvision"
    FACTORY = "factory"
    TIMM = "timm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where to get a thing: a kind and an absolute path, a name of torchvision or timm, or `pkg.mod:attribute`."""

    kind: SourceKind
    target: str

    def __str__(self) -> str:
        bare = self.kind in (SourceKind.FILE, SourceKind.FACTORY)
        return self.target if bare else f"{self.kind.value}:{self.target}"


RESET: Final = "reset-golden"
REASON: Final = "reason"
"""The names, without a prefix, of the options that an update can need."""

DRIFT_BUDGET: Final = Decimal("0.01")
"""How far below the golden reference many updates together may lead: twice the tolerance of the default gates.

benchmarks/drift.py shows what it stops and what it lets pass."""


class ModelOutputs(Enum):
    """What a model returns, by its name in failaware_outputs."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"  # their logarithms are the logits


class Precision(Enum):
    """How float32 models are computed with, by its name in --failaware-precision."""

    IEEE = "ieee"
    TF32 = "tf32"  # CUDA alone: products of 10-bit mantissas, sums in float32
    BFLOAT16 = "bfloat16"  # torch.autocast

    @property
    def dtype(self) -> str:
        """What a baseline says of it."""
        return {"ieee": "float32", "tf32": "float32 (tf32)", "bfloat16": "bfloat16"}[self.value]


class DatasetChange(Enum):
    """What becomes of a comparison when the images are not those of the baseline."""

    FAIL = "fail"
    SHARED = "shared"


class UpdateMode(Enum):
    """Which entries a run may write."""

    NOTHING = "nothing"
    MISSING = "missing"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What a run may do to the baselines; `reason` is kept in the history of the entries it changes.

    `is_refused` says that this is a CI server, where nothing may be written.
    """

    update: UpdateMode = UpdateMode.NOTHING
    prune: bool = False
    dry_run: bool = False
    reset_golden: bool = False
    reason: str = ""
    is_refused: bool = False

    @property
    def asked(self) -> bool:
        """Whether anything would be written or deleted."""
        return self.prune or self.update is not UpdateMode.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The files a run writes beside the baselines; `github` adds a job summary and annotations.

    The suffix of a file says its format. `html_images` is how many of its worst images an HTML report shows for each
    condition; at 0 it names none either.
    """

    files: tuple[Path, ...] = ()
    html_images: int
    github: bool = False

    @property
    def json(self) -> Path | None:
        """The first JSON report, beside which the records lie."""
        return next((path for path in self.files if path.suffix.lower() == ".json"), None)

    @property
    def has_html(self) -> bool:
        """Whether a report has pictures of samples."""
        return any(path.suffix.lower() == ".html" for path in self.files)

    @property
    def are_asked(self) -> bool:
        """Whether there is anything to write."""
        return self.github or bool(self.files)


class PlaceKind(Enum):
    """Where the value of an option stands."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    INI = "ini"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The text an option got and where it came from, for the header; `place` is "default" where nobody gave it."""

    text: str
    place: str
    kind: PlaceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What to take from a model's file, and what it may do beyond being weights.

    `trusted` holds the SHA-256, in hex, of each file whose code may run.
    """

    checkpoint_key: str = ""
    trusted: tuple[str, ...] = ()
    downloads: bool = False


class SubjectKind(Enum):
    """What a run tests: a model that runs here, or what a model predicted elsewhere."""

    MODEL = "model"
    PREDICTIONS = "predictions"

    @property
    def fixtures(self) -> tuple[str, ...]:
        """The options that a fixture of the tests can replace."""
        return ("model", "dataset") if self is SubjectKind.MODEL else ()

    @property
    def options(self) -> tuple[str, ...]:
        """The options that name what is tested, and on which samples."""
        return self.fixtures or ("predictions",)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What executes a run, with the gate that a bare marker means. Paths are absolute.

    A field has the name of its option; an option without a value leaves the default here, which says so.
    """

    model: Source | None = None
    predictions: Source | None = None
    arch: Source | None = None
    loading: Loading
    dataset: Source | None = None
    data_root: Path
    bad_samples: int  # how many images may be left out because they cannot be used
    preprocess: Preprocessing | Source | None = None
    precomputed: Path | None = None
    device: str
    batch_size: int | None = None
    precision: Precision
    model_outputs: ModelOutputs
    baseline_dir: Path
    against: Source | None = None
    dataset_change: DatasetChange
    drift_budget: Decimal
    rename: Mapping[str, str] = field(default_factory=dict)  # new names of classes by those that baselines have
    check: bool = False
    limit: int | None = None
    group: str | None = None
    store_logits: bool
    strict: bool = False
    writing: Writing
    outputs: Outputs
    no_cache: bool = False
    gate: Gate
    overrides: Mapping[str, str] = field(default_factory=dict)  # gate arguments that win over every marker
    origins: Mapping[str, Origin]

    @property
    def subject(self) -> SubjectKind:
        """What the run tests."""
        return SubjectKind.MODEL if self.predictions is None else SubjectKind.PREDICTIONS

    @property
    def is_named(self) -> bool:
        """Whether an option names the model or the predictions."""
        return self.model is not None or self.predictions is not None

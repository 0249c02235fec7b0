"""The configuration of a run."""

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
    """Where to find something: its kind, and a path, a name of torchvision or timm, or `pkg.mod:attribute`.

    A path is absolute.
    """

    kind: SourceKind
    target: str

    def __str__(self) -> str:
        bare = self.kind in (SourceKind.FILE, SourceKind.FACTORY)
        return self.target if bare else f"{self.kind.value}:{self.target}"


RESET: Final = "reset-golden"
REASON: Final = "reason"
"""The names, without a prefix, of the options that an update can require."""

DRIFT_BUDGET: Final = Decimal("0.01")
"""How far many updates together may fall below the golden reference: twice the tolerance of the default gates.

benchmarks/drift.py shows which sequences of updates it stops."""


class ModelOutputs(Enum):
    """What a model returns; the value is the name in failaware_outputs."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"  # their logarithms are the logits


class Precision(Enum):
    """The arithmetic for float32 models; the value is the name in --failaware-precision."""

    IEEE = "ieee"
    TF32 = "tf32"  # CUDA only: products of 10-bit mantissas, sums in float32
    BFLOAT16 = "bfloat16"  # torch.autocast

    @property
    def dtype(self) -> str:
        """The name of the precision in a baseline."""
        return {"ieee": "float32", "tf32": "float32 (tf32)", "bfloat16": "bfloat16"}[self.value]


class DatasetChange(Enum):
    """How to compare if the images are not those of the baseline: fail, or use the shared images."""

    FAIL = "fail"
    SHARED = "shared"


class UpdateMode(Enum):
    """Which entries a run may write."""

    NOTHING = "nothing"
    MISSING = "missing"
    ALL = "all"
    SEED = "seed"  # one seed more, in every condition of a baseline

    @property
    def stores_measured(self) -> bool:
        """Whether every measured condition is stored, and not only those without an entry."""
        return self in (UpdateMode.ALL, UpdateMode.SEED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """The changes that a run may make to the baselines; `reason` is kept in the history of the changed entries.

    `is_refused` is true on a CI server, which must not write.
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
    """The reports that a run writes; `github` adds a job summary and annotations.

    The suffix of a file decides its format. `html_images` is the number of images that an HTML report shows for each
    condition; if it is 0, the report does not name images either.
    """

    files: tuple[Path, ...] = ()
    html_images: int
    github: bool = False

    @property
    def json(self) -> Path | None:
        """The first JSON report; the records are written beside it."""
        return next((path for path in self.files if path.suffix.lower() == ".json"), None)

    @property
    def has_html(self) -> bool:
        """Whether a report in HTML is requested."""
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
    """The text of an option and its origin, for the header; `place` is "default" if the option was not given."""

    text: str
    place: str
    kind: PlaceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How to load a model file: which weights to take, and whether code may run and files may be downloaded.

    `trusted` holds the SHA-256, in hex, of each file whose code may run.
    """

    checkpoint_key: str = ""
    trusted: tuple[str, ...] = ()
    downloads: bool = False


class SubjectKind(Enum):
    """What a run tests: a model that runs here, or stored predictions."""

    MODEL = "model"
    PREDICTIONS = "predictions"

    @property
    def fixtures(self) -> tuple[str, ...]:
        """The options that a fixture of the tests can replace."""
        return ("model", "dataset") if self is SubjectKind.MODEL else ()

    @property
    def options(self) -> tuple[str, ...]:
        """The options that name the model and the data set, or the predictions."""
        return self.fixtures or ("predictions",)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """The configuration of a run, with the gate of a marker without arguments. Paths are absolute.

    Each field has the name of its option. An option without a value leaves the default of the field.
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
    rename: Mapping[str, str] = field(default_factory=dict)  # the new name of each class name in the baselines
    check: bool = False
    limit: int | None = None
    group: str | None = None
    store_logits: bool
    strict: bool = False
    writing: Writing
    outputs: Outputs
    no_cache: bool = False
    gate: Gate
    overrides: Mapping[str, str] = field(default_factory=dict)  # gate arguments that override every marker
    origins: Mapping[str, Origin]

    @property
    def subject(self) -> SubjectKind:
        """What the run tests."""
        return SubjectKind.MODEL if self.predictions is None else SubjectKind.PREDICTIONS

    @property
    def is_named(self) -> bool:
        """Whether an option names the model or the predictions."""
        return self.model is not None or self.predictions is not None

"""What a run is asked to do: every type that options, ini keys and markers become."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_failaware.judge.kinds import AnyMetric
    from pytest_failaware.judge.rule import FailureRule

INTERPOLATIONS: Final = ("nearest", "bilinear", "bicubic", "lanczos")
"""How geometry may resize, by Pillow's names."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One degradation with its parameters; `key` is its spelling in markers, test ids and baselines.

    `parameters` holds every parameter with its value, defaults included, in the order of the table in conditions.py.
    Those of a published severity depend on the size of the images: none as typed, and all as measured and recorded.
    `implementation` rises whenever the pixels that a name yields change.
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()
    key: str
    implementation: int = 1
    is_random: bool = False

    @property
    def slug(self) -> str:
        """The key as a file name: `gaussian_noise(sigma=0.1)` -> `gaussian_noise-sigma-0.1`."""
        return re.sub(r"[^a-z0-9._-]+", "-", self.key.lower().replace("+", "")).strip("-.")

    @property
    def severity(self) -> int | None:
        """The published severity in the key, 3 in `fog:3`; None where the key has none."""
        _, _, severity = self.key.partition(":")
        return int(severity) if severity.isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """Geometry on the uint8 image, then `(x / 255 - mean) / std`; sizes in pixels, mean and std in units of [0, 1]."""

    resize: int | None = None
    resize_short: int | None = None
    crop: int | None = None
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __str__(self) -> str:
        sizes = [(name, getattr(self, name)) for name in ("resize", "resize_short", "crop")]
        parts = [f"{name}={value}" for name, value in sizes if value is not None]
        if self.resize is not None or self.resize_short is not None:
            parts.append(f"interpolation={self.interpolation}")
        if self.mean:
            parts.append("mean=" + "/".join(map(repr, self.mean)))
            parts.append("std=" + "/".join(map(repr, self.std)))
        return ", ".join(parts) or "none"


class Policy(Enum):
    """What a gate has to show, by its name in a marker."""

    BEYOND_TOLERANCE = "beyond_tolerance"  # fails where a drop beyond the tolerance is proven
    ANY_DROP = "any_drop"  # fails where a drop is proven and the observed one is beyond the tolerance
    NON_INFERIORITY = "non_inferiority"  # passes only where a drop beyond the tolerance is excluded
    EQUIVALENCE = "equivalence"  # passes only where few predictions and flags can have changed

    @property
    def alpha(self) -> Decimal:
        """The default level: of a whole marked test for the first two, of each gate for the others."""
        return Decimal("0.01") if self in (Policy.BEYOND_TOLERANCE, Policy.ANY_DROP) else Decimal("0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What defines a gate. Bounds are exact decimals as typed; `table` holds every metric that can be named.

    `metrics` names those that gate. `tolerance` has an entry for each name that needs no arguments in brackets, and for
    those spelled with them that were given their own.
    """

    conditions: tuple[Condition, ...]
    rule: FailureRule
    table: Mapping[str, AnyMetric]
    metrics: tuple[str, ...]
    tolerance: Mapping[str, Decimal]
    minimum: Mapping[str, Decimal]
    maximum: Mapping[str, Decimal]
    policy: Policy
    alpha: Decimal | None
    seed: int
    baseline: str | None

    def allowed(self, name: str) -> Decimal:
        """The tolerance of a metric: that of `augrc(margin)` is the one of `augrc` where it has none of its own."""
        return self.tolerance[name if name in self.tolerance else name.partition("(")[0]]

    @property
    def of_logits(self) -> tuple[str, ...]:
        """The metrics among `named` that need every logit of a sample."""
        return tuple(name for name in sorted(self.named) if getattr(self.table.get(name), "needs_logits", False))

    @property
    def named(self) -> frozenset[str]:
        """Every metric that the gate judges: against its reference, or by a literal bound."""
        return frozenset({*self.metrics, *self.minimum, *self.maximum})

    @property
    def level(self) -> float:
        """The chance of a false alarm that one comparison may have: the policy's, or the given alpha's, share.

        beyond_tolerance and any_drop share theirs over the declared conditions and gating metrics (Bonferroni), so that
        a verdict depends neither on what else was selected nor on the order; the other two hold it for each gate.
        """
        alpha = float(self.policy.alpha if self.alpha is None else self.alpha)
        return alpha / max(1, len(self.conditions) * len(self.metrics)) if self.shares_alpha else alpha

    @property
    def shares_alpha(self) -> bool:
        """Whether alpha is the chance of a false alarm of all that the marked test declares together."""
        return self.policy in (Policy.BEYOND_TOLERANCE, Policy.ANY_DROP)


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


GROUP: Final = "group"
"""The column that says which samples belong together, where --failaware-group names no other."""


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

    `html_images` is how many of its worst images the HTML report shows for each condition; at 0 it names none either.
    """

    csv: Path | None = None
    html: Path | None = None
    html_images: int = 8
    json: Path | None = None
    markdown: Path | None = None
    svg: Path | None = None
    github: bool = False

    @property
    def are_asked(self) -> bool:
        """Whether there is anything to write."""
        return self.github or any((self.csv, self.html, self.json, self.markdown, self.svg))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The text an option got and where it came from, for the header; `place` is "default" where nobody gave it."""

    text: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What to take from a model's file, and what it may do beyond being weights.

    `trusted` holds the SHA-256, in hex, of each file whose code may run.
    """

    checkpoint_key: str = ""
    trusted: tuple[str, ...] = ()
    downloads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What executes a run, with the gate that a bare marker means. Paths are absolute."""

    model: Source | None
    predictions: Source | None
    arch: Source | None
    loading: Loading
    dataset: Source | None
    data_root: Path | None
    bad_samples: int  # how many images may be left out because they cannot be used
    preprocess: Preprocessing | Source | None
    precomputed: Path | None
    device: str
    batch_size: int | None
    precision: Precision
    model_outputs: ModelOutputs
    baseline_dir: Path
    against: Source | None
    dataset_change: DatasetChange
    drift_budget: Decimal
    rename: Mapping[str, str]  # new names of classes by those that baselines have
    check: bool
    limit: int | None
    group: str | None
    store_logits: bool
    strict: bool
    writing: Writing
    outputs: Outputs
    caching: bool
    gate: Gate
    overrides: Mapping[str, str]  # gate arguments of --failaware-override, which win over every marker
    origins: Mapping[str, Origin]

"""The frozen types that travel between the rooms; read this file first.

Data flows one way: options -> `RunConfig` -> (model, images) -> `Records` per condition -> `ConditionStats` ->
comparison with a `Baseline` -> `Verdict` -> `ItemResult` -> `RunReport`. N observations are N-long columns, never N
objects. Nothing here computes more than a ratio, so importing this file imports no numpy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_failaware.judge.metrics import AnyMetric
    from pytest_failaware.judge.rule import FailureRule

SCORES: Final = ("confidence", "entropy", "label_log_probability", "sum_squares", "second_probability", "max_logit")
"""The float32 columns of `Records`, in file order."""

RECORD_DTYPES: Final[Mapping[str, str]] = {
    "sample_id": "uint64",
    "label": "uint16",
    "prediction": "uint16",
    **dict.fromkeys(SCORES, "float32"),
}
"""Every column of `Records` that holds one number a sample, with its type."""

NO_CLASS: Final = 65535
"""The prediction where the logits are not finite: no label's, so that it is wrong. The confidence is 0 there alone."""

INTERPOLATIONS: Final = ("nearest", "bilinear", "bicubic", "lanczos")
"""How geometry may resize, by Pillow's names."""


# ---- what the user asks for ----------------------------------------------------------------------------------------


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
        shared = self.policy in (Policy.BEYOND_TOLERANCE, Policy.ANY_DROP)
        return alpha / max(1, len(self.conditions) * len(self.metrics)) if shared else alpha


DRIFT_BUDGET: Final = Decimal("0.01")
"""How far below the golden reference many updates together may lead: twice the tolerance of the default gates.

benchmarks/drift.py shows what it stops and what it lets pass."""


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
    """What a run may do to the baselines; `reason` is kept in the history of the entries it changes."""

    update: UpdateMode = UpdateMode.NOTHING
    prune: bool = False
    dry_run: bool = False
    reset_golden: bool = False
    reason: str = ""

    @property
    def asked(self) -> bool:
        """Whether anything would be written or deleted."""
        return self.prune or self.update is not UpdateMode.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The files a run writes beside the baselines; `github` adds a job summary and annotations.

    `html_images` is how many of its worst images the HTML report shows for each condition.
    """

    csv: Path | None = None
    html: Path | None = None
    html_images: int = 8
    json: Path | None = None
    markdown: Path | None = None
    github: bool = False


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
    baseline_dir: Path
    against: Source | None
    dataset_change: DatasetChange
    drift_budget: Decimal
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


# ---- what was measured ---------------------------------------------------------------------------------------------


Tell = Callable[[int, int], None]
"""Told again and again, while something is measured: how many images are behind, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """One condition's outcome per sample: N-long columns, ascending by `sample_id`.

    Every score comes from the log-softmax of the logits in float64, stored as float32; flags are always computed from
    the stored values, so writing and reading cannot change one. Where the logits are not finite the prediction is
    `NO_CLASS`, the confidence 0, and the other scores are those of equal logits. All logits of a sample are there only
    where they were asked to be kept.
    """

    sample_id: NDArray[np.uint64]
    label: NDArray[np.uint16]
    prediction: NDArray[np.uint16]
    confidence: NDArray[np.float32]  # maximum softmax probability, (0, 1]; 0 without finite logits
    entropy: NDArray[np.float32]  # nats, [0, ln K]
    label_log_probability: NDArray[np.float32]  # nats, <= 0
    sum_squares: NDArray[np.float32]  # sum of squared probabilities, [1/K, 1]
    second_probability: NDArray[np.float32]  # second largest probability, [0, 1/2]
    max_logit: NDArray[np.float32]
    logits: NDArray[np.float32] | None = None  # (N, K); 0 without finite logits, as the confidence tells

    def __len__(self) -> int:
        return len(self.sample_id)

    def take(self, rows: NDArray[np.intp] | slice) -> Records:
        """These rows, ascending by number so that ids stay ascending."""
        return Records(**{name: column[rows] for name, column in self.columns.items()})

    @property
    def columns(self) -> dict[str, Any]:  # Any: arrays, whose names numpy.savez would take for its options
        """The columns there are by name, in file order."""
        found = {name: getattr(self, name) for name in Records.__slots__}
        return {name: column for name, column in found.items() if column is not None}

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Where the prediction is the label, (N,) bool."""
        correct: NDArray[np.bool_] = self.prediction == self.label
        return correct


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The exact counts of the four outcomes that every founding rate is made of."""

    trusted_right: int
    trusted_wrong: int
    flagged_right: int
    flagged_wrong: int

    @property
    def samples(self) -> int:
        """All images."""
        return self.trusted_right + self.trusted_wrong + self.flagged_right + self.flagged_wrong

    @property
    def error(self) -> Estimate:
        """The share of wrong predictions, 1 - accuracy."""
        return Estimate(
            numerator=self.trusted_wrong + self.flagged_wrong,
            denominator=self.samples,
            reason="" if self.samples else "there is no image",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate as a ratio of counts; where the denominator is 0, `reason` says why there is no value."""

    numerator: int
    denominator: int
    reason: str = ""

    @property
    def fraction(self) -> Fraction | None:
        """The exact rate, None where it is undefined."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None

    @property
    def value(self) -> float | None:
        """The rate for the reader, None where it is undefined."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def is_rate(self) -> bool:
        """Whether people read it in percent."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A number that no ratio of counts is, such as an area under a curve; `reason` says why there is no value."""

    value: float | None
    is_rate: bool = False
    reason: str = ""

    @property
    def fraction(self) -> Fraction | None:
        """The shortest decimal of the float, so that 5 of 100 are at most a bound of 0.05; None where undefined."""
        return None if self.value is None else Fraction(repr(self.value))


Value = Estimate | Score
"""What a metric yields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionStats:
    """The statistics of one condition under one rule: counts first, rates by metric name, scores that a gate names."""

    condition: str
    cells: Cells
    rates: Mapping[str, Estimate]
    scores: Mapping[str, Score] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What identifies a data set: a hash over sample ids and labels, its size, its class names in label order.

    `skipped` counts images that could not be used and were left out, which are in neither of the first two. `groups`
    counts those that the samples come in, 0 where none are told; the same data can be grouped in many ways.
    """

    fingerprint: str
    samples: int
    classes: tuple[str, ...]
    skipped: int = 0
    groups: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What identifies a model: a hash over its weights, the name of its architecture ("" where unknown)."""

    sha256: str
    architecture: str


ELSEWHERE: Final = "made elsewhere"
"""The preprocessing of predictions that do not say what theirs was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a measurement: the first two decide comparability, the others explain a change."""

    data: DataFacts
    preprocessing: str
    model: ModelFacts
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything one condition's pass over the data yields, before any judgement."""

    condition: Condition
    seed: int | None  # None where the condition draws no random numbers
    records: Records
    provenance: Provenance
    groups: NDArray[np.uint32] | None = None  # samples of one number are not independent; None where all are


# ---- what is stored ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """The accepted values of one condition; `records_sha256` binds the sample file to it."""

    condition: Condition
    seed: int | None
    rule: str
    cells: Cells
    records_sha256: str
    model: ModelFacts
    environment: Mapping[str, str]
    golden: Golden | None = None
    history: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """The frozen reference of an entry that has been updated since: drift is measured against it."""

    model_sha256: str
    records_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One accepted change of an entry that was given a reason; the newest stands last."""

    reason: str
    model_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline file: what its entries share, and the entries by condition key."""

    name: str
    data: DataFacts
    preprocessing: str
    entries: Mapping[str, BaselineEntry]
    known_label_errors: tuple[int, ...] = ()  # sample ids whose label a person found to be wrong


# ---- what was judged -----------------------------------------------------------------------------------------------


class Verdict(Enum):
    """The outcome of a gate, worst first; the value is the word people read."""

    INCOMPARABLE = "incomparable"
    MISSING = "missing"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    DRIFTED = "drifted"
    REGRESSED = "regressed"
    NOT_SHOWN = "not_shown"
    INCONCLUSIVE = "inconclusive"
    WORSE_WITHIN_TOLERANCE = "worse_within_tolerance"
    RECORDED = "recorded"
    UPDATED = "updated"
    IMPROVED = "improved"
    PASSED = "passed"
    UNCHANGED = "unchanged"

    @property
    def fails(self) -> bool:
        """Whether a gate with this verdict fails its test."""
        return self in _FAILING

    @property
    def severity(self) -> int:
        """Rank from 0, the worst: sort by it to put what matters first."""
        return list(Verdict).index(self)


_FAILING: Final = frozenset(list(Verdict)[:7])


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a comparison proves. A drop is a change for the worse, in units of the rate.

    Each p is one-sided: of `drop <= tolerance`, of `drop >= tolerance`, of `drop <= 0` and of `drop >= 0`. `low` and
    `high` bound the drop with 95 % confidence, None where nothing can be said. `lost` and `gained` count samples where
    the rate is over all of them, else both are None.
    """

    paired: bool
    p_beyond: float
    p_within: float
    p_worse: float
    p_better: float
    low: float | None
    high: float | None
    level: float  # what p must fall below
    lost: int | None = None
    gained: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of one condition beside its reference: a stored baseline (`reference` set) or a literal bound."""

    metric: str
    reference: Value | None
    current: Value
    allowed: str
    verdict: Verdict
    note: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A sample that was right before and is wrong now: the classes' names and the confidences on both sides."""

    sample_id: int
    label: str
    before: str
    now: str
    confidence_before: float
    confidence_now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """A change of confident_accuracy in three parts that add up to it, and with as many trusted as before."""

    answers: float  # samples trusted on both sides whose answer changed
    entered: float  # samples trusted now alone
    left: float  # samples trusted before alone
    at_coverage: float

    @property
    def whole(self) -> float:
        """The change at the rule's own threshold."""
        return self.answers + self.entered + self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleChange:
    """What changed sample by sample: counts, the worst confident negative flips, and what they mean.

    A negative flip is right before and wrong now; a confident one is trusted on both sides, a silent failure gained.
    """

    samples: int
    changed_predictions: int
    changed_flags: int
    negative_flips: int
    positive_flips: int
    confident_negative_flips: int
    known_label_errors: int  # of the confident ones, not listed
    worst: tuple[Flip, ...] = ()
    decomposition: Decomposition | None = None
    diagnosis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a gating metric can see: the drops it finds in 80 % of all cases, in units of the rate."""

    metric: str
    counted_on: int  # samples
    few: float  # where 0.2 % of the answers flip, as in an export
    many: float  # where 10 % do, as in a retrain
    is_far: bool  # from the tolerance: the gate cannot keep what it promises


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """Where the records of one measurement came from: the cache, or the model, and then `anew` says why."""

    measured: str  # the condition, with the model where it is the second one
    anew: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The judged outcome of one test item: plain data, ready for the terminal, a file or another process."""

    nodeid: str
    baseline: str
    stats: ConditionStats
    comparisons: tuple[Comparison, ...]
    verdict: Verdict
    differences: tuple[str, ...] = ()  # why it is incomparable
    notes: tuple[str, ...] = ()
    change: SampleChange | None = None  # None where the samples of the two sides cannot be matched
    causes: tuple[str, ...] = ()  # what else differs from the baseline: the model, the device, the versions
    at_chance: bool = False  # the reference knows no more than the largest class, so there is nothing to lose
    is_against: bool = False  # compared with a second model, whose name stands in `baseline`
    reuse: tuple[Reuse, ...] = ()  # of its measurement and of the second model's; empty where there is no cache
    sights: tuple[Sight, ...] = ()  # what its gates can see, where this run recorded it
    location: tuple[str, int] = ("", 0)  # the test's file, relative to pytest's rootdir, and its line from 1
    classes: int = 0  # of the data
    published_for_px: int | None = None  # the size that the severity's parameters were published for
    reference_errors: int | None = None  # wrong predictions of a comparable reference on the same images


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionError:
    """One corruption: its error rates at severities 1 to 5, and their mean."""

    name: str
    rates: tuple[Estimate, ...]
    mean: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedError:
    """One corruption in units of a reference model's: below 1 is better than the reference, above 1 worse.

    `relative_ce` compares what the corruption adds to the error on clean images; it is negative where it adds nothing.
    """

    name: str
    ce: Estimate
    relative_ce: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedErrors:
    """mCE and relative mCE: the means over the corruptions that the model and the reference have both."""

    reference: str
    errors: tuple[NormalisedError, ...]
    mce: Estimate
    relative_mce: Estimate
    left_out: tuple[str, ...] = ()  # measured with the model, and not at all severities with the reference


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionSummary:
    """The corruption errors of one model, over the corruptions that were measured at all five severities.

    `errors` holds those of ImageNet-C's 15, over which alone `mean` is taken, without a reference; `extra` the others.
    `incomplete` says which severities the rest of the 15 lacks; a corruption without any severity is not in it.
    """

    model: str
    errors: tuple[CorruptionError, ...]
    mean: Estimate
    extra: tuple[CorruptionError, ...] = ()
    incomplete: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    normalised: tuple[NormalisedErrors, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run for the reader: the facts known after loading, one result per item, and what happened to the files.

    `errors` says by test id what could not be used; `complaints` fail the run beyond its items; `unchecked` are marked
    items without a result; `obsolete` are stored entries, as `baseline: condition`, that no test uses; `incomplete`
    says why a run is not whole, "" where it is; `workers` is in how many processes one model was loaded; `corruption`
    has an entry for each baseline under which a corruption was measured at all five severities.
    """

    facts: tuple[str, ...] = ()
    results: tuple[ItemResult, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    obsolete: tuple[str, ...] = ()
    incomplete: str = ""
    workers: int = 0
    command: str = ""
    corruption: tuple[CorruptionSummary, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything that was to be compared was compared, and nothing failed."""
        troubles = (self.errors, self.complaints, self.unchecked, self.incomplete)
        return bool(self.results) and not any(troubles) and not any(result.verdict.fails for result in self.results)


# ---- what the HTML report draws ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many right and how many wrong predictions have a score in each of as many equal bins from 0 to `high`."""

    high: float
    right: tuple[int, ...]
    wrong: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What the scores of one side are worth, in at most a hundred points a curve.

    `risk_coverage` has (share of the images, share of wrong answers among them), those trusted most first;
    `reliability` has (mean confidence, share of right answers, samples) of each bin of confidence that is not empty.
    """

    risk_coverage: tuple[tuple[float, float], ...]
    operating_point: tuple[float, float] | None  # where the rule stands on that curve; None where it trusts nothing
    reliability: tuple[tuple[float, float, int], ...]
    confidence: Histogram
    entropy: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison; `curves` is None where its samples are not known."""

    stats: ConditionStats
    curves: Curves | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """The images of one class: how many are right, flagged, and silent failures (wrong and trusted)."""

    right: int
    flagged: int
    silent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChange:
    """One class on both sides of a comparison, on the same images."""

    name: str
    samples: int
    before: ClassCounts | None
    now: ClassCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A sample's degraded image as a data URI, and its size in pixels."""

    sample_id: int
    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What the HTML report draws of one condition, on the images that both sides have.

    `before` is None where nothing comparable is stored; `classes` are the worst of `class_count`; `thumbnails` are of
    the worst flips; `provenance` says by name what was measured with what.
    """

    before: Side | None
    now: Side
    confidence_threshold: float | None
    entropy_threshold: float | None
    classes: tuple[ClassChange, ...]
    class_count: int
    thumbnails: tuple[Thumbnail, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

"""What was measured: columns of samples, counts and the numbers made of them, and where they came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from pytest_failaware.schema.asked import Condition

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCORES: Final = ("confidence", "entropy", "label_log_probability", "sum_squares", "second_probability", "max_logit")
"""The float32 columns of `Records`, in file order."""

RANKING_SCORES: Final = ("confidence", "margin", "max_logit", "gini", "entropy", "energy", "gen")
"""What a ranking metric can rank by, beside the confidence at a temperature; the first where its name says nothing."""

TEMPERATURE: Final = "temperature="
"""What stands before the temperature in a name."""

RECORD_DTYPES: Final[Mapping[str, str]] = {
    "sample_id": "uint64",
    "label": "uint16",
    "prediction": "uint16",
    **dict.fromkeys(SCORES, "float32"),
}
"""Every column of `Records` that holds one number a sample, with its type."""

NO_CLASS: Final = 65535
"""The prediction where the model has no answer: no label's, so that it is wrong. The confidence is 0 there alone."""

MOST_OUTPUTS: Final = NO_CLASS - 1
"""The most outputs that a model may have: every prediction is then a uint16 below `NO_CLASS`."""


Tell = Callable[[int, int], None]
"""Told again and again, while something is measured: how many images are behind, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Records:
    """One condition's outcome per sample: N-long columns, ascending by `sample_id`.

    Every score comes from the log-softmax of the logits in float64, stored as float32; flags are always computed from
    the stored values, so writing and reading cannot change one. Where the model has no answer (NaN,
    +inf, or no finite logit) the prediction is `NO_CLASS`, the confidence 0, and the other scores are those of equal
    logits. A class may be masked by -inf, which is stored as the lowest float32. All logits of a sample are there only
    where they were asked to be kept.
    """

    sample_id: NDArray[np.uint64]
    label: NDArray[np.uint16]
    prediction: NDArray[np.uint16]
    confidence: NDArray[np.float32]  # maximum softmax probability, (0, 1]; 0 without an answer
    entropy: NDArray[np.float32]  # nats, [0, ln K]
    label_log_probability: NDArray[np.float32]  # nats, <= 0
    sum_squares: NDArray[np.float32]  # sum of squared probabilities, [1/K, 1]
    second_probability: NDArray[np.float32]  # second largest probability, [0, 1/2]
    max_logit: NDArray[np.float32]
    logits: NDArray[np.float32] | None = None  # (N, K); 0 without an answer, as the confidence tells

    def __len__(self) -> int:
        return len(self.sample_id)

    def __repr__(self) -> str:
        return f"<Records of {len(self):,} samples>"

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
    def right(self) -> int:
        """The images whose prediction is the label."""
        return self.trusted_right + self.flagged_right

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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ConditionStats:
    """The statistics of one condition under one rule: counts first, rates by metric name, scores that a gate names."""

    condition: str
    cells: Cells
    rates: Mapping[str, Estimate]
    scores: Mapping[str, Score] = field(default_factory=dict)

    @property
    def counts(self) -> str:
        """How many samples there are, and how many of them are right and flagged."""
        cells = self.cells
        flagged = cells.flagged_right + cells.flagged_wrong
        return f"{cells.samples:,} samples, {cells.right:,} right, {flagged:,} flagged"

    def __repr__(self) -> str:
        return f"<ConditionStats of {self.condition}: {self.counts}>"


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


DECLARED_OUTPUTS: Final = "outputs"
"""The key of an environment that says what the model returns; it is absent if that is logits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a measurement: the first two decide comparability, the others explain a change."""

    data: DataFacts
    preprocessing: str
    model: ModelFacts
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What identified the data under the class names before failaware_rename: ids hold the name of the class.

    `sample_id` is in the order of the records' samples, (N,).
    """

    classes: tuple[str, ...]
    fingerprint: str
    sample_id: NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Everything one condition's pass over the data yields, before any judgement."""

    condition: Condition
    seed: int | None  # None where the condition draws no random numbers
    records: Records
    provenance: Provenance
    groups: NDArray[np.uint32] | None = None  # samples of one number are not independent; None where all are
    former: Former | None = None  # None where no class has a new name

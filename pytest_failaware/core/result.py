"""The judged result of one test item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from typing import ClassVar, Final

from pytest_failaware.core.condition import MEAN
from pytest_failaware.core.estimates import ConditionStats, Estimate, Value
from pytest_failaware.core.levels import Levels
from pytest_failaware.core.rule import FailureRule


class Verdict(Enum):
    """The outcome of a gate; the value is the word that the reader sees.

    `severity` is the rank from 0, the worst; sort by it to show the most important verdicts first. `fails` says whether
    a gate with this verdict fails its test.
    """

    _value_: str
    severity: int
    fails: bool

    INCOMPARABLE = "incomparable", 0, True
    MISSING = "missing", 1, True
    BELOW_MINIMUM = "below_minimum", 2, True
    ABOVE_MAXIMUM = "above_maximum", 3, True
    DRIFTED = "drifted", 4, True
    REGRESSED = "regressed", 5, True
    OPERATING_POINT_MOVED = "operating_point_moved", 6, True
    NOT_SHOWN = "not_shown", 7, True
    INCONCLUSIVE = "inconclusive", 8, False
    WORSE_WITHIN_TOLERANCE = "worse_within_tolerance", 9, False
    NOT_WRITTEN = "not_written", 10, False
    RECORDED = "recorded", 11, False
    UPDATED = "updated", 12, False
    IMPROVED = "improved", 13, False
    PASSED = "passed", 14, False
    UNCHANGED = "unchanged", 15, False

    def __new__(cls, word: str, severity: int = 0, fails: bool = False) -> Verdict:
        """Make a member whose value is only its word, so that `Verdict("passed")` finds it."""
        member = object.__new__(cls)
        member._value_ = word
        member.severity, member.fails = severity, fails
        return member

    @property
    def is_written(self) -> bool:
        """Whether this run stored its values as the expected ones."""
        return self in (Verdict.RECORDED, Verdict.UPDATED)

    @property
    def unwritten(self) -> Verdict:
        """The verdict to report if the values could not be written."""
        return Verdict.NOT_WRITTEN if self.is_written else self

    @property
    def warns(self) -> bool:
        """Whether the verdict deserves attention although the test passes."""
        return self.is_written or self in (
            Verdict.INCONCLUSIVE, Verdict.WORSE_WITHIN_TOLERANCE, Verdict.NOT_WRITTEN
        )  # fmt: skip

    @property
    def words(self) -> str:
        """The value with blanks instead of underscores."""
        return self._value_.replace("_", " ")


WORSE: Final = (Verdict.REGRESSED, Verdict.OPERATING_POINT_MOVED, Verdict.NOT_SHOWN)
"""The verdicts of a metric that got worse; an update accepts them only with a reason."""


CLASS_GUARD: Final = "class_guard"
"""The name of the guard on classes among the comparisons; it compares one class and is no rate of the condition."""

PROMISES: Final = ("confident_accuracy", "confident_correct_rate")
"""The metrics that say whether the pair of model and rule keeps its promise; the others say whether the model is worse.

`silent_failure_rate` is one of them if the baseline trusts hardly anything.
"""


CHANGED: Final = (*WORSE, Verdict.INCOMPARABLE, Verdict.DRIFTED)
"""The verdicts of an item whose stored values an update would replace."""


class CoverageWay(Enum):
    """How a candidate reaches the coverage of the baseline."""

    THRESHOLDS = "thresholds"  # both thresholds of the stored rule are scaled
    TEMPERATURE = "temperature"  # one temperature under the stored rule
    NEW_RULE = "new rule"  # both thresholds of the configured rule are scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class WayEvidence:
    """The rate at the coverage of the baseline reached in one way, and the p of a drop beyond the tolerance."""

    way: CoverageWay
    current: Estimate
    p_beyond: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSpread:
    """The values of one metric over the seeds of a recipe, in units of the metric.

    `over_chance` is the variance between the seeds, as the test uses it, over the variance that seeds would have that
    are equal in truth.
    """

    count: int
    low: float
    high: float
    over_chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The statistical evidence of a comparison. A drop is a change for the worse, in units of the rate.

    Each p is one-sided, for the null hypotheses `drop <= tolerance`, `drop >= tolerance`, `drop <= 0` and `drop >= 0`,
    in the order of the fields. `low` and `high` are the ends of the 95 % confidence interval of the drop, None if there
    is none. `lost` and `gained` count samples if the rate is over all samples, else both are None. `ways` are those
    of a rate at the coverage of the baseline: it is worse only if it is worse in every way, so p_beyond, p_worse and
    p_better are the largest of the ways. `seeds` is the spread of the recipe that the candidate was judged against,
    None if it was judged against one model.
    """

    paired: bool
    p_beyond: float
    p_within: float
    p_worse: float
    p_better: float
    low: float | None
    high: float | None
    level: float  # p must be below it
    lost: int | None = None
    gained: int | None = None
    ways: tuple[WayEvidence, ...] = ()
    seeds: SeedSpread | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of one condition, compared with the reference; `allowed` is the tolerance as typed."""

    metric: str
    reference: Value
    current: Value
    allowed: Decimal
    verdict: Verdict
    note: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCheck:
    """One metric of one condition, compared with a literal bound as typed: a minimum, else a maximum."""

    metric: str
    limit: Decimal
    is_minimum: bool
    current: Value
    verdict: Verdict
    note: str = ""
    evidence: ClassVar[None] = None
    """A bound is compared with the value itself and needs no test."""

    @property
    def bound(self) -> str:
        """The bound as text, such as `>= 0.9`."""
        return f"{'>=' if self.is_minimum else '<='} {self.limit}"


Judged = Comparison | BoundCheck
"""The judgement of a gate on one metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A sample that was right before and is wrong now: class names and confidences on both sides.

    `name` identifies the sample in its data set, such as the path of its file; it is "" if only the id is known.
    """

    sample_id: int
    label: str
    before: str
    now: str
    confidence_before: float
    confidence_now: float
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLoss:
    """The number of samples of one class, and how many of them were right before and are right now."""

    name: str
    samples: int
    before: int
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """The change of confident_accuracy as the sum of three parts, and the change at the former coverage."""

    answers: float  # samples trusted on both sides whose answer changed
    entered: float  # samples that only the new side trusts
    left: float  # samples that only the old side trusted
    at_coverage: float  # with as many trusted samples as before

    @property
    def whole(self) -> float:
        """The whole change, at the threshold of the rule."""
        return self.answers + self.entered + self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleChange:
    """The changes of single samples: counts, and the worst confident negative flips.

    A negative flip was right before and is wrong now. A confident negative flip is trusted on both sides: it is a new
    silent failure.
    """

    samples: int
    changed_predictions: int
    changed_flags: int
    negative_flips: int
    positive_flips: int
    confident_negative_flips: int
    known_label_errors: int  # among the confident negative flips, not listed in `worst`
    worst: tuple[Flip, ...] = ()
    worst_class: ClassLoss | None = None  # None if no class stands out
    lost_classes: tuple[ClassLoss, ...] = ()  # with the largest net losses of right answers, the largest first
    suspects: tuple[Flip, ...] = ()  # the surest answers that are the same on both sides, and not the label
    decomposition: Decomposition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """The sensitivity of a gating metric: the drops that it finds with 80 % power, in units of the rate."""

    metric: str
    counted_on: int  # samples
    few: float  # if 0.2 % of the answers flip, as after an export
    many: float  # if 10 % of the answers flip, as after retraining
    is_far: bool  # the smallest drop that the gate finds is much larger than the tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSensitivity:
    """The sensitivity of a gate against the seeds of a recipe, in units of the rate.

    `deviation` is the standard deviation between seeds, and `over_chance` its square over the variance that seeds would
    have that are equal in truth. `drop` is the smallest one that is found with 80 % power, 1 if there is none.
    """

    metric: str
    seeds: int
    deviation: float
    over_chance: float
    drop: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """The origin of the records of one measurement: the cache, or a new measurement; `anew` says why it was needed.

    `made` is the time of the earlier run if an update took its records although they depend on user code; else "".
    """

    measured: str  # the condition, and the model if it is the second one
    anew: str = ""
    made: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The judged result of one test item: plain data for the terminal, a file or another process."""

    nodeid: str
    baseline: str
    rule: FailureRule  # the configured rule, which judges this run
    stats: ConditionStats
    comparisons: tuple[Judged, ...]
    verdict: Verdict
    levels: Levels | None = None  # what p must be below in its marked test; None if nothing was judged
    stored_rule: FailureRule | None = None  # the rule of the side before; None if nothing is stored
    differences: tuple[str, ...] = ()  # why the item is incomparable
    notes: tuple[str, ...] = ()
    change: SampleChange | None = None  # None if the samples of the two sides cannot be matched
    causes: tuple[str, ...] = ()  # other differences from the baseline: the model, the device, the versions
    unguarded: Estimate | None = None  # right answers of the reference, too few for the class guard; None if guarded
    at_chance: bool = False  # the reference is no better than the largest class, so a regression cannot show
    drifts: bool = False  # drift is proven, so storing the values needs a reset of the golden reference
    ends_golden: bool = False  # the values cannot be compared with the golden reference, so storing needs a reset too
    reference: str = ""  # hash of the stored records that were compared; "" without a stored entry
    lacks_files: bool = False  # sample files of the entry are absent, so the changes are unknown
    has_other_classes: bool = False  # the classes differ from those of the baseline
    has_other_groups: bool = False  # the groups of the compared samples differ from those of the reference
    stored: Mapping[str, Estimate] = field(default_factory=dict)  # rates of an incomparable entry, not judged
    is_against: bool = False  # compared with a second model; `baseline` holds its name
    reuse: tuple[Reuse, ...] = ()  # one for each measurement, including that of a second model; empty without a cache
    sights: tuple[Sensitivity, ...] = ()  # the sensitivity of its gates, if this run recorded the values
    corruption: str = ""  # the condition without its severity
    severity: int | None = None  # None if the condition has none
    test: tuple[str, str] = ("", "")  # the marked test: the node id before and after the condition
    location: tuple[str, int] = ("", 0)  # the test's file, relative to pytest's rootdir, and its line from 1
    subject: str = ""  # a hash over the model, the data and the preprocessing
    alarm: str = ""  # why the result on clean images, for the same subject, shows a wrong setup
    is_alarm_stored: bool = False  # the stored values of clean give the same alarm
    awaits_clean: bool = False  # the alarm is unknown until the clean condition of the gate is measured

    @property
    def is_mean(self) -> bool:
        """Whether this is the pooled verdict of a marked test, which is no item of pytest's."""
        return self.stats.condition == MEAN

    @property
    def is_against_recipe(self) -> bool:
        """Whether the spread of the seeds of a recipe judged it."""
        return any(judged.evidence is not None and judged.evidence.seeds is not None for judged in self.comparisons)

    @property
    def rule_change(self) -> str:
        """The rules of both sides as a sentence if they differ, else ""."""
        has_changed = self.stored_rule is not None and self.stored_rule != self.rule
        return f"rule changed: {self.stored_rule} -> {self.rule}" if has_changed else ""

    @property
    def has_new_alarm(self) -> bool:
        """Whether storing the values needs a reason, since this alarm was not accepted before."""
        return bool(self.alarm) and not self.is_alarm_stored

    @property
    def needs_reset(self) -> bool:
        """Whether storing the values needs a reset of the golden reference."""
        return self.drifts or self.ends_golden

    @property
    def needs_reason(self) -> bool:
        """Whether replacing the old values needs a reason: they are incomparable, or the new values are worse."""
        return bool(self.stored) or self.is_worse

    @property
    def unwritten(self) -> ItemResult:
        """The result to report if the values were to be stored and could not be written."""
        comparisons = tuple(replace(judged, verdict=judged.verdict.unwritten) for judged in self.comparisons)
        return replace(self, verdict=self.verdict.unwritten, comparisons=comparisons)

    @property
    def is_open(self) -> bool:
        """Whether a metric fell by more than its tolerance, which may be chance."""
        return any(judged.verdict is Verdict.INCONCLUSIVE for judged in self.comparisons)

    @property
    def has_drifted(self) -> bool:
        """Whether a gate failed against the golden reference, and this run does not accept that."""
        return any(judged.verdict is Verdict.DRIFTED for judged in self.comparisons)

    @property
    def is_worse(self) -> bool:
        """Whether a gate failed against its reference, and this run does not accept that."""
        return any(judged.verdict in WORSE for judged in self.comparisons)

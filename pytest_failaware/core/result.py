"""What judging one item found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from typing import ClassVar, Final

from pytest_failaware.core.estimates import ConditionStats, Estimate, Value


class Verdict(Enum):
    """The outcome of a gate; the value is the word people read.

    `severity` is its rank from 0, the worst: sort by it to put what matters first. `fails` says whether a gate with
    this verdict fails its test.
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
    NOT_SHOWN = "not_shown", 6, True
    INCONCLUSIVE = "inconclusive", 7, False
    WORSE_WITHIN_TOLERANCE = "worse_within_tolerance", 8, False
    NOT_WRITTEN = "not_written", 9, False
    RECORDED = "recorded", 10, False
    UPDATED = "updated", 11, False
    IMPROVED = "improved", 12, False
    PASSED = "passed", 13, False
    UNCHANGED = "unchanged", 14, False

    def __new__(cls, word: str, severity: int = 0, fails: bool = False) -> Verdict:
        """Make a member whose value is its word alone, so that `Verdict("passed")` finds it."""
        member = object.__new__(cls)
        member._value_ = word
        member.severity, member.fails = severity, fails
        return member

    @property
    def is_written(self) -> bool:
        """Whether this run made its values the expected ones."""
        return self in (Verdict.RECORDED, Verdict.UPDATED)

    @property
    def unwritten(self) -> Verdict:
        """The verdict where nothing was written after all."""
        return Verdict.NOT_WRITTEN if self.is_written else self

    @property
    def warns(self) -> bool:
        """Whether somebody should look at it though its test passes."""
        return self.is_written or self in (
            Verdict.INCONCLUSIVE, Verdict.WORSE_WITHIN_TOLERANCE, Verdict.NOT_WRITTEN
        )  # fmt: skip

    @property
    def words(self) -> str:
        """The value as it stands in a sentence."""
        return self._value_.replace("_", " ")


WORSE: Final = (Verdict.REGRESSED, Verdict.NOT_SHOWN)
"""The verdicts of a metric that fell, as long as no update accepts it."""


CHANGED: Final = (*WORSE, Verdict.INCOMPARABLE, Verdict.DRIFTED)
"""The verdicts of an item whose stored values an update would replace."""


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
    """One metric of one condition beside its value in the reference; `allowed` is the tolerance as it was typed."""

    metric: str
    reference: Value
    current: Value
    allowed: Decimal
    verdict: Verdict
    note: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCheck:
    """One metric of one condition beside a literal bound, as it was typed: a minimum, else a maximum."""

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
        """The bound as people read it, such as `>= 0.9`."""
        return f"{'>=' if self.is_minimum else '<='} {self.limit}"


Judged = Comparison | BoundCheck
"""What a gate says of one metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A sample that was right before and is wrong now: the classes' names and the confidences on both sides.

    `name` says which one it is in its data set, such as the path of its file; "" where its id alone is known.
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
    """A class of so many samples, and how many of them were right before and are right now."""

    name: str
    samples: int
    before: int
    now: int


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
    worst_class: ClassLoss | None = None  # None where no class stands out
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
    """Where the records of one measurement came from: the cache, or the model, and then `anew` says why.

    `made` is when the run was whose records an update took although they depend on the user's own code; else "".
    """

    measured: str  # the condition, with the model where it is the second one
    anew: str = ""
    made: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The judged outcome of one test item: plain data, ready for the terminal, a file or another process."""

    nodeid: str
    baseline: str
    stats: ConditionStats
    comparisons: tuple[Judged, ...]
    verdict: Verdict
    differences: tuple[str, ...] = ()  # why it is incomparable
    notes: tuple[str, ...] = ()
    change: SampleChange | None = None  # None where the samples of the two sides cannot be matched
    causes: tuple[str, ...] = ()  # what else differs from the baseline: the model, the device, the versions
    at_chance: bool = False  # the reference knows no more than the largest class, so there is nothing to lose
    drifts: bool = False  # storing it needs a reset of the golden reference
    ends_golden: bool = False  # storing it needs that too: the golden reference cannot stand beside these values
    reference: str = ""  # hash of the stored records that it was compared with; "" without a stored entry
    lacks_files: bool = False  # sample files of its entry are absent, so that nothing says what changed
    has_other_classes: bool = False  # than the baseline
    has_other_groups: bool = False  # of the compared samples than the reference
    stored: Mapping[str, Estimate] = field(default_factory=dict)  # rates of an incomparable entry, not to judge by
    is_against: bool = False  # compared with a second model, whose name stands in `baseline`
    reuse: tuple[Reuse, ...] = ()  # of its measurement and of the second model's; empty where there is no cache
    sights: tuple[Sight, ...] = ()  # what its gates can see, where this run recorded it
    location: tuple[str, int] = ("", 0)  # the test's file, relative to pytest's rootdir, and its line from 1
    subject: str = ""  # a hash over the model, the data and the preprocessing
    alarm: str = ""  # why clean, of the same subject, is almost surely set up wrongly
    is_alarm_stored: bool = False  # the stored values of clean give the same alarm
    awaits_clean: bool = False  # a condition of its gate that will say whether there is an alarm

    @property
    def has_new_alarm(self) -> bool:
        """Whether nothing may be stored of it without a reason, since nobody accepted such an alarm before."""
        return bool(self.alarm) and not self.is_alarm_stored

    @property
    def needs_reset(self) -> bool:
        """Whether nothing may be stored of it without a reset of the golden reference."""
        return self.drifts or self.ends_golden

    @property
    def needs_reason(self) -> bool:
        """Whether storing it over the old values needs a reason: another measurement, or worse values."""
        return bool(self.stored) or self.is_worse

    @property
    def unwritten(self) -> ItemResult:
        """The same if this run was to make its values the expected ones, and did not."""
        comparisons = tuple(replace(one, verdict=one.verdict.unwritten) for one in self.comparisons)
        return replace(self, verdict=self.verdict.unwritten, comparisons=comparisons)

    @property
    def is_open(self) -> bool:
        """Whether a metric fell by more than its tolerance, and that may be chance."""
        return any(one.verdict is Verdict.INCONCLUSIVE for one in self.comparisons)

    @property
    def has_drifted(self) -> bool:
        """Whether a gate failed against the golden reference, and this run does not accept that."""
        return any(one.verdict is Verdict.DRIFTED for one in self.comparisons)

    @property
    def is_worse(self) -> bool:
        """Whether a gate failed against its reference, and this run does not accept that."""
        return any(one.verdict in WORSE for one in self.comparisons)

"""The results of a run, with its corruption errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.remedy import Advice
from pytest_failaware.core.result import ItemResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionError:
    """The error rates of one corruption at severities 1 to 5, and their mean."""

    name: str
    rates: tuple[Estimate, ...]
    mean: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedError:
    """The error of one corruption divided by that of a reference model: below 1 is better than the reference.

    `relative_ce` divides the increases over the error on clean images; it is negative if the corruption lowers the
    error.
    """

    name: str
    ce: Estimate
    relative_ce: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedErrors:
    """mCE and relative mCE: the means over the corruptions that both the model and the reference have."""

    reference: str
    errors: tuple[NormalisedError, ...]
    mce: Estimate
    relative_mce: Estimate
    left_out: tuple[str, ...] = ()  # the reference lacks a severity of these


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionSummary:
    """The corruption errors of one model, for the corruptions that were measured at all five severities.

    `errors` holds the measured corruptions among the 15 of ImageNet-C, and `mean` is their mean; `extra` holds all
    other measured corruptions. `incomplete` gives the missing severities of those of the 15 that were measured at some
    severities only.
    """

    model: str
    errors: tuple[CorruptionError, ...]
    mean: Estimate
    extra: tuple[CorruptionError, ...] = ()
    incomplete: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The content of all reports of a run: what is known after loading, a result per item and per pooled verdict, and
    the written files.

    Tests:
        `errors` gives, by test id, the input that could not be used. `unchecked` are marked items without a result.
        `left_out` are marked items that were collected and did not run, unless -m deselected them. `failed` are tests
        that failed although their gates passed. `unwritten` are items whose values were to be stored and were not.
    The run:
        `complaints` fail the run for reasons other than its items. `bends` are the options on the command line that
        change gates or the files of gates. `incomplete` says why a run is not complete, "" if it is. `workers` is the
        number of processes that loaded the same model.
    Baselines:
        `obsolete` are stored entries, as `baseline: condition`, that no test uses. `unused` is how many of the `stored`
        entries no test of this run used. `corruption` has an entry for each baseline with a corruption that was
        measured at all five severities. `accept` is the command that stores the values of this run from its JSON, "" if
        there is nothing to store.
    Advice:
        `advice` says what would mend the tests whose operating point moved, and what to look at if a model is worse.
    Origin:
        `in_ci` is true on a CI server, which refuses updates. `date` (UTC), `commit` and `versions` say when and from
        what the reports were written; they are empty until then.
    """

    facts: tuple[Fact, ...] = ()
    results: tuple[ItemResult, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    unwritten: tuple[str, ...] = ()
    obsolete: tuple[str, ...] = ()
    unused: int = 0
    stored: int = 0
    bends: tuple[str, ...] = ()
    incomplete: str = ""
    workers: int = 0
    command: str = ""
    corruption: tuple[CorruptionSummary, ...] = ()
    accept: str = ""
    advice: tuple[Advice, ...] = ()
    in_ci: bool = False
    date: str = ""
    commit: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def conditions(self) -> tuple[ItemResult, ...]:
        """The results without the pooled verdicts, for tables of conditions."""
        return tuple(result for result in self.results if not result.is_mean)

    @property
    def passed(self) -> bool:
        """Whether every requested comparison was made, and nothing failed."""
        troubles = (self.errors, self.complaints, self.unchecked, self.failed, self.incomplete)
        return bool(self.results) and not any(troubles) and not any(result.verdict.fails for result in self.results)

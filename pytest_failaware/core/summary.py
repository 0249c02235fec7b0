"""The results of a run, and its corruption errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_failaware.core.estimates import Estimate
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.result import ItemResult


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

    `errors` holds those of ImageNet-C's 15, over which alone `mean` is taken; `extra` the others.
    `incomplete` says which severities the rest of the 15 lacks; a corruption without any severity is not in it.
    """

    model: str
    errors: tuple[CorruptionError, ...]
    mean: Estimate
    extra: tuple[CorruptionError, ...] = ()
    incomplete: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run for the reader: the facts known after loading, one result per item, and what happened to the files.

    `errors` says by test id what could not be used; `complaints` fail the run beyond its items; `unchecked` are marked
    items without a result, and `left_out` those that were collected and did not run, whatever kept them from it but
    -m; `failed` are tests that failed though their gates did not; `unwritten` have values that were to be stored and
    were not. `obsolete` are stored entries, as `baseline: condition`, that no test uses; `unused` counts those that no
    test of this run used, of `stored` ones. `bends` is what the command line says of the gates and of the files they
    stand in; `incomplete` says why a run is not whole, "" where it is; `workers` is in how many processes one model was
    loaded; `corruption` has an entry for each baseline under which a corruption was measured at all five severities.
    `accept` is the command that stores this run's values from its JSON, "" if there is nothing to store; `in_ci` says
    that this is a CI server, which refuses updates; `date` (UTC), `commit` and `versions` say when and from what the
    files of the run were written, and are empty before.
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
    in_ci: bool = False
    date: str = ""
    commit: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether everything that was to be compared was compared, and nothing failed."""
        troubles = (self.errors, self.complaints, self.unchecked, self.failed, self.incomplete)
        return bool(self.results) and not any(troubles) and not any(result.verdict.fails for result in self.results)

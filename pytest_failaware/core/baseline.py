"""What a baseline holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.estimates import Cells
from pytest_failaware.core.measurement import DataFacts, ModelFacts
from pytest_failaware.core.rule import FailureRule


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """The accepted values of one condition; `records_sha256` binds the sample file to it."""

    condition: Condition
    seed: int | None
    rule: FailureRule
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
    """One accepted change of an entry that was given a reason; the newest stands last.

    After a `golden_reset` drift is measured from the values that this change stored.
    """

    reason: str
    model_sha256: str
    golden_reset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline file: what its entries share, and the entries by condition key.

    `samples_sha256` binds the list of samples to it; "" in a file of schema 1, which has no such hash, and none in the
    names of its sample files. `lines` says at which line of the file the value of a dotted key stands, as in
    `conditions.clean.records`; it is empty if the baseline was read from no file.
    """

    name: str
    data: DataFacts
    preprocessing: str
    entries: Mapping[str, BaselineEntry]
    samples_sha256: str = ""
    known_label_errors: tuple[int, ...] = ()  # sample ids whose label a person found to be wrong
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

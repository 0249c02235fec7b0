"""The data that a test item attaches to its pytest report for the process that writes the reports.

They are plain data, with xdist and without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pytest_failaware.core.fact import Fact
from pytest_failaware.core.gate import Declaration
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.pooled import Share
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.rule import FailureRule


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedItem:
    """The result of an item, and all that the reporting process needs to report, store and draw it.

    `measurement` is set only if a file will hold it or a remedy may need it, and `pictures` only if an HTML report is
    requested. `share` is None if nothing was compared, if the body failed, or if the test has no pooled verdict.
    """

    result: ItemResult
    facts: tuple[Fact, ...]  # lines for the summary
    model: str  # the hash of the model: counts in how many processes it was loaded
    opened: tuple[str, ...]  # options whose model or data set this process opened
    rule: FailureRule
    declared: tuple[str, ...]  # the keys of all conditions of that test
    alpha: Decimal | None  # the chance of a false alarm of all items of the test; None if its gates share none
    is_named: bool  # a marker or an option names the baseline; otherwise the model does
    is_to_write: bool  # its values become the expected ones if the test passes
    is_acceptable: bool  # the command accept may store its values
    declaration: Declaration
    is_for_files: bool  # a file will hold its measurement
    measurement: Measurement | None
    pictures: Pictures | None
    share: Share | None  # what the condition adds to the pooled verdict

    @property
    def pooled(self) -> tuple[str, ...]:
        """The metrics of the pooled verdict of the test."""
        return self.declaration.pooled


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The content of one pytest report of an item."""

    judged: JudgedItem | None = None  # only with the report of the call
    error: str = ""  # the input that could not be used, and why
    notices: tuple[str, ...] = ()
    early: tuple[str, ...] = ()  # sentences that cannot wait until the end of the run
    lacks_model: bool = False  # the item was skipped because the run has no model


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The ids of the marked items that one process collected."""

    selected: tuple[str, ...]
    deselected: tuple[str, ...] = ()
    unmarked: tuple[str, ...] = ()  # those of the deselected that -m alone left out

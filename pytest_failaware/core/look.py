"""What `--failaware-check` saw of a marked test without measuring it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_failaware.core.fact import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A few samples under one condition of a marked test, and what is known of its comparison.

    `facts` are on the model, the data and the preprocessing; `findings` make every number doubtful, and `notes` say
    what may be wrong and does not fail the check. `differences` say why the entry of the baseline is not comparable, as
    far as that is known; `baseline` is empty if a second model is the reference. `seconds` is what measuring this
    condition on all `known` samples will take, and `decoding` what opening them will take once; both are 0 for
    predictions.
    """

    facts: tuple[Fact, ...]
    condition: str
    under: str  # the condition that `right` was counted under
    images: int
    right: int
    known: int
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    baseline: str = ""
    has_baseline: bool = False
    has_entry: bool = False
    differences: tuple[str, ...] = ()
    unlooked: tuple[str, ...] = ()
    seconds: float = 0.0
    decoding: float = 0.0

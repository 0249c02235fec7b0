"""The result of `--failaware-check` for a marked test, which it does not measure."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_failaware.core.fact import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The result on a few samples under one condition of a marked test, and the state of its baseline.

    `facts` describe the model, the data and the preprocessing. `findings` fail the check, since they make every number
    doubtful; `notes` say what may be wrong, and do not fail it. `differences` say why the entry of the baseline is not
    comparable, as far as that is known. `baseline` is empty if a second model is the reference. `unlooked` says what
    the check cannot find out. `seconds` is the estimated time to measure this condition on all `known` samples, and
    `decoding` the time to decode the images once; both are 0 for predictions.
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

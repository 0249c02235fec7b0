"""One condition of a test for which a remedy is searched, and the half to which each sample belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pytest_failaware.core.records import Records
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.core.samples import Samples
from pytest_failaware.judge.outcomes import Mask, Outcomes
from pytest_failaware.judge.significance.units import Units, mixed

CONFIDENT_ACCURACY = "confident_accuracy"
CONFIDENT_CORRECT_RATE = "confident_correct_rate"
SILENT_FAILURE_RATE = "silent_failure_rate"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Case:
    """The samples of one condition on both sides, in the same order, (N,).

    `rule` is the configured rule, which a remedy changes. `tolerance` gives the full tolerance of the metrics that
    judge the promise of the pair.
    """

    key: str
    before: Outcomes  # the stored records under the stored rule
    now: Records
    rule: FailureRule
    tolerance: Mapping[str, float]

    @property
    def promises(self) -> tuple[str, str]:
        """The metrics that judge the promise; if hardly anything was trusted before, there is no confident_accuracy."""
        first = CONFIDENT_ACCURACY if self.before.makes_promise else SILENT_FAILURE_RATE
        return first, CONFIDENT_CORRECT_RATE


def first_half(samples: Samples) -> Mask:
    """Return whether each sample belongs to the first half, (N,): a bit of a hash of the first id of its group."""
    units = Units.of(samples)
    half: Mask = (mixed(samples.ids[units.first]) >> np.uint64(63)).astype(np.bool_)[units.of_sample]
    return half

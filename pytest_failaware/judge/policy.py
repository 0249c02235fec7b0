"""The verdict on one gating metric from its evidence and the policy."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from pytest_failaware.core.gate import Policy
from pytest_failaware.core.result import Evidence, Verdict

LIKELY: Final = 0.01
"""A drop beyond the tolerance is inconclusive only if a loss is proven at this level, or cannot be tested at all.

Without this level, three of four runs of an equal model would have an inconclusive gate.
"""


def decide(policy: Policy, evidence: Evidence, drop: Fraction, tolerance: Fraction) -> Verdict:
    """Return the verdict on one metric.

    Args:
        policy: beyond_tolerance, any_drop or non_inferiority; equivalence gates by bounds instead.
        evidence: the p-values of the comparison and their level.
        drop: the observed change for the worse, exact.
        tolerance: the allowed drop, exact.
    """
    proven_beyond, proven = evidence.p_beyond < evidence.level, evidence.p_worse < evidence.level
    if policy is Policy.NON_INFERIORITY:
        if evidence.p_within < evidence.level:
            return Verdict.PASSED
        return Verdict.REGRESSED if proven_beyond else Verdict.NOT_SHOWN
    fails = proven_beyond if policy is Policy.BEYOND_TOLERANCE else proven and drop > tolerance
    if fails:
        return Verdict.REGRESSED
    if drop > tolerance:
        is_untested = evidence.low is None
        return Verdict.INCONCLUSIVE if is_untested or evidence.p_worse < LIKELY else Verdict.PASSED
    if proven:
        return Verdict.WORSE_WITHIN_TOLERANCE
    if -drop > tolerance and evidence.p_better < evidence.level:
        return Verdict.IMPROVED
    return Verdict.PASSED

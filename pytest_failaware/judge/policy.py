"""The verdict on one gating metric from its evidence and the policy."""

from __future__ import annotations

from fractions import Fraction

from pytest_failaware.core.gate import Policy
from pytest_failaware.core.result import Evidence, Verdict


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
        return Verdict.INCONCLUSIVE
    if proven:
        return Verdict.WORSE_WITHIN_TOLERANCE
    if -drop > tolerance and evidence.p_better < evidence.level:
        return Verdict.IMPROVED
    return Verdict.PASSED

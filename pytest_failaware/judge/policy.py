"""Evidence x policy -> the verdict on one gating metric."""

from __future__ import annotations

from fractions import Fraction

from pytest_failaware.schema import Evidence, Policy, Verdict


def decide(policy: Policy, evidence: Evidence, drop: Fraction, tolerance: Fraction) -> tuple[Verdict, str]:
    """The verdict on one metric, and a note where the verdict alone does not say why.

    Args:
        policy: beyond_tolerance, any_drop or non_inferiority; equivalence gates other things.
        evidence: what the comparison proves, with the level it has to reach.
        drop: the observed change for the worse, exact.
        tolerance: how much is allowed, exact.
    """
    proven_beyond, proven = evidence.p_beyond < evidence.level, evidence.p_worse < evidence.level
    if policy is Policy.NON_INFERIORITY:
        if 1 - evidence.p_beyond < evidence.level:
            return Verdict.PASSED, ""
        if proven_beyond:
            return Verdict.REGRESSED, ""
        return Verdict.NOT_SHOWN, "a drop beyond the tolerance is not excluded"
    fails = proven_beyond if policy is Policy.BEYOND_TOLERANCE else proven and drop > tolerance
    if fails:
        return Verdict.REGRESSED, ""
    if drop > tolerance:
        return Verdict.INCONCLUSIVE, "beyond the tolerance, not proven"
    if proven:
        return Verdict.WORSE_WITHIN_TOLERANCE, ""
    if -drop > tolerance and evidence.p_better < evidence.level:
        return Verdict.IMPROVED, ""
    return Verdict.PASSED, ""

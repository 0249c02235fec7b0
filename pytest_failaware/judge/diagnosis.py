"""Why confident_accuracy and related metrics changed: the operating point, the ranking, or both."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.metric import AnyMetric
from pytest_failaware.judge.evidence import paired
from pytest_failaware.judge.gating import worsening
from pytest_failaware.judge.metrics.rates import AT_COVERAGE, METRICS
from pytest_failaware.judge.sentences import judgement
from pytest_failaware.judge.sides import Sides


def diagnose(sides: Sides, gate: Gate) -> Iterator[str]:
    """Yield a sentence for each proven cause; nothing if no cause is proven.

    The operating point moved if the share of trusted samples changed. The ranking got worse if fewer answers are right
    among as many samples as the baseline trusts. A cause must be proven at the gate's level, and the observed change
    must exceed the tolerance of its metric. If both are proven, the ranking comes first: a threshold cannot repair it,
    and a retrained model needs a new threshold anyway.
    """
    moved = _proven(METRICS["failure_rate"], sides, gate)
    worse = _proven(AT_COVERAGE, sides, gate)
    if worse:
        yield judgement.worse_ranking(float(worse), has_moved=bool(moved))
    if moved:
        yield judgement.moved_point(float(moved), has_worse_ranking=bool(worse))


def _proven(metric: AnyMetric, sides: Sides, gate: Gate) -> Fraction | None:
    """Return the change of a metric if it is proven worse and exceeds the tolerance; otherwise None."""
    tolerance = gate.allowed(metric.name)
    reference, current, evidence = paired(metric, sides, tolerance, gate.levels.gate)
    if evidence is None or reference.fraction is None or current.fraction is None:
        return None
    beyond = worsening(reference.fraction, current.fraction, metric.direction) > Fraction(tolerance)
    return current.fraction - reference.fraction if evidence.p_worse < evidence.level and beyond else None

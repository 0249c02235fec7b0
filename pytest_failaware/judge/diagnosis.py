"""Why confident_accuracy and its neighbours moved: the operating point, the ranking, or both."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pytest_failaware.judge.gating import paired, worsening
from pytest_failaware.judge.kinds import AnyMetric
from pytest_failaware.judge.metrics import AT_COVERAGE, METRICS
from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.schema import Gate


def diagnose(before: Outcomes, now: Outcomes, gate: Gate) -> Iterator[str]:
    """Each illness in words, nothing where neither is proven.

    The operating point moved where the share of trusted samples did; the ranking got worse where fewer answers are
    right among as many samples as the baseline trusts. Each has to be proven at the gate's level and to be observed
    beyond the tolerance of its metric.
    """
    yield from _operating_point(before, now, gate)
    yield from _ranking(before, now, gate)


def _operating_point(before: Outcomes, now: Outcomes, gate: Gate) -> Iterator[str]:
    if change := _proven(METRICS["failure_rate"], before, now, gate):
        moved = f"{100 * abs(float(change)):.2f} pt {'fewer' if change > 0 else 'more'} trusted"
        yield f"the operating point moved ({moved}): choose the threshold again"


def _ranking(before: Outcomes, now: Outcomes, gate: Gate) -> Iterator[str]:
    if change := _proven(AT_COVERAGE, before, now, gate):
        lost = f"{100 * abs(float(change)):.2f} pt less confident accuracy"
        yield f"the ranking got worse ({lost} with as many trusted): retrain"


def _proven(metric: AnyMetric, before: Outcomes, now: Outcomes, gate: Gate) -> Fraction | None:
    """The change of a metric where it is one for the worse, proven, and beyond the tolerance as observed."""
    tolerance = gate.allowed(metric.name)
    reference, current, evidence = paired(metric, before, now, tolerance, gate.level)
    if evidence is None or reference.fraction is None or current.fraction is None:
        return None
    beyond = worsening(reference.fraction, current.fraction, metric.direction) > Fraction(tolerance)
    return current.fraction - reference.fraction if evidence.p_worse < evidence.level and beyond else None

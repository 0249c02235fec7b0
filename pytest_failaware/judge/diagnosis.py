"""Why confident_accuracy and its neighbours moved: the operating point, the ranking, or both."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from pytest_failaware.judge.changes import at_coverage
from pytest_failaware.judge.evidence import paired_evidence
from pytest_failaware.judge.metrics import METRICS, Direction
from pytest_failaware.judge.outcomes import Outcomes
from pytest_failaware.schema import Evidence, Gate


def diagnose(before: Outcomes, now: Outcomes, gate: Gate) -> Iterator[str]:
    """Each illness in words, nothing where neither is proven.

    The operating point moved where the share of trusted samples did; the ranking got worse where fewer answers are
    right among as many samples as the baseline trusts. Each has to be proven at the gate's level and to be observed
    beyond the tolerance of its metric.
    """
    yield from _operating_point(before, now, gate)
    yield from _ranking(before, now, gate)


def _operating_point(before: Outcomes, now: Outcomes, gate: Gate) -> Iterator[str]:
    metric = METRICS["failure_rate"]
    sides = before.masks(metric), now.masks(metric)
    more = Fraction(int(sides[1][0].sum()) - int(sides[0][0].sum()), len(before.right))
    tolerance = gate.tolerance[metric.name]
    evidence = paired_evidence(*sides, Direction.EITHER_IS_WORSE, tolerance, gate.level)
    if _is_real(evidence, abs(more), tolerance):
        moved = f"{100 * abs(float(more)):.2f} pt {'fewer' if more > 0 else 'more'} trusted"
        yield f"the operating point moved ({moved}): choose the threshold again"


def _ranking(before: Outcomes, now: Outcomes, gate: Gate) -> Iterator[str]:
    if not before.trusted.any():
        return
    sides = at_coverage(before, now)
    drop = Fraction(int(sides[0][0].sum()) - int(sides[1][0].sum()), int(sides[0][1].sum()))
    tolerance = gate.tolerance["confident_accuracy"]
    evidence = paired_evidence(*sides, Direction.HIGHER_IS_BETTER, tolerance, gate.level)
    if _is_real(evidence, drop, tolerance):
        lost = f"{100 * float(drop):.2f} pt less confident accuracy"
        yield f"the ranking got worse ({lost} with as many trusted): retrain"


def _is_real(evidence: Evidence, change: Fraction, tolerance: Decimal) -> bool:
    return evidence.p_worse < evidence.level and change > Fraction(tolerance)

"""Moved operating points: the pair of model and rule breaks its promise, and the model is not worse.

Two questions are asked of a candidate. Is the model worse? Accuracy, the ranking, the classes and every metric that
was named answer. Does the pair keep its promise? `confident_accuracy` and `confident_correct_rate` answer. If only the
second answer is bad, another rule can mend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

from pytest_failaware.core.gate import Gate, Policy
from pytest_failaware.core.result import PROMISES, WORSE, Comparison, Judged, Verdict
from pytest_failaware.judge.gating import INSTEAD, compared
from pytest_failaware.judge.metrics.rates import AT_COVERAGE
from pytest_failaware.judge.sentences import judgement
from pytest_failaware.judge.sides import Sides


def with_moved(comparisons: Sequence[Judged], gate: Gate, sides: Sides) -> list[Judged]:
    """Return the comparisons, those of the promise as moved instead of regressed if the model is not worse.

    Accuracy and the ranking are computed for this even if they do not gate, under the policy and the level of the gate
    and with their tolerances.
    """
    if gate.policy is Policy.EQUIVALENCE:  # it gates by its bounds alone
        return list(comparisons)
    lost_trust = sides.makes_promise and not sides.now.trusted.any()
    judged = _without_trust(comparisons, gate, sides) if lost_trust else list(comparisons)
    broken = {comparison.metric for comparison in judged if _breaks_promise(comparison, sides)}
    if not broken or _is_worse(judged, gate, sides):
        return judged
    return [
        replace(comparison, verdict=Verdict.OPERATING_POINT_MOVED) if comparison.metric in broken else comparison
        for comparison in judged
    ]


def _without_trust(comparisons: Sequence[Judged], gate: Gate, sides: Sides) -> list[Judged]:
    """Return the comparisons with each promise broken, whatever its rate; a promise is judged even if none gates."""
    is_asked = any(_is_gate_on_promise(judged) for judged in comparisons)
    added = [] if is_asked else [compared(PROMISES[1], gate, sides)]
    return [
        replace(judged, verdict=Verdict.REGRESSED, note=judgement.TRUSTS_NOTHING)
        if _is_gate_on_promise(judged)
        else judged
        for judged in (*comparisons, *added)
    ]


def _is_gate_on_promise(judged: Judged) -> TypeGuard[Comparison]:
    return isinstance(judged, Comparison) and judged.metric in PROMISES


def _breaks_promise(judged: Judged, sides: Sides) -> bool:
    return judged.verdict is Verdict.REGRESSED and _is_promise(judged, sides)


def _is_promise(judged: Judged, sides: Sides) -> bool:
    return judged.metric in PROMISES or (judged.metric == INSTEAD and not sides.makes_promise)


def _is_worse(judged: Sequence[Judged], gate: Gate, sides: Sides) -> bool:
    """Return whether a gate on the model is red: accuracy, the ranking, the classes, or another named metric."""
    others = [one for one in judged if isinstance(one, Comparison) and not _is_promise(one, sides)]
    known = {one.metric for one in others}
    asked = ("accuracy", AT_COVERAGE.name) if sides.makes_promise else ("accuracy",)
    others += [compared(name, gate, sides) for name in asked if name not in known]
    return any(one.verdict in WORSE for one in others)

"""The curves, histograms and classes that the HTML report draws, computed from the records of both sides."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.pictures import (
    ClassChange,
    ClassCounts,
    Curves,
    Histogram,
    Pictures,
    Side,
)
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.rule import FailureRule
from pytest_failaware.judge.metrics.calibration import BINS, bins_of, ece
from pytest_failaware.judge.metrics.rates import stats_of
from pytest_failaware.judge.outcomes import Mask, Outcomes, outcomes_of
from pytest_failaware.judge.pairing import pair
from pytest_failaware.judge.sides import sides_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_POINTS: Final = 40  # of a risk-coverage curve, which is drawn some 300 pixels wide
_SCORE_BINS: Final = 20  # of a histogram
_CLASSES: Final = 12  # listed; the others are counted


def pictures_of(measurement: Measurement, gate: Gate, reference: Reference | None) -> Pictures:
    """Return what the report draws for one condition.

    Args:
        measurement: what this run measured.
        gate: the gate with the rule that flags the predictions of this run.
        reference: the values of the comparison; None if they are not comparable.
    """
    key, classes = measurement.condition.key, measurement.provenance.data.classes
    if reference is not None:
        gate = replace(gate, has_golden=reference.has_golden(gate.conditions))
    before, now, stored_rule = _sides(measurement, gate, reference)
    return Pictures(
        before=_side(key, before, stored_rule, gate, classes) if before else None,
        now=_side(key, now, gate.rule, gate, classes),
        confidence_threshold=gate.rule.confidence,
        entropy_threshold=gate.rule.entropy,
        classes=_worst_classes(before, now, classes),
        class_count=len(classes),
        provenance=_provenance(measurement, gate, stored_rule),
    )


def _sides(
    measurement: Measurement, gate: Gate, reference: Reference | None
) -> tuple[Outcomes | None, Outcomes, FailureRule]:
    """Return the outcomes of both sides, and the rule of the side before; None without comparable records."""
    stored = None if reference is None else reference.stored
    if reference is None or stored is None or reference.nearest is None:
        return None, outcomes_of(measurement.records, gate.rule), gate.rule
    sides = sides_of(pair(reference.nearest, measurement.records), stored.entry.rule, gate.rule)
    return sides.before, sides.now, stored.entry.rule


def _side(key: str, outcomes: Outcomes, rule: FailureRule, gate: Gate, classes: Sequence[str]) -> Side:
    stats = stats_of(key, outcomes.records, rule, gate.table)
    return Side(stats=stats, curves=curves_of(outcomes, len(classes)) if stats.cells.samples else None)


def curves_of(outcomes: Outcomes, classes: int) -> Curves:
    """Return the curves of one side, which has at least one sample."""
    confidence, entropy = outcomes.records.confidence, outcomes.records.entropy
    trusted = int(outcomes.trusted.sum())
    risk = np.cumsum(~outcomes.right[outcomes.by_trust()]) / np.arange(1, len(outcomes.right) + 1)
    return Curves(
        risk_coverage=_thinned(risk),
        operating_point=(trusted / len(risk), float(risk[trusted - 1])) if trusted else None,
        reliability=_reliability(confidence, outcomes.right),
        ece=ece(outcomes.records),
        confidence=_histogram(confidence, outcomes.right, high=1.0),
        entropy=_histogram(entropy, outcomes.right, high=math.log(max(2, classes))),
    )


def _thinned(risk: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Return points that are evenly spaced in coverage; the last point has all samples."""
    total = len(risk)
    counts = np.unique(np.ceil(np.linspace(total / _POINTS, total, _POINTS)).astype(np.intp))
    return tuple((_short(count / total), _short(risk[count - 1])) for count in counts)


def _reliability(confidence: NDArray[np.float32], right: Mask) -> tuple[tuple[float, float, int], ...]:
    """Return the non-empty bins of the expected calibration error, so that the diagram shows the terms of its sum."""
    bins = bins_of(confidence)
    samples = np.bincount(bins, minlength=BINS)
    sums = (np.bincount(bins, values.astype(np.float64), BINS) for values in (confidence, right))
    return tuple(
        (_short(claimed / count), _short(kept / count), int(count))
        for claimed, kept, count in zip(*sums, samples, strict=True)
        if count
    )


def _histogram(scores: NDArray[np.float32], right: Mask, high: float) -> Histogram:
    bins = _bins(scores, _SCORE_BINS, high)
    of_right, of_wrong = (np.bincount(bins[chosen], minlength=_SCORE_BINS) for chosen in (right, ~right))
    return Histogram(high=high, right=tuple(of_right.tolist()), wrong=tuple(of_wrong.tolist()))


def _bins(scores: NDArray[np.float32], count: int, high: float) -> NDArray[np.intp]:
    """Return the number of each score's bin; the upper end belongs to the last bin."""
    numbers: NDArray[np.intp] = np.clip(np.floor(scores.astype(np.float64) / high * count), 0, count - 1).astype(
        np.intp
    )
    return numbers


def _worst_classes(before: Outcomes | None, now: Outcomes, classes: Sequence[str]) -> tuple[ClassChange, ...]:
    """Return the classes with samples, sorted by lost right answers and then by gained silent failures.

    If a failure names a hardest hit class, it is the first of these.
    """
    labels, count = now.records.label, len(classes)
    samples, (right, flagged, silent) = np.bincount(labels, minlength=count), _by_class(now, count)
    then = None if before is None else _by_class(before, count)
    lost, gained = (samples - right, silent) if then is None else (then[0] - right, silent - then[2])
    order = [number for number in np.lexsort((np.arange(count), -silent, -gained, -lost)) if samples[number]]
    return tuple(
        ClassChange(
            name=classes[number],
            samples=int(samples[number]),
            before=None if then is None else _counts(*(column[number] for column in then)),
            now=_counts(right[number], flagged[number], silent[number]),
        )
        for number in order[:_CLASSES]
    )


def _by_class(outcomes: Outcomes, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return how many images of each class are right, are flagged, and are silent failures."""
    labels = outcomes.records.label
    right, flagged, silent = (
        np.bincount(labels[chosen], minlength=count)
        for chosen in (outcomes.right, ~outcomes.trusted, outcomes.trusted & ~outcomes.right)
    )
    return right, flagged, silent


def _counts(right: np.intp, flagged: np.intp, silent: np.intp) -> ClassCounts:
    return ClassCounts(right=int(right), flagged=int(flagged), silent=int(silent))


def _short(value: float) -> float:
    """Return a value with four decimals, which are more than a drawing shows."""
    return round(float(value), 4)


def _setting(setting: tuple[str, float | str]) -> str:
    name, value = setting
    return f"{name} {value}" if isinstance(value, str) else f"{name} {value:g}"


def _provenance(measurement: Measurement, gate: Gate, stored_rule: FailureRule) -> dict[str, str]:
    """Return the facts of a measurement by their labels, the most important first."""
    made, settings = measurement.provenance, measurement.condition.settings
    return {
        "model": f"{made.model.architecture} {made.model.sha256}".strip(),
        "samples": f"{len(measurement.records):,}, {len(made.data.classes)} classes, {made.data.fingerprint}",
        "preprocessing": made.preprocessing,
        "rule": " -> ".join(dict.fromkeys(map(str, (stored_rule, gate.rule)))),
        "policy": f"{gate.policy.value}, {gate.levels_text}",
        **({} if measurement.seed is None else {"seed": str(measurement.seed)}),
        **({"parameters": ", ".join(map(_setting, settings.items()))} if settings else {}),
        **made.environment,
    }

"""What a comparison may rest on: what differs between the two sides, how they were matched, when they are identical."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.judge.pairing import Pair
from pytest_failaware.schema import (
    ELSEWHERE,
    Baseline,
    BaselineEntry,
    DataFacts,
    DatasetChange,
    Gate,
    Measurement,
    Records,
)

if TYPE_CHECKING:
    from pytest_failaware.judge.rule import FailureRule

_CLOSE: Final = 1e-4
"""How far scores of identical records may differ: kernels disagree by 1e-7."""


def find_differences(
    measurement: Measurement,
    baseline: Baseline,
    entry: BaselineEntry,
    gate: Gate,
    pair: Pair | None,
    dataset_change: DatasetChange,
) -> Iterator[str]:
    """What makes the two sides numbers of different things; empty where they can be compared."""
    now, stored = measurement.provenance.data, baseline.data
    if now.classes != stored.classes:
        yield f"classes: {_class_difference(stored.classes, now.classes)}"
    elif dataset_change is DatasetChange.FAIL or pair is None:
        yield from _image_differences(stored, now)
        told = measurement.provenance.environment and entry.environment  # predictions have none, and do not tell
        if now.skipped != stored.skipped and told:
            yield f"bad images left out: baseline {stored.skipped:,}, now {now.skipped:,}"
    elif 2 * len(pair) < (pair.stored if pair.measured == now.samples else pair.measured):
        yield (
            f"images: {len(pair):,} of the baseline's {pair.stored:,} are among the {pair.measured:,} of this run; at "
            "least half have to be"
        )
    if pair is None and len(measurement.records) < now.samples:
        yield (
            f"images: {len(measurement.records):,} of {now.samples:,} were measured, and without the baseline's sample "
            "file their stored outcome is not known"
        )
    pairs = otherwise_made(measurement, baseline)
    if pair is None and entry.rule != str(gate.rule):  # without its records it cannot be judged under another rule
        pairs["rule"] = (entry.rule, str(gate.rule))
    yield from (f"{what}: baseline {old!r}, now {new!r}" for what, (old, new) in pairs.items())


def otherwise_made(measurement: Measurement, baseline: Baseline) -> dict[str, tuple[object, object]]:
    """How the samples were prepared differently, by what people call it: stored, and now.

    What one side was predicted under elsewhere and does not say is taken on trust.
    """
    entry, condition = baseline.entries[measurement.condition.key], measurement.condition
    pairs: dict[str, tuple[object, object]] = {
        "preprocessing": (baseline.preprocessing, measurement.provenance.preprocessing),
        "parameters": (dict(entry.condition.parameters), dict(condition.parameters)),
        "implementation": (entry.condition.implementation, condition.implementation),
        "seed": (entry.seed, measurement.seed),
    }
    if ELSEWHERE in pairs["preprocessing"]:
        del pairs["preprocessing"]
    if condition.severity is not None and not all(pairs["parameters"]):
        del pairs["parameters"]
    return {what: (old, new) for what, (old, new) in pairs.items() if old != new}


def _image_differences(stored: DataFacts, now: DataFacts) -> Iterator[str]:
    if now.samples != stored.samples:
        yield f"images: baseline {stored.samples:,}, now {now.samples:,}"
    elif now.fingerprint != stored.fingerprint:
        yield f"images: as many, but others (baseline {stored.fingerprint[:15]}…, now {now.fingerprint[:15]}…)"


def _class_difference(stored: tuple[str, ...], now: tuple[str, ...]) -> str:
    gone = [name for name in stored if name not in now]
    added = [name for name in now if name not in stored]
    parts = [f"{word} {', '.join(map(repr, names[:3]))}" + ("…" if len(names) > 3 else "")
             for word, names in (("gone", gone), ("new", added)) if names]  # fmt: skip
    return "; ".join(parts) or "the same names in another order"


def how_compared(entry: BaselineEntry, gate: Gate, pair: Pair | None, *, comparable: bool) -> Iterator[str]:
    """How the two sides were matched, where that is worth a sentence."""
    if pair is None:
        yield "unpaired: the sample file is missing; restore it from version control or update the baseline"
    elif comparable and not pair.is_whole:
        yield str(pair)
    if comparable and pair is not None and entry.rule != str(gate.rule):
        yield f"both sides judged under {gate.rule}; the baseline was recorded under {entry.rule}"


def taken_on_trust(measurement: Measurement, baseline: Baseline) -> Iterator[str]:
    """What could not be compared, where one side was measured here and the other predicted elsewhere."""
    sides = {baseline.preprocessing, measurement.provenance.preprocessing}
    if len(sides) == 2 and ELSEWHERE in sides:
        yield "preprocessing was not compared: one side was predicted elsewhere, and is taken to have the other's"


def likely_causes(entry: BaselineEntry, measurement: Measurement) -> Iterator[str]:
    """What differs besides the numbers: the first things to look at when a gate fails."""
    model, provenance = entry.model, measurement.provenance
    if not provenance.environment:
        yield f"model {model.sha256[:8]} -> predictions {provenance.model.sha256[:8]}, made elsewhere"
        return
    before = {"model": model.sha256[:8], "architecture": model.architecture, **entry.environment}
    now = {"model": provenance.model.sha256[:8], "architecture": provenance.model.architecture}
    now |= provenance.environment
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name, "none"), now.get(name, "none")
        if old != new:
            yield f"{name} {old} -> {new}"


def records_equal(one: Records, other: Records, rule: FailureRule) -> bool:
    """Whether two records are identical: ids, labels, predictions and flags equal, scores within 1e-4.

    The two unbounded scores, log-probability and logit, may differ by that much relative to their size, and so may all
    logits where both sides have them.
    """
    if len(one) != len(other):
        return False
    exact = all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("sample_id", "label", "prediction")
    )
    flags, others = (rule.flags(confidence=side.confidence, entropy=side.entropy) for side in (one, other))
    return (
        exact
        and np.array_equal(flags, others)
        and all(
            np.allclose(getattr(one, name), getattr(other, name), rtol=relative, atol=_CLOSE)
            for name, relative in _RELATIVE.items()
        )
        and _logits_close(one.logits, other.logits)
    )


def _logits_close(one: NDArray[np.float32] | None, other: NDArray[np.float32] | None) -> bool:
    if one is None or other is None:
        return True
    return one.shape == other.shape and np.allclose(one, other, rtol=_CLOSE, atol=_CLOSE)


_RELATIVE: Final[Mapping[str, float]] = {
    "confidence": 0.0,
    "entropy": 0.0,
    "label_log_probability": _CLOSE,
    "sum_squares": 0.0,
    "second_probability": 0.0,
    "max_logit": _CLOSE,
}

"""What a comparison may rest on: what differs between the two sides, how they were matched, when they are identical."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import DECLARED_OUTPUTS, ELSEWHERE, DataFacts, Measurement, ModelFacts
from pytest_failaware.core.records import Records
from pytest_failaware.core.request import DatasetChange, ModelOutputs
from pytest_failaware.judge import sentences
from pytest_failaware.judge.class_names import class_difference
from pytest_failaware.judge.pairing import Pair

if TYPE_CHECKING:
    from pytest_failaware.core.rule import FailureRule

_CLOSE: Final = 1e-4
"""How far scores of identical records may differ: kernels disagree by 1e-7."""


def find_differences(
    measurement: Measurement,
    baseline: Baseline,
    pair: Pair | None,
    dataset_change: DatasetChange,
    absence: str,
) -> Iterator[str]:
    """What makes the two sides numbers of different things; empty where they can be compared.

    `absence` says which sample files are absent; without its samples no entry is comparable.
    """
    now, stored, entry = measurement.provenance.data, baseline.data, baseline.entries[measurement.condition.key]
    if absence or pair is None:
        yield absence or sentences.NOT_KNOWN
    if now.classes != stored.classes:
        yield f"classes: {class_difference(stored.classes, now.classes)}"
    elif dataset_change is DatasetChange.FAIL or pair is None:
        yield from _sample_differences(stored, now, _shared(now, pair))
        told = measurement.provenance.environment and entry.environment  # predictions have none, and do not tell
        if now.skipped != stored.skipped and told:
            yield sentences.other_skipped(stored.skipped, now.skipped)
    elif _shares_too_few(now, pair):
        yield sentences.too_few_shared(len(pair), pair.stored, pair.measured)
    pairs = otherwise_made(measurement, baseline)
    yield from (sentences.differs(what, old, new) for what, (old, new) in pairs.items())


def otherwise_made(measurement: Measurement, baseline: Baseline) -> dict[str, tuple[object, object]]:
    """How the samples were prepared differently, by what people call it: stored, and now.

    What one side was predicted under elsewhere and does not say is taken on trust.
    """
    entry, condition = baseline.entries[measurement.condition.key], measurement.condition
    pairs: dict[str, tuple[object, object]] = {
        "preprocessing": (baseline.preprocessing, measurement.provenance.preprocessing),
        "parameters": (dict(entry.condition.settings), dict(condition.settings)),
        "implementation": (entry.condition.implementation, condition.implementation),
        "seed": (entry.seed, measurement.seed),
    }
    environments = entry.environment, measurement.provenance.environment
    if all(environments):  # predictions have none: the names of their columns say what their scores are
        old, new = (one.get(DECLARED_OUTPUTS, ModelOutputs.LOGITS.value) for one in environments)
        pairs["outputs of the model"] = old, new
    if ELSEWHERE in pairs["preprocessing"]:
        del pairs["preprocessing"]
    if condition.severity is not None and not all(pairs["parameters"]):
        del pairs["parameters"]
    return {what: (old, new) for what, (old, new) in pairs.items() if old != new}


def _sample_differences(stored: DataFacts, now: DataFacts, shared: int) -> Iterator[str]:
    if now.samples != stored.samples:
        yield sentences.other_count(stored.samples, now.samples, shared)
    elif now.fingerprint != stored.fingerprint:
        yield sentences.other_samples(stored.fingerprint, now.fingerprint, shared)


def _shares_too_few(now: DataFacts, pair: Pair) -> bool:
    return 2 * len(pair) < (pair.stored if pair.measured == now.samples else pair.measured)


def _shared(now: DataFacts, pair: Pair | None) -> int:
    """How many samples both sides have, 0 if they are too few to be compared."""
    return 0 if pair is None or _shares_too_few(now, pair) else len(pair)


def how_compared(entry: BaselineEntry, gate: Gate, pair: Pair) -> Iterator[str]:
    """How two comparable sides were matched, where that is worth a sentence."""
    if not pair.is_whole:
        yield str(pair)
    if entry.rule != gate.rule:
        yield sentences.other_rule(str(gate.rule), str(entry.rule))


def taken_on_trust(measurement: Measurement, baseline: Baseline) -> Iterator[str]:
    """What could not be compared, where one side was measured here and the other predicted elsewhere."""
    sides = {baseline.preprocessing, measurement.provenance.preprocessing}
    if len(sides) == 2 and ELSEWHERE in sides:
        yield sentences.PREPROCESSING_NOT_COMPARED


def likely_causes(entry: BaselineEntry, measurement: Measurement) -> Iterator[str]:
    """What differs besides the numbers: the first things to look at when a gate fails."""
    model, provenance = entry.model, measurement.provenance
    if not (entry.environment and provenance.environment):  # predictions made elsewhere have none
        if model.sha256 != provenance.model.sha256:
            yield " -> ".join([_side(model, entry.environment), _side(provenance.model, provenance.environment)])
        return
    before = {"model": model.sha256[:8], "architecture": model.architecture, **entry.environment}
    now = {"model": provenance.model.sha256[:8], "architecture": provenance.model.architecture}
    now |= provenance.environment
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name) or "none", now.get(name) or "none"
        if old != new and name != DECLARED_OUTPUTS:  # which is a difference, and no cause
            yield sentences.changed(name, old, new)


def _side(model: ModelFacts, environment: Mapping[str, str]) -> str:
    return sentences.side(model.sha256, is_elsewhere=not environment)


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
    flags, others = (rule.flags_of(side) for side in (one, other))
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

"""Whether two sides can be compared: their differences, how they were matched, and when they are identical."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pytest_failaware.core.baseline import Baseline, BaselineEntry
from pytest_failaware.core.measurement import DECLARED_OUTPUTS, ELSEWHERE, DataFacts, Measurement, ModelFacts
from pytest_failaware.core.records import Records
from pytest_failaware.core.request import DatasetChange, ModelOutputs
from pytest_failaware.judge.class_names import class_difference
from pytest_failaware.judge.pairing import Pair
from pytest_failaware.judge.sentences import difference

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
    """Yield the differences that make the two sides incomparable; nothing if they can be compared.

    `absence` says which sample files are absent; an entry without its samples cannot be compared.
    """
    now, stored, entry = measurement.provenance.data, baseline.data, baseline.entries[measurement.condition.key]
    if absence or pair is None:
        yield absence or difference.NOT_KNOWN
    if now.classes != stored.classes:
        yield f"classes: {class_difference(stored.classes, now.classes)}"
    elif dataset_change is DatasetChange.FAIL or pair is None:
        yield from _sample_differences(stored, now, _shared(now, pair))
        are_measured = measurement.provenance.environment and entry.environment  # predictions have no environment
        if now.skipped != stored.skipped and are_measured:
            yield difference.other_skipped(stored.skipped, now.skipped)
    elif _shares_too_few(now, pair):
        yield difference.too_few_shared(len(pair), pair.stored, pair.measured)
    pairs = otherwise_made(measurement, baseline)
    yield from (difference.differs(what, old, new) for what, (old, new) in pairs.items())


def otherwise_made(measurement: Measurement, baseline: Baseline) -> dict[str, tuple[object, object]]:
    """Return the differences in how the samples were prepared: the name of each with the stored and the new value.

    If a side was predicted elsewhere and a value of it is not known, it is assumed to be the same.
    """
    entry, condition = baseline.entries[measurement.condition.key], measurement.condition
    pairs: dict[str, tuple[object, object]] = {
        "preprocessing": (baseline.preprocessing, measurement.provenance.preprocessing),
        "parameters": (dict(entry.condition.settings), dict(condition.settings)),
        "implementation": (entry.condition.implementation, condition.implementation),
        "seed": (entry.seed, measurement.seed),
    }
    environments = entry.environment, measurement.provenance.environment
    if all(environments):  # not for predictions: the names of their columns say what their scores are
        old, new = (facts.get(DECLARED_OUTPUTS, ModelOutputs.LOGITS.value) for facts in environments)
        pairs["outputs of the model"] = old, new
    if ELSEWHERE in pairs["preprocessing"]:
        del pairs["preprocessing"]
    if condition.severity is not None and not all(pairs["parameters"]):
        del pairs["parameters"]
    return {what: (old, new) for what, (old, new) in pairs.items() if old != new}


def _sample_differences(stored: DataFacts, now: DataFacts, shared: int) -> Iterator[str]:
    if now.samples != stored.samples:
        yield difference.other_count(stored.samples, now.samples, shared)
    elif now.fingerprint != stored.fingerprint:
        yield difference.other_samples(stored.fingerprint, now.fingerprint, shared)


def _shares_too_few(now: DataFacts, pair: Pair) -> bool:
    return 2 * len(pair) < (pair.stored if pair.measured == now.samples else pair.measured)


def _shared(now: DataFacts, pair: Pair | None) -> int:
    """Return how many samples both sides have; 0 if these are too few to be compared."""
    return 0 if pair is None or _shares_too_few(now, pair) else len(pair)


def how_compared(pair: Pair) -> Iterator[str]:
    """Yield a sentence on how two comparable sides were matched, unless both have the same samples."""
    if not pair.is_whole:
        yield str(pair)


def taken_on_trust(measurement: Measurement, baseline: Baseline) -> Iterator[str]:
    """Yield what could not be compared if one side was measured here and the other was predicted elsewhere."""
    sides = {baseline.preprocessing, measurement.provenance.preprocessing}
    if len(sides) == 2 and ELSEWHERE in sides:
        yield difference.PREPROCESSING_NOT_COMPARED


def likely_causes(entry: BaselineEntry, measurement: Measurement, rule: FailureRule) -> Iterator[str]:
    """Yield what else differs, the rule first: the first things to check if a gate fails."""
    model, provenance = entry.model, measurement.provenance
    if entry.rule != rule:
        yield difference.changed("rule", str(entry.rule), str(rule))
    if not (entry.environment and provenance.environment):  # predictions made elsewhere have no environment
        if model.sha256 != provenance.model.sha256:
            yield " -> ".join([_side(model, entry.environment), _side(provenance.model, provenance.environment)])
        return
    before = {"model": model.sha256[:8], "architecture": model.architecture, **entry.environment}
    now = {"model": provenance.model.sha256[:8], "architecture": provenance.model.architecture}
    now |= provenance.environment
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name) or "none", now.get(name) or "none"
        if old != new and name != DECLARED_OUTPUTS:  # declared outputs are a difference, not a cause
            yield difference.changed(name, old, new)


def _side(model: ModelFacts, environment: Mapping[str, str]) -> str:
    return difference.side(model.sha256, is_elsewhere=not environment)


def records_equal(before: Records, now: Records, rule: FailureRule) -> bool:
    """Return whether two records are identical: ids, labels, predictions and flags equal, scores within 1e-4.

    For the two unbounded scores, log-probability and logit, and for all logits if both sides have them, the limit is
    relative to their size.
    """
    if len(before) != len(now):
        return False
    exact = all(
        np.array_equal(getattr(before, name), getattr(now, name)) for name in ("sample_id", "label", "prediction")
    )
    flags, others = (rule.flags_of(side) for side in (before, now))
    return (
        exact
        and np.array_equal(flags, others)
        and all(
            np.allclose(getattr(before, name), getattr(now, name), rtol=relative, atol=_CLOSE)
            for name, relative in _RELATIVE.items()
        )
        and _logits_close(before.logits, now.logits)
    )


def _logits_close(before: NDArray[np.float32] | None, now: NDArray[np.float32] | None) -> bool:
    if before is None or now is None:
        return True
    return before.shape == now.shape and np.allclose(before, now, rtol=_CLOSE, atol=_CLOSE)


_RELATIVE: Final[Mapping[str, float]] = {
    "confidence": 0.0,
    "entropy": 0.0,
    "label_log_probability": _CLOSE,
    "sum_squares": 0.0,
    "second_probability": 0.0,
    "max_logit": _CLOSE,
}

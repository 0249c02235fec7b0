"""What a run knows once it has opened things, in lines for the summary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, TypeGuard

from pytest_failaware.report.words import in_groups
from pytest_failaware.schema import Gate, Measurement, Source, SourceKind
from pytest_failaware.session import Session, baseline_name

_FAR: Final = 0.02  # of accuracy: decoders and interpolations move it by half a point
_WIDE: Final = Decimal("0.1")
_WORDNET_ID: Final = re.compile(r"n\d{8}")  # the names of ImageNet's folders


def facts(session: Session, measurement: Measurement, gate: Gate) -> tuple[str, ...]:
    """Model or predictions with their notes, data, rule and reference of an item that was judged."""
    config, dead = session.config, gate.rule.dead_part(len(measurement.provenance.data.classes))
    return (
        *(_of_model(session, measurement) if config.predictions is None else _of_predictions(session)),
        *(() if config.limit is None else (_limit(measurement),)),
        f"rule {gate.rule}; {_reference(session, measurement, gate)}",
        *(() if dead is None else (f"note: {dead}",)),
        *_wide(gate),
    )


def _wide(gate: Gate) -> Iterator[str]:
    """A note on tolerances that look like points and are ten or more of them."""
    rates = [name for name in gate.metrics if getattr(gate.table.get(name), "is_rate", True)]
    for allowed in sorted({gate.allowed(name) for name in rates}):
        if allowed >= _WIDE:
            yield f"note: a tolerance of {allowed} is {float(100 * allowed):g} points; half a point is 0.005"


def _of_model(session: Session, measurement: Measurement) -> Iterator[str]:
    provenance, second = measurement.provenance, session.second
    model, data = provenance.model, provenance.data
    known = f"{model.architecture} {model.sha256[:8]}".strip()
    yield f"model {session.typed('model')} ({known}) on {provenance.environment['device']}"
    yield from session.model_notes
    yield from (f"{second.name}: {note}" for note in second.notes) if second else ()
    yield from (f"note: {note}" for bench in session.benches for note in bench.notes)
    yield (
        f"data {session.typed('dataset')}: {data.samples:,} images{in_groups(data)}, {len(data.classes)} classes; "
        f"preprocess {provenance.preprocessing}"
    )
    yield from _below_published(session, measurement)


def _below_published(session: Session, measurement: Measurement) -> Iterator[str]:
    """A note where the clean accuracy on ImageNet is far below what is published of the weights that are named."""
    weights, data = session.config.preprocess, session.config.dataset
    if measurement.condition.key != "clean" or not _is_of_torchvision(weights):
        return
    names = measurement.provenance.data.classes
    is_imagenet = _is_of_torchvision(data) and data.target == "ImageNet"
    if not is_imagenet and not (len(names) == 1000 and all(map(_WORDNET_ID.fullmatch, names))):
        return
    from pytest_failaware.judge.significance import wilson
    from pytest_failaware.measure.preprocess import published_accuracy

    published, right = published_accuracy(weights.target), int(measurement.records.correct.sum())
    count = len(measurement.records)
    if published is not None and wilson(right, count, 0.98).high < published - _FAR:
        yield (
            f"note: clean accuracy is {right / count:.2%}, and torchvision publishes {published:.2%} of "
            f"{weights.target}: check that the weights, the preprocessing and the order of the classes are its own"
        )


def _is_of_torchvision(source: object) -> TypeGuard[Source]:
    return isinstance(source, Source) and source.kind is SourceKind.TORCHVISION


def _of_predictions(session: Session) -> Iterator[str]:
    found, second = session.predictions, session.second
    data = found.data
    yield (
        f"predictions {session.typed('predictions')} (sha256 {found.sha256[:8]}): {data.samples:,} samples"
        f"{in_groups(data)}, {len(data.classes)} classes"
    )
    yield from (f"note: {note}" for note in dict.fromkeys((*found.notes, *(second.notes if second else ()))))


def _limit(measurement: Measurement) -> str:
    measured, known = len(measurement.records), measurement.provenance.data.samples
    return f"note: --failaware-limit measures {measured:,} of the {known:,} images, those with the smallest ids"


def _reference(session: Session, measurement: Measurement, gate: Gate) -> str:
    if session.second is not None:
        return f"against {session.second.name} (sha256 {session.second.sha256[:8]})"
    return f"baseline {baseline_name(measurement, gate)} in {session.config.baseline_dir}"

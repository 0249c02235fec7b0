"""What a run knows once it has opened things, in lines for the summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement, in_groups
from pytest_failaware.core.request import Precision
from pytest_failaware.judge.published import below_published
from pytest_failaware.measure.published import published_weights
from pytest_failaware.plugin.session import Session, baseline_name

_WIDE: Final = Decimal("0.1")


def facts(session: Session, measurement: Measurement, gate: Gate) -> tuple[str, ...]:
    """Model or predictions with their notes, data, rule and reference of an item that was judged."""
    config, dead = session.config, gate.rule.dead_part(len(measurement.provenance.data.classes))
    return (
        *(of_model(session, measurement, _notes(session)) if config.predictions is None else of_predictions(session)),
        *(() if config.limit is None else (_limit(measurement),)),
        f"rule {gate.rule}; {_reference(session, measurement, gate)}",
        *(() if dead is None else (f"note: {dead}",)),
        *_wide(gate),
    )


def _wide(gate: Gate) -> Iterator[str]:
    """A note on tolerances that look like points and are ten or more of them."""
    rates = [name for name in gate.metrics if gate.table[name].is_rate]
    for allowed in sorted({gate.allowed(name) for name in rates}):
        if allowed >= _WIDE:
            yield f"note: a tolerance of {allowed} is {float(100 * allowed):g} points; half a point is 0.005"


def _notes(session: Session) -> tuple[str, ...]:
    """What the benches of a run say of images, inputs and outputs, each sentence once."""
    return tuple(dict.fromkeys(note for bench in session.benches for note in bench.notes))


def of_model(session: Session, measurement: Measurement, notes: Iterable[str]) -> Iterator[str]:
    """The model, the data and the preprocessing, with what is to be known of them.

    Args:
        session: of the run.
        measurement: of the model on the data.
        notes: what the bench says of images, inputs and outputs.
    """
    config, provenance, second = session.config, measurement.provenance, session.second
    model, data = provenance.model, provenance.data
    known = f"{model.architecture} {model.sha256[:8]}".strip()
    precision = "" if config.precision is Precision.IEEE else f" in {config.precision.dtype}"
    yield f"model {session.typed('model')} ({known}) on {provenance.environment['device']}{precision}"
    yield from session.model_notes
    yield from (f"{second.name}: {note}" for note in second.notes) if second else ()
    yield from (f"note: {note}" for note in notes)
    yield (
        f"data {session.typed('dataset')}: {data.samples:,} images{in_groups(data)}, {len(data.classes)} classes; "
        f"preprocess {provenance.preprocessing}"
    )
    yield from (f"note: {note}" for note in below_published(measurement, published_weights(config, measurement)))


def of_predictions(session: Session) -> Iterator[str]:
    """The predictions and their samples."""
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
    named = "" if gate.baseline else " (named after the model; failaware_baseline gives another name)"
    return f"baseline {baseline_name(measurement, gate)}{named} in {session.config.baseline_dir}"

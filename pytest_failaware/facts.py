"""What a run knows once it has opened things, in lines for the summary."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_failaware.schema import Gate, Measurement
from pytest_failaware.session import Session, baseline_name


def facts(session: Session, measurement: Measurement, gate: Gate) -> tuple[str, ...]:
    """Model or predictions with their notes, data, rule and reference of an item that was judged."""
    config, dead = session.config, gate.rule.dead_part(len(measurement.provenance.data.classes))
    return (
        *(_of_model(session, measurement) if config.predictions is None else _of_predictions(session)),
        *(() if config.limit is None else (_limit(measurement),)),
        f"rule {gate.rule}; {_reference(session, measurement, gate)}",
        *(() if dead is None else (f"note: {dead}",)),
    )


def _of_model(session: Session, measurement: Measurement) -> Iterator[str]:
    provenance, second = measurement.provenance, session.second
    model, data = provenance.model, provenance.data
    known = f"{model.architecture} {model.sha256[:8]}".strip()
    yield f"model {session.typed('model')} ({known}) on {provenance.environment['device']}"
    yield from session.model_notes
    yield from (f"{second.name}: {note}" for note in second.notes) if second else ()
    yield from (f"note: {note}" for bench in session.benches for note in bench.notes)
    yield (
        f"data {session.typed('dataset')}: {data.samples:,} images, {len(data.classes)} classes; "
        f"preprocess {provenance.preprocessing}"
    )


def _of_predictions(session: Session) -> Iterator[str]:
    found, second = session.predictions, session.second
    yield (
        f"predictions {session.typed('predictions')} (sha256 {found.sha256[:8]}): {found.data.samples:,} samples, "
        f"{len(found.data.classes)} classes"
    )
    yield from (f"note: {note}" for note in dict.fromkeys((*found.notes, *(second.notes if second else ()))))


def _limit(measurement: Measurement) -> str:
    measured, known = len(measurement.records), measurement.provenance.data.samples
    return f"note: --failaware-limit measures {measured:,} of the {known:,} images, those with the smallest ids"


def _reference(session: Session, measurement: Measurement, gate: Gate) -> str:
    if session.second is not None:
        return f"against {session.second.name} (sha256 {session.second.sha256[:8]})"
    return f"baseline {baseline_name(measurement, gate)} in {session.config.baseline_dir}"

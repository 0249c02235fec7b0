"""List the facts of a judged item, in lines for the summary."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from pytest_failaware.baselines.sentences import too_few_seeds
from pytest_failaware.core.baseline import SCHEMA, Baseline
from pytest_failaware.core.fact import Fact, FactKind, note
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.judge.metrics.rates import DEFAULT_GATES
from pytest_failaware.judge.published import below_published
from pytest_failaware.judge.sentences.judgement import former_gates
from pytest_failaware.measure.subject import Subject
from pytest_failaware.plugin.session import Measured, Session, baseline_name

_WIDE: Final = Decimal("0.1")


def facts(session: Session, measured: Measured, gate: Gate, baseline: Baseline | None) -> tuple[Fact, ...]:
    """Return the facts of a judged item: model or predictions with their notes, data, rule and reference."""
    measurement, config = measured.measurement, session.config
    dead = gate.rule.dead_part(len(measurement.provenance.data.classes))
    return (
        *subject_lines(session, measured.subject, measurement),
        *(() if config.limit is None else (_limit(measurement),)),
        Fact(text=f"rule {gate.rule}{_of_both(session)}; {_reference(session, measurement, gate)}"),
        *(() if dead is None else (note(dead),)),
        *_wide(gate),
        *_former_gates(gate, baseline),
        *_few_seeds(baseline),
    )


def subject_lines(session: Session, subject: Subject, measurement: Measurement) -> Iterator[Fact]:
    """Yield the facts on what is under test and on its samples."""
    yield from subject.lines(measurement, session.typed, session.second)
    yield from map(note, below_published(measurement, subject.published(measurement)))


def _wide(gate: Gate) -> Iterator[Fact]:
    """Yield a note on each tolerance of ten points or more: such a number was probably meant in points."""
    rates = [name for name in gate.metrics if gate.table[name].is_rate]
    for allowed in sorted({gate.allowed(name) for name in rates}):
        if allowed >= _WIDE:
            yield note(f"a tolerance of {allowed} is {float(100 * allowed):g} points; half a point is 0.005")


def _former_gates(gate: Gate, baseline: Baseline | None) -> Iterator[Fact]:
    """Yield the news that the default gates are others than when the baseline was recorded."""
    if baseline is not None and baseline.schema < SCHEMA and gate.metrics == DEFAULT_GATES:
        yield Fact(text=former_gates(baseline.name), kind=FactKind.NEWS)


def _few_seeds(baseline: Baseline | None) -> Iterator[Fact]:
    """Yield a note on a recipe that has not enough seeds to judge by their spread."""
    if baseline is not None and (few := too_few_seeds(baseline.seed_count)):
        yield note(f"baseline {baseline.name}: {few}")


def _limit(measurement: Measurement) -> Fact:
    measured, known = len(measurement.records), measurement.provenance.data.samples
    return note(f"--failaware-limit measures {measured:,} of the {known:,} images, those with the smallest ids")


def _of_both(session: Session) -> str:
    """Return what to add to the rule if a second model is judged, which has no stored rule."""
    return "" if session.second is None else " on both sides"


def _reference(session: Session, measurement: Measurement, gate: Gate) -> str:
    if session.second is not None:
        return f"against {session.second.name} (sha256 {session.second.sha256[:8]})"
    named = "" if gate.baseline else " (named after the model; failaware_baseline gives another name)"
    return f"baseline {baseline_name(measurement, gate)}{named} in {session.config.baseline_dir}"

"""Sort what a look finds wrong with a set-up: findings fail the check, notes do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference

if TYPE_CHECKING:
    from pytest_failaware.judge.alarm import Alarm


class Doubts(NamedTuple):
    """The findings, which make every number doubtful, and the notes, which would not fail the gate either."""

    findings: tuple[str, ...]
    notes: tuple[str, ...]


def doubts_of(clean: Measurement, stored: Reference, inputs: tuple[str, ...], *, is_whole: bool) -> Doubts:
    """Return the findings and notes of a look at clean samples.

    Args:
        clean: the samples that were looked at.
        stored: the condition clean of the item's baseline.
        inputs: sentences on inputs that differ from those of the training.
        is_whole: whether all samples were looked at.
    """
    from pytest_failaware.judge.alarm import AlarmKind, find_alarm
    from pytest_failaware.judge.verdict import has_same_set_up

    is_accepted = has_same_set_up(stored.baseline, clean.provenance)
    findings, notes = ([], list(map(_stored, inputs))) if is_accepted else (list(inputs), [])
    alarm = find_alarm(clean.records, clean.provenance.data.classes)
    if alarm is None or (inputs and alarm.kind is not AlarmKind.ORDER):  # the inputs say why so few are right
        return Doubts(tuple(findings), tuple(notes))
    text = f"clean: {alarm.text}"
    if _is_known(alarm, clean, stored):
        notes.append(_stored(text))
    elif alarm.kind is AlarmKind.CHANCE and not is_whole:
        notes.append(f"{text} (more samples decide: the gate looks at all)")
    else:
        findings.append(text)
    return Doubts(tuple(findings), tuple(notes))


def _is_known(alarm: Alarm, clean: Measurement, stored: Reference) -> bool:
    from pytest_failaware.judge.alarm import is_known

    if stored.records is None or stored.stored is None:
        return False
    return is_known(alarm, clean.records, stored.records, clean.provenance.data.classes, has_same_inputs=False)


def _stored(sentence: str) -> str:
    return f"{sentence} (the stored values have it too)"

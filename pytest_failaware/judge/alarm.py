"""Alarms on clean samples that are almost surely measured with a wrong set-up: a wrong class order or wrong inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pytest_failaware.core.condition import CLEAN
from pytest_failaware.core.estimates import POOR
from pytest_failaware.core.measurement import Measurement, Provenance
from pytest_failaware.core.records import Records
from pytest_failaware.judge.permutation import find_renaming, is_renamed_alike
from pytest_failaware.judge.power import knows_nothing
from pytest_failaware.judge.sentences import doubt


class AlarmKind(Enum):
    """The kinds of faults in the set-up."""

    ORDER = "order"  # of the classes
    INPUTS = "inputs"
    CHANCE = "chance"  # the model knows nothing about the classes; the reason is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """The reason why clean samples are almost surely measured with a wrong set-up."""

    kind: AlarmKind
    text: str


def clean_alarm(measurement: Measurement, *, is_misfit: bool = False) -> str:
    """Return the alarm of a measurement as a sentence; "" if there is none or the condition is not clean.

    Args:
        measurement: the measurement to check.
        is_misfit: as in `find_alarm`.
    """
    if measurement.condition.key != CLEAN:
        return ""
    classes = measurement.provenance.data.classes
    text = alarm_of(measurement.records, classes, is_misfit=is_misfit)
    return f"{CLEAN}: {text}" if text else ""


def alarm_of(records: Records, classes: Sequence[str], *, is_misfit: bool = False) -> str:
    """Return the sentence of the alarm that `find_alarm` finds; "" if there is no alarm."""
    alarm = find_alarm(records, classes, is_misfit=is_misfit)
    return "" if alarm is None else alarm.text


def find_alarm(records: Records, classes: Sequence[str], *, is_misfit: bool = False) -> Alarm | None:
    """Return the alarm of clean records; None if nothing suggests a wrong set-up.

    Args:
        records: the records of the condition clean.
        classes: names of the data's classes in label order.
        is_misfit: whether the normalisation layers see other inputs than in training.
    """
    right = int(records.correct.sum())
    share = doubt.right_share(right, len(records))
    if renaming := find_renaming(records):
        text = doubt.wrong_order(share, renaming.after, renaming.moves, classes)
        return Alarm(kind=AlarmKind.ORDER, text=text)
    if is_misfit and right < POOR * len(records):
        return Alarm(kind=AlarmKind.INPUTS, text=doubt.wrong_inputs(share))
    if knows_nothing(records.label, records.prediction):
        return Alarm(kind=AlarmKind.CHANCE, text=doubt.at_chance(share))
    return None


def is_known(alarm: Alarm, records: Records, stored: Records, classes: Sequence[str], *, has_same_inputs: bool) -> bool:
    """Return whether the stored samples give the same alarm, which means that an update accepted it.

    Args:
        alarm: the alarm of the records.
        records: the records of the condition clean.
        stored: the records of clean in the baseline.
        classes: names of the data's classes in label order.
        has_same_inputs: whether the model and the preprocessing are those of the stored samples. If not, nobody knows
            whether the inputs were right when the baseline was stored.
    """
    is_misfit = alarm.kind is AlarmKind.INPUTS and has_same_inputs
    before = find_alarm(stored, classes, is_misfit=is_misfit)
    if before is None or before.kind is not alarm.kind:
        return False
    return alarm.kind is not AlarmKind.ORDER or is_renamed_alike(stored, records)


def subject_of(provenance: Provenance) -> str:
    """Return a hash of the model, the data and the preprocessing: an alarm belongs to these, not to a condition."""
    parts = (provenance.model.sha256, provenance.data.fingerprint, provenance.preprocessing)
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]

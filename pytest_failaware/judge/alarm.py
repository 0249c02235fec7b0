"""Clean samples that are almost surely measured with a wrong set-up: another order of the classes, wrong inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pytest_failaware.core.estimates import POOR
from pytest_failaware.core.measurement import Measurement, Provenance
from pytest_failaware.core.records import Records
from pytest_failaware.judge import sentences
from pytest_failaware.judge.permutation import find_renaming, is_renamed_alike
from pytest_failaware.judge.power import knows_nothing

CLEAN: Final = "clean"


class AlarmKind(Enum):
    """What is almost surely wrong."""

    ORDER = "order"  # of the classes
    INPUTS = "inputs"
    CHANCE = "chance"  # nothing is known of the classes, whatever the reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Why clean samples are almost surely measured with a wrong set-up."""

    kind: AlarmKind
    text: str


def clean_alarm(measurement: Measurement, *, is_misfit: bool = False) -> str:
    """Return the alarm of a measurement of clean as one sentence; "" if there is none, or of another condition.

    Args:
        measurement: with its classes.
        is_misfit: as in `find_alarm`.
    """
    if measurement.condition.key != CLEAN:
        return ""
    classes = measurement.provenance.data.classes
    text = alarm_of(measurement.records, classes, is_misfit=is_misfit)
    return f"{CLEAN}: {text}" if text else ""


def alarm_of(records: Records, classes: Sequence[str], *, is_misfit: bool = False) -> str:
    """Return the sentence of `find_alarm`, "" if there is no alarm."""
    alarm = find_alarm(records, classes, is_misfit=is_misfit)
    return "" if alarm is None else alarm.text


def find_alarm(records: Records, classes: Sequence[str], *, is_misfit: bool = False) -> Alarm | None:
    """Return why clean samples are almost surely measured with a wrong set-up, None if nothing says so.

    Args:
        records: of the condition clean.
        classes: names of the data's classes in label order.
        is_misfit: whether the normalisation layers see other inputs than in training.
    """
    right = int(records.correct.sum())
    share = sentences.right_share(right, len(records))
    if renaming := find_renaming(records):
        text = sentences.wrong_order(share, renaming.after, renaming.moves, classes)
        return Alarm(kind=AlarmKind.ORDER, text=text)
    if is_misfit and right < POOR * len(records):
        return Alarm(kind=AlarmKind.INPUTS, text=sentences.wrong_inputs(share))
    if knows_nothing(records.label, records.prediction):
        return Alarm(kind=AlarmKind.CHANCE, text=sentences.at_chance(share))
    return None


def is_known(alarm: Alarm, records: Records, stored: Records, classes: Sequence[str], *, has_same_inputs: bool) -> bool:
    """Whether the stored samples give the same alarm, so that it was accepted with them.

    Args:
        alarm: of the records.
        records: of the condition clean.
        stored: of the same condition, as they were accepted.
        classes: names of the data's classes in label order.
        has_same_inputs: whether the model and the preprocessing are those of the stored samples; if not, whether
            the inputs fitted then is not known.
    """
    is_misfit = alarm.kind is AlarmKind.INPUTS and has_same_inputs
    before = find_alarm(stored, classes, is_misfit=is_misfit)
    if before is None or before.kind is not alarm.kind:
        return False
    return alarm.kind is not AlarmKind.ORDER or is_renamed_alike(stored, records)


def subject_of(provenance: Provenance) -> str:
    """Return a hash over the model, the data and the preprocessing: an alarm is of them, not of one condition."""
    parts = (provenance.model.sha256, provenance.data.fingerprint, provenance.preprocessing)
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]

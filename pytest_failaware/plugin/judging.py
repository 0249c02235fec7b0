"""Judge one item: compare it with its reference, and apply the update if the run makes one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pytest_failaware.core.gate import Gate
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.request import UpdateMode
from pytest_failaware.core.result import ItemResult, SampleChange, Verdict
from pytest_failaware.core.text import from_here, shown
from pytest_failaware.judge.alarms import with_alarms
from pytest_failaware.plugin.references import References
from pytest_failaware.plugin.session import Measured, Session

if TYPE_CHECKING:
    from pytest_failaware.measure.subject import Subject


class Judging:
    """The judge of the items of a session, which compares each measurement with its reference."""

    def __init__(self, session: Session) -> None:
        self.session, self.config = session, session.config
        self._of_clean: list[ItemResult] = []  # the results of clean in this process so far
        self.references = References(session.config)

    def judge(self, measured: Measured, gate: Gate, nodeid: str) -> ItemResult:
        """Return the result of one item; in a run that updates baselines, with the verdict of the update."""
        from pytest_failaware.judge.acceptance import accepted, drifts
        from pytest_failaware.judge.groups import finds_less
        from pytest_failaware.judge.power import sights
        from pytest_failaware.judge.verdict import Terms, judge

        writing, measurement, reference = self.config.writing, measured.measurement, self.references.of(measured, gate)
        terms = Terms(
            nodeid=nodeid,
            is_misfit=measured.subject.is_misfit,
            dataset_change=self.config.dataset_change,
            drift_budget=self.config.drift_budget,
        )
        compared = reference.replaced if writing.update is UpdateMode.ALL else reference
        result = judge(measurement, compared, gate, terms)
        notes = (*result.notes, *self.references.on_rename(measured, gate))
        result = dataclasses.replace(result, notes=notes, ends_golden=self.references.ends_golden(measured, reference))
        result = self._with_alarm(result, gate, measured, reference)
        judged = accepted(result, writing)
        recorded = judged.verdict is Verdict.RECORDED
        is_kept = writing.asked or self.config.outputs.json is not None
        asked = measured.against is None and (is_kept or judged.verdict.fails)
        shared = dataclasses.replace(gate, has_golden=reference.has_golden(gate.conditions))
        seen = tuple(sights(shared, judged.stats.rates)) if recorded else ()
        judged = dataclasses.replace(
            judged,
            change=self._named(judged.change, measured),
            drifts=asked and drifts(result, gate, reference.replaced, measurement, self.config.drift_budget),
            is_against=measured.against is not None,
            has_other_groups=judged.has_other_groups or _alone_has_groups(measured),
            reuse=measured.reuse,
            sights=seen,
            notes=(*judged.notes, *(finds_less(measurement.provenance.data, measurement.samples) if seen else ())),
        )
        return self._with_suggestion(judged, gate) if judged.verdict is Verdict.MISSING else judged

    def _with_alarm(self, result: ItemResult, gate: Gate, measured: Measured, reference: Reference) -> ItemResult:
        """Return the result with the alarms of clean that this process knows."""
        if result.stats.condition == "clean":
            self._of_clean.append(result)
            return result
        if not self.session.measures_clean:
            return result if measured.against is not None else self._without_clean(result, measured, reference)
        gates_clean = any(condition.key == "clean" for condition in gate.conditions)
        return with_alarms([dataclasses.replace(result, awaits_clean=gates_clean), *self._of_clean])[0]

    def _without_clean(self, result: ItemResult, measured: Measured, reference: Reference) -> ItemResult:
        """Return the result of a run that does not measure clean, with the alarm from a few clean images."""
        from pytest_failaware.judge.verdict import has_same_set_up

        provenance, subject = measured.measurement.provenance, measured.subject
        is_storing = self.config.writing.update.stores_measured or result.verdict is Verdict.MISSING
        if has_same_set_up(reference.baseline, provenance) or not is_storing:
            return result
        if subject.alarm:
            return dataclasses.replace(result, alarm=subject.alarm)
        return dataclasses.replace(result, notes=(*result.notes, _unknown(subject)))

    def _named(self, change: SampleChange | None, measured: Measured) -> SampleChange | None:
        """Return the change with printable names for the samples of its worst flips."""
        if change is None or not (change.worst or change.suspects):
            return change
        names = measured.subject.names([flip.sample_id for flip in (*change.worst, *change.suspects)])
        worst, suspects = (
            tuple(dataclasses.replace(flip, name=shown(names.get(flip.sample_id, ""))) for flip in flips)
            for flips in (change.worst, change.suspects)
        )
        return dataclasses.replace(change, worst=worst, suspects=suspects)

    def _with_suggestion(self, result: ItemResult, gate: Gate) -> ItemResult:
        """Return the result with notes on the baselines that exist, and on how to compare with them."""
        from pytest_failaware.baselines.file import baseline_names

        names = baseline_names(self.config.baseline_dir)
        if result.baseline in names:
            return result
        folder = from_here(self.config.baseline_dir)
        if not names:
            notes = [f"there is no baseline in {folder} yet"]
        elif gate.baseline is None:
            notes = [
                f"the name {result.baseline!r} is that of the architecture, or of the function that makes the model",
                f"baselines in {folder}: {', '.join(names)}",
                f"to compare with {'it' if len(names) == 1 else 'one of them'}: --failaware-baseline={names[0]}",
            ]
        else:
            notes = [f"baselines in {folder}: {', '.join(names)}"]
        return dataclasses.replace(result, notes=(*result.notes, *notes))


def _unknown(subject: Subject) -> str:
    """Return a note on values that are stored without a measurement of clean."""
    note = "clean was not measured, so whether the set-up is right is not known"
    if subject.right_of_few is None:
        return note
    right, images = subject.right_of_few
    return f"{note}; {right:,} of {images:,} clean images looked at are right"


def _alone_has_groups(measured: Measured) -> bool:
    """Return whether the samples of the candidate have groups and those of the second model have none."""
    from pytest_failaware.judge.groups import same_groups

    if measured.against is None or measured.against.samples.groups is not None:
        return False
    samples = measured.measurement.samples
    return not same_groups(samples, samples.in_groups(None))

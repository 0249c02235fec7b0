"""The judging of one test item: its reference, its verdict, and what it attaches to its report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.attachment import JudgedItem
from pytest_failaware.core.baseline import Baseline
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.pictures import Pictures
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.request import UpdateMode, Writing
from pytest_failaware.core.result import ItemResult, SampleChange, Verdict
from pytest_failaware.core.text import from_here, shown
from pytest_failaware.judge.alarms import with_alarms
from pytest_failaware.plugin.facts import facts
from pytest_failaware.plugin.session import Measured, Session, baseline_name

if TYPE_CHECKING:
    from pytest_failaware.measure.subject import Subject

_ANYTHING: Final = Writing(update=UpdateMode.ALL, reset_golden=True, reason="any")
"""An update that stores whatever can be stored."""


class Judging:
    """Compares what a session measured with what is stored; a baseline is read once."""

    def __init__(self, session: Session) -> None:
        self.session, self.config = session, session.config
        self._of_clean: list[ItemResult] = []  # what this process knows so far
        self._read_baseline = cache(self._read)
        self._stored = lru_cache(maxsize=1)(self._read_reference)  # an item asks several times

    def judge(
        self,
        measured: Measured,
        gate: Gate,
        nodeid: str,
        *,
        location: tuple[str, int] = ("", 0),
    ) -> ItemResult:
        """The verdict on one item at a file and line; in an updating run, what the update makes of it."""
        from pytest_failaware.judge.acceptance import accepted, drifts
        from pytest_failaware.judge.groups import finds_less
        from pytest_failaware.judge.power import sights
        from pytest_failaware.judge.verdict import Terms, judge

        writing, measurement, reference = self.config.writing, measured.measurement, self._reference(measured, gate)
        terms = Terms(
            nodeid=nodeid,
            is_misfit=measured.subject.is_misfit,
            dataset_change=self.config.dataset_change,
            drift_budget=self.config.drift_budget,
        )
        golden = reference.first if writing.update is UpdateMode.ALL else reference.golden
        result = judge(measurement, dataclasses.replace(reference, golden=golden), gate, terms)
        notes = (*result.notes, *self._on_rename(measured, gate))
        result = dataclasses.replace(result, notes=notes, ends_golden=self._ends_golden(measured, reference))
        result = self._with_alarm(result, gate, measured, reference)
        judged = accepted(result, writing)
        recorded = judged.verdict is Verdict.RECORDED
        is_kept = writing.asked or self.config.outputs.json is not None
        asked = measured.against is None and (is_kept or judged.verdict.fails)
        seen = tuple(sights(gate, judged.stats.rates)) if recorded else ()
        judged = dataclasses.replace(
            judged,
            location=location,
            change=self._named(judged.change, measured),
            drifts=asked and drifts(result, gate, reference.first, measurement, self.config.drift_budget),
            is_against=measured.against is not None,
            has_other_groups=judged.has_other_groups or _alone_has_groups(measured),
            reuse=measured.reuse,
            sights=seen,
            notes=(*judged.notes, *(finds_less(measurement.provenance.data, measurement.samples) if seen else ())),
        )
        return self._with_suggestion(judged, gate) if judged.verdict is Verdict.MISSING else judged

    def _with_alarm(self, result: ItemResult, gate: Gate, measured: Measured, reference: Reference) -> ItemResult:
        """The result with what clean says of its subject, as far as this process knows it."""
        if result.stats.condition == "clean":
            self._of_clean.append(result)
            return result
        if not self.session.measures_clean:
            return result if measured.against is not None else self._without_clean(result, measured, reference)
        gates_clean = any(condition.key == "clean" for condition in gate.conditions)
        return with_alarms([dataclasses.replace(result, awaits_clean=gates_clean), *self._of_clean])[0]

    def _without_clean(self, result: ItemResult, measured: Measured, reference: Reference) -> ItemResult:
        """The result of a run that does not measure clean, of which the subject has looked at a few images."""
        from pytest_failaware.judge.verdict import has_same_set_up

        provenance, subject = measured.measurement.provenance, measured.subject
        is_storing = self.config.writing.update is UpdateMode.ALL or result.verdict is Verdict.MISSING
        if has_same_set_up(reference.baseline, provenance) or not is_storing:
            return result
        if subject.alarm:
            return dataclasses.replace(result, alarm=subject.alarm)
        return dataclasses.replace(result, notes=(*result.notes, _unknown(subject)))

    def _on_rename(self, measured: Measured, gate: Gate) -> Iterator[str]:
        """A sentence on lines of failaware_rename that are not needed any more, or that do not help."""
        from pytest_failaware.baselines.renaming import check_lines, is_renamed

        if not self.config.rename or measured.against is not None:
            return
        measurement, name = measured.measurement, baseline_name(measured.measurement, gate)
        baseline = self._read_baseline(name)
        if baseline is None:
            return
        if done := check_lines(self.config.rename, baseline, measurement):
            yield done
        elif not is_renamed(baseline, measurement):
            yield (
                "failaware_rename does not make the baseline comparable: beside the names, the order of the classes or "
                "the samples changed"
            )

    def _ends_golden(self, measured: Measured, reference: Reference) -> bool:
        """Whether the golden reference of the stored entry cannot stay beside what was measured."""
        from pytest_failaware.baselines.entries import ends_golden

        baseline, key = reference.baseline, measured.measurement.condition.key
        if measured.against is not None or baseline is None or key not in baseline.entries:
            return False
        return ends_golden(self.config.baseline_dir, baseline, measured.measurement)

    def _named(self, change: SampleChange | None, measured: Measured) -> SampleChange | None:
        """The worst flips with the names of their samples, as text that can go anywhere."""
        if change is None or not change.worst:
            return change
        names = measured.subject.names([flip.sample_id for flip in change.worst])
        named = (dataclasses.replace(flip, name=shown(names.get(flip.sample_id, ""))) for flip in change.worst)
        return dataclasses.replace(change, worst=tuple(named))

    def _reference(self, measured: Measured, gate: Gate) -> Reference:
        """What an item is compared with: the stored baseline, or the second model."""
        if measured.against is not None:
            return self._of_second_model(measured.against, measured.measurement, gate)
        from pytest_failaware.baselines.renaming import renamed

        measurement = measured.measurement
        stored = self._stored(baseline_name(measurement, gate), measurement.condition.key)
        return stored if measurement.former is None else renamed(stored, measurement)

    def reference(self, name: str, key: str) -> Reference:
        """What is stored of one condition in the baseline `name`.

        Raises:
            BaselineError: a file of it is damaged.
        """
        return self._stored(name, key)

    def _read_reference(self, name: str, key: str) -> Reference:
        """The baseline `name` with the records of one condition."""
        from pytest_failaware.baselines.reference import read_reference

        return read_reference(
            self.config.baseline_dir,
            name,
            key,
            baseline=self._read_baseline(name),
            with_golden=not self.config.writing.reset_golden,
        )

    def _of_second_model(self, measurement: Measurement, first: Measurement, gate: Gate) -> Reference:
        """What another model made of the same images, as if it were stored."""
        from pytest_failaware.baselines.entries import baseline_of

        name, records = self.config.origins["against"].text, measurement.records
        if records.samples.groups is None:  # the groups of one side count for both
            records = dataclasses.replace(records, samples=records.samples.in_groups(first.samples.groups))
        return Reference(
            name=name,
            key=measurement.condition.key,
            baseline=baseline_of(measurement, gate.rule, name),
            records=records,
        )

    def attachment(self, measured: Measured, gate: Gate, result: ItemResult) -> JudgedItem:
        """What an item sends; what it measured, and what is drawn, only if a file will hold it."""
        from pytest_failaware.judge.acceptance import accepted

        update, measurement = self.config.writing.update, measured.measurement
        write = update is UpdateMode.ALL or (update is UpdateMode.MISSING and result.verdict is Verdict.RECORDED)
        bent = self.config.limit or self.config.overrides or self.config.against  # never accepted afterwards
        keep = write or (not bent and self.config.outputs.json is not None)
        before, _, after = result.nodeid.rpartition(result.stats.condition)
        return JudgedItem(
            result=result,
            facts=facts(self.session, measured, gate),
            model=measurement.provenance.model.sha256,
            opened=tuple(self.session.opened),
            rule=gate.rule,
            test=before + after,
            alpha=gate.chosen_alpha if gate.policy.proves_a_drop else None,
            is_named=gate.baseline is not None,
            is_to_write=write,
            is_acceptable=not accepted(result, _ANYTHING).verdict.fails,
            measurement=self._stripped(measurement) if keep else None,
            pictures=self._pictures(measured, gate, result) if self._draws else None,
        )

    def _stripped(self, measurement: Measurement) -> Measurement:
        """What may be stored: predictions bring their logits, whether they are to be kept or not."""
        if self.config.store_logits:
            return measurement
        return dataclasses.replace(measurement, records=dataclasses.replace(measurement.records, logits=None))

    @property
    def _draws(self) -> bool:
        return self.config.outputs.has_html

    def _pictures(self, measured: Measured, gate: Gate, result: ItemResult) -> Pictures:
        """What the HTML report draws of an item; nothing of a reference that is not comparable."""
        from pytest_failaware.judge.curves import pictures_of

        measurement, reference = measured.measurement, self._reference(measured, gate)
        drawn = pictures_of(measurement, gate, None if result.stored else reference.records)
        flips = () if result.change is None else result.change.worst[: self.config.outputs.html_images]
        if not flips:
            return drawn
        seen = measured.subject.thumbnails(measurement.condition, gate.seed, [flip.sample_id for flip in flips])
        return dataclasses.replace(drawn, thumbnails=tuple(seen))

    def _read(self, name: str) -> Baseline | None:
        from pytest_failaware.baselines.file import read_baseline

        return read_baseline(self.config.baseline_dir, name)

    def _with_suggestion(self, result: ItemResult, gate: Gate) -> ItemResult:
        """A missing baseline with the names of those that exist, and how to compare with one of them."""
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
    """A sentence on values that are stored without clean."""
    note = "clean was not measured, so whether the set-up is right is not known"
    if subject.right_of_few is None:
        return note
    right, images = subject.right_of_few
    return f"{note}; {right:,} of {images:,} clean images looked at are right"


def _alone_has_groups(measured: Measured) -> bool:
    """Whether the samples belong together here, and the second model's file says nothing of groups."""
    from pytest_failaware.judge.groups import same_groups

    if measured.against is None or measured.against.samples.groups is not None:
        return False
    samples = measured.measurement.samples
    return not same_groups(samples, samples.in_groups(None))

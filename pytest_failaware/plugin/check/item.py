"""Look at one item of a run with `--failaware-check`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_failaware.core.look import Look
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.reference import Reference
from pytest_failaware.core.request import SubjectKind
from pytest_failaware.core.to_measure import ToMeasure
from pytest_failaware.measure.requirements import known_name
from pytest_failaware.plugin.check.doubts import doubts_of
from pytest_failaware.plugin.check.looker import Looker, Seen
from pytest_failaware.plugin.check.prospect import prospect_of
from pytest_failaware.plugin.facts import subject_lines
from pytest_failaware.plugin.judging import Judging
from pytest_failaware.plugin.session import GatedCondition, Measured
from pytest_failaware.plugin.user_code import contained

Parts = Callable[[], tuple[Any, Any]]
"""Returns the model and the data set of an item. Any: users' fixtures return any type."""


class Check:
    """The look at each item of a run."""

    def __init__(self, judging: Judging) -> None:
        self.judging, self.session = judging, judging.session
        self.looker = Looker(judging.session)

    def look(self, gated: GatedCondition, parts: Parts) -> tuple[Look, Measured]:
        """Look at the subject of an item; `parts` returns its model and data set, called only if a model runs."""
        if self.session.config.subject is SubjectKind.PREDICTIONS:
            return self._of_predictions(gated)
        return self._of_model(gated, *parts())

    def _of_model(self, gated: GatedCondition, module: Any, dataset: Any) -> tuple[Look, Measured]:  # Any: as `Parts`
        """Return the look at a model and its data set, and the model's answers to clean images."""
        key = gated.condition.key
        with contained(f"looking at {key}: the model, the data set or a hook"):
            seen = self.looker.seen(module, dataset, gated.gate.seed)
            seconds = seen.seconds(gated.condition, gated.gate.seed)
        look = self._look(gated, _under(seen, gated), seen.known, has_class_names=seen.bench.store.has_class_names)
        is_whole = len(seen.measurement.records) == seen.known
        doubts = doubts_of(seen.measurement, self._stored(look), seen.doubts, is_whole=is_whole)
        facts = tuple(subject_lines(self.session, seen.subject, _of_all(seen)))
        return (
            replace(
                look,
                facts=facts,
                findings=doubts.findings,
                notes=doubts.notes,
                under="clean",
                seconds=seconds,
                decoding=seen.known * seen.decoding,
            ),
            Measured(seen.subject, seen.measurement),
        )

    def _of_predictions(self, gated: GatedCondition) -> tuple[Look, Measured]:
        """Return the look at predictions made elsewhere; it covers all samples, because they cost no time."""
        measured = self.session.measure(
            self.session.predicted, ToMeasure(gated.condition, gated.gate.seed, [gated.gate.rule])
        )
        look = self._look(gated, measured.measurement, len(measured.measurement.records))
        facts = tuple(subject_lines(self.session, measured.subject, measured.measurement))
        if gated.condition.key != "clean":
            return replace(look, facts=facts), measured
        doubts = doubts_of(measured.measurement, self._stored(look), (), is_whole=True)
        return replace(look, facts=facts, findings=doubts.findings, notes=doubts.notes), measured

    def _stored(self, look: Look) -> Reference:
        """Return the stored condition clean in the baseline of an item."""
        return self.judging.references.stored(look.baseline, "clean")

    def _look(
        self, gated: GatedCondition, measurement: Measurement, known: int, *, has_class_names: bool = True
    ) -> Look:
        name = known_name(measurement.provenance.model.architecture, gated.gate)
        prospect = prospect_of(self.judging, name, measurement, known, has_class_names=has_class_names)
        records, key = measurement.records, gated.condition.key
        return Look(
            facts=(),
            condition=key,
            under=key,
            images=len(records),
            right=int(records.correct.sum()),
            known=known,
            baseline=name,
            has_baseline=prospect.has_baseline,
            has_entry=prospect.has_entry,
            differences=prospect.differences,
            unlooked=prospect.unlooked,
        )


def _of_all(seen: Seen) -> Measurement:
    """Return the clean answers with the sample count of the whole data set."""
    provenance = seen.measurement.provenance
    data = replace(provenance.data, samples=seen.known, groups=0, copies=0)
    return replace(seen.measurement, provenance=replace(provenance, data=data))


def _under(seen: Seen, gated: GatedCondition) -> Measurement:
    """Return the clean answers with the provenance of a measurement under the item's condition."""
    if gated.condition.is_precomputed:  # its identity is the content of all its images, and a look reads a few
        return replace(seen.measurement, condition=gated.condition, seed=None)
    return seen.bench.measurement(gated.condition, gated.gate.seed, seen.measurement.records)

"""The subject under test that consists of predictions made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.fact import Fact, note
from pytest_failaware.core.measurement import Measurement, ModelFacts, in_groups
from pytest_failaware.core.rule_columns import Rules, with_rules
from pytest_failaware.measure.predictions.predictions import Predictions
from pytest_failaware.measure.subject import OtherSide, Subject, Taken, Typed


class PredictedSubject(Subject):
    """Predictions made elsewhere, with the preprocessing that was used there."""

    def __init__(self, predictions: Predictions, preprocessing: str) -> None:
        self.predictions, self._preprocessing = predictions, preprocessing

    @property
    def facts(self) -> ModelFacts:
        """The identity of the file; the architecture is not known."""
        return ModelFacts(sha256=self.predictions.sha256, architecture="")

    @property
    def own_notes(self) -> tuple[str, ...]:
        """Lines on the file."""
        return self.predictions.notes

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences on the scale of the scores."""
        return self.predictions.doubts

    def measure(self, condition: Condition, seed: int, rules: Rules) -> Taken:
        """Return the predictions under a condition, with the columns of these rules."""
        measurement = self.predictions.measurement(condition, seed, self._preprocessing)
        return replace(measurement, records=with_rules(measurement.records, rules)), ()

    def names(self, sample_ids: Sequence[int]) -> dict[int, str]:
        """Return the texts of these samples."""
        return self.predictions.names(sample_ids)

    def lines(self, measurement: Measurement, typed: Typed, other: OtherSide | None) -> Iterator[Fact]:
        """Yield the predictions and their samples."""
        data = self.predictions.data
        yield Fact(
            text=f"predictions {typed('predictions')} (sha256 {self.facts.sha256[:8]}): {data.samples:,} samples"
            f"{in_groups(data)}, {len(data.classes)} classes"
        )
        notes = (*self.own_notes, *(() if other is None else other.own_notes))
        yield from map(note, dict.fromkeys(notes))

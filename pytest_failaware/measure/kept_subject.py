"""The subject of a run whose model and images an earlier run opened and measured, so nothing is opened again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.measurement import Measurement, ModelFacts
from pytest_failaware.core.pictures import Thumbnail
from pytest_failaware.core.request import RunConfig
from pytest_failaware.core.result import Reuse
from pytest_failaware.core.rule_columns import Rules, lacking_rules, of_rules
from pytest_failaware.measure.cache.opened import Opened
from pytest_failaware.measure.live_subject import model_lines
from pytest_failaware.measure.published import published_weights
from pytest_failaware.measure.subject import OtherSide, Subject, Taken, Typed


class KeptSubject(Subject):
    """A model on images, with one condition as an earlier run measured it; `open_live` opens model and images."""

    def __init__(
        self, config: RunConfig, opened: Opened, measurement: Measurement, *, open_live: Callable[[], Subject]
    ) -> None:
        self.config, self._opened, self._measurement = config, opened, measurement
        self._open_live = open_live

    @property
    def facts(self) -> ModelFacts:
        """The identity of the model."""
        return self._opened.provenance.model

    @property
    def own_notes(self) -> tuple[str, ...]:
        """The notes on the model."""
        return self._opened.model_notes

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on the images and on the inputs."""
        return self._opened.notes

    @property
    def right_of_few(self) -> tuple[int, int]:
        """The numbers of right images and of all images in the look at a few clean images."""
        return self._opened.right, self._opened.looked_at

    def measure(self, condition: Condition, seed: int, rules: Rules) -> Taken:
        """Return the measurement of the earlier run; if it lacks columns of these rules, open the model and measure."""
        if lacking_rules(self._measurement.records, rules):
            return self._open_live().measure(condition, seed, rules)
        records = of_rules(self._measurement.records, rules)
        return replace(self._measurement, records=records), (Reuse(measured=condition.key),)

    def names(self, sample_ids: Sequence[int]) -> dict[int, str]:
        """Return the names of these samples in the data set."""
        return self._opened.names_of(sample_ids)

    def thumbnails(self, condition: Condition, seed: int, sample_ids: Sequence[int]) -> Iterable[Thumbnail]:
        """Open the images, and return a small picture of each of these samples."""
        return self._open_live().thumbnails(condition, seed, sample_ids)

    def published(self, measurement: Measurement) -> tuple[str, float] | None:
        """Return the weights that the preprocessing names with their published accuracy."""
        return published_weights(self.config, measurement)

    def lines(self, measurement: Measurement, typed: Typed, other: OtherSide | None) -> Iterator[Fact]:
        """Yield the lines of the summary on the model, the data and the preprocessing, with their notes."""
        return model_lines(measurement, typed, self.own_notes, other, self.notes)

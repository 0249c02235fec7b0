"""The subject of a run that tests a model on images in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.fact import Fact, note
from pytest_failaware.core.measurement import Measurement, ModelFacts, in_groups
from pytest_failaware.core.pictures import Thumbnail
from pytest_failaware.core.request import Precision, RunConfig
from pytest_failaware.core.rule_columns import Rules
from pytest_failaware.core.to_measure import ToMeasure
from pytest_failaware.measure.cache.measurer import Measurer
from pytest_failaware.measure.published import published_weights
from pytest_failaware.measure.subject import OtherSide, Subject, Taken, Typed

if TYPE_CHECKING:
    from pytest_failaware.measure.live import Bench
    from pytest_failaware.measure.models.loading import LoadedModel


class LiveSubject(Subject):
    """A model that runs in this process; its images are decoded when the first condition is measured.

    `suffix` follows the condition in the name of a measurement in the summary.
    """

    def __init__(
        self,
        config: RunConfig,
        model: LoadedModel,
        open_bench: Callable[[], Bench],
        *,
        measurer: Measurer,
        suffix: str = "",
    ) -> None:
        self.config, self.model = config, model
        self._open_bench, self._measurer, self._suffix = open_bench, measurer, suffix

    @cached_property
    def bench(self) -> Bench:
        """The model with its images."""
        return self._open_bench()

    @property
    def facts(self) -> ModelFacts:
        """The identity of the model."""
        return self.model.facts

    @property
    def own_notes(self) -> tuple[str, ...]:
        """The notes on the model."""
        return self.model.notes

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on the images, on the inputs and on the measuring."""
        return self.bench.notes

    @property
    def doubts(self) -> tuple[str, ...]:
        """The doubts about the scale of the outputs."""
        return self.bench.runner.doubts

    @property
    def is_misfit(self) -> bool:
        """Whether the inputs differ from those of the training."""
        return self.bench.is_misfit

    @property
    def alarm(self) -> str:
        """The alarm if a few clean images show that the preprocessing is almost surely wrong, else ""."""
        inspection = self.bench.inspection
        return f"almost surely set up wrongly: {inspection.finding}" if inspection.is_alarm else ""

    @property
    def right_of_few(self) -> tuple[int, int]:
        """The numbers of right images and of all images in the look at a few clean images."""
        return self.bench.inspection.right, self.bench.inspection.images

    def measure(self, condition: Condition, seed: int, rules: Rules) -> Taken:
        """Measure a condition, or take its records from the cache; they have the columns of these rules."""
        called = f"{condition.key}{self._suffix}"
        measurement, reuse = self._measurer.measure(self.bench, ToMeasure(condition, seed, rules), called)
        return measurement, tuple(reuse)

    def names(self, sample_ids: Sequence[int]) -> dict[int, str]:
        """Return the names of these samples in the data set."""
        return self.bench.store.names(sample_ids)

    def thumbnails(self, condition: Condition, seed: int, sample_ids: Sequence[int]) -> Iterable[Thumbnail]:
        """Return a small picture of each of these samples, as the model saw it."""
        from pytest_failaware.measure.thumbnails import thumbnails

        return thumbnails(self.bench, condition, seed, sample_ids)

    def published(self, measurement: Measurement) -> tuple[str, float] | None:
        """Return the weights that the preprocessing names with their published accuracy."""
        return published_weights(self.config, measurement)

    def lines(self, measurement: Measurement, typed: Typed, other: OtherSide | None) -> Iterator[Fact]:
        """Yield the lines of the summary on the model, the data and the preprocessing, with their notes."""
        notes = (*self.notes, *(() if other is None else other.notes))
        return model_lines(measurement, typed, self.own_notes, other, notes)

    def close(self) -> None:
        """Remove the temporary files of memory-mapped images."""
        if "bench" in vars(self):
            self.bench.close()

    def beside(self, model: LoadedModel, suffix: str) -> LiveSubject:
        """Return the subject of another model on the same images."""
        return LiveSubject(self.config, model, lambda: self.bench.of(model), measurer=self._measurer, suffix=suffix)


def model_lines(
    measurement: Measurement, typed: Typed, own_notes: Iterable[str], other: OtherSide | None, notes: Iterable[str]
) -> Iterator[Fact]:
    """Yield the lines of the summary on a model and its images.

    `own_notes` are about the model; `notes` are about the images, the inputs and the measuring.
    """
    provenance = measurement.provenance
    model, data, dtype = provenance.model, provenance.data, provenance.environment["dtype"]
    known = f"{model.architecture} {model.sha256[:8]}".strip()
    precision = "" if dtype == Precision.IEEE.dtype else f" in {dtype}"
    yield Fact(text=f"model {typed('model')} ({known}) on {provenance.environment['device']}{precision}")
    yield from (Fact(text=text) for text in own_notes)
    if other is not None:
        yield from (Fact(text=f"{other.name}: {text}") for text in other.own_notes)
    yield from map(note, dict.fromkeys(notes))
    yield Fact(
        text=f"data {typed('dataset')}: {data.samples:,} images{in_groups(data)}, {len(data.classes)} classes; "
        f"preprocess {provenance.preprocessing}"
    )

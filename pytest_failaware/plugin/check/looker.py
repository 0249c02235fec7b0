"""Look at a few images: how many answers are right, what is wrong, and how long all images would take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.conditions.spelling import parse_condition
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.request import RunConfig
from pytest_failaware.measure.cache.measurer import Measurer
from pytest_failaware.measure.live_subject import LiveSubject

if TYPE_CHECKING:
    from pytest_failaware.measure.images.data import ImageSet
    from pytest_failaware.measure.live import Bench
    from pytest_failaware.plugin.session import Session

FEW: Final = 64
"""The number of images in a look, evenly spread over the data set: the first images of a folder have one class."""

MORE: Final = 320
"""The number of images in a second look, made if few answers are right, to see how the classes are mixed up."""

_WELL: Final = 0.6  # a larger share of right answers is not odd
_TIMED: Final = 32  # a degradation is timed on so many images at most

Clock = Callable[[], float]
"""Returns the time in seconds."""


class Seen(NamedTuple):
    """A few clean images of a data set, with the model's answers."""

    subject: FewImages
    measurement: Measurement  # of the condition clean
    known: int  # the number of images in the whole data set
    decoding: float  # seconds per image
    answering: float  # seconds per image
    doubts: tuple[str, ...]  # on the preprocessing

    @property
    def is_odd(self) -> bool:
        """Whether few answers are right although no doubt on the preprocessing explains it."""
        records = self.measurement.records
        return not self.doubts and bool(records.correct.sum() < _WELL * len(records))

    @property
    def bench(self) -> Bench:
        """The model with these images."""
        return self.subject.bench

    def seconds(self, condition: Condition, seed: int, clock: Clock = time.monotonic) -> float:
        """Return how many seconds the measurement of a condition on all images will take."""
        made = self.decoding if condition.is_precomputed else _making(self.bench, condition, seed, clock)
        return self.known * (made + self.answering)


class FewImages(LiveSubject):
    """A model on a few images of a data set of `known` images."""

    def __init__(self, config: RunConfig, bench: Bench, known: int, *, measurer: Measurer) -> None:
        super().__init__(config, bench.model, lambda: bench, measurer=measurer)
        self._known = known

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of a full run on images, classes and outputs, as far as these images show them."""
        bench = self.bench
        is_known = bench.store.has_class_names or len(bench.store.labels) == self._known
        of_classes = bench.class_notes if is_known else ()  # a few labels may lack the first class by chance
        return (*bench.store.notes, *of_classes, *bench.runner.notes)


class Looker:
    """The looks of a run, one for each pair of model and data set."""

    def __init__(self, session: Session, clock: Clock = time.monotonic) -> None:
        self._session, self._clock = session, clock
        self._seen: list[tuple[Seen, object]] = []  # each with its data set

    def seen(self, module: Any, dataset: Any, seed: int) -> Seen:  # Any: users' fixtures return any type
        """Return the look at a few images, or at more images if few answers are right."""
        known = next((seen for seen, data in self._seen if seen.bench.model.module is module and data is dataset), None)
        if known is None:
            few = self._look(module, dataset, FEW, seed)
            few = few._replace(doubts=few.bench.doubts)
            known = self._look(module, dataset, MORE, seed) if few.is_odd else few
            self._seen.append((known, dataset))
        return known

    def _look(self, module: Any, dataset: Any, count: int, seed: int) -> Seen:  # Any: as above
        """Measure `count` images of a data set, and return the look without doubts."""
        from pytest_failaware.measure.opening import adopt_images, open_bench

        session = self._session
        images, model = adopt_images(session.config, dataset), session.loaded(module)
        few = _spread(images, count)
        began = self._clock()
        bench = open_bench(session.config, model, few, session.vocabulary.kernels)
        decoding = (self._clock() - began) / len(few)
        marks: list[tuple[int, float]] = []
        measurement = bench.measure(
            parse_condition("clean", "failaware-check"),
            seed,
            progress=lambda done, total: marks.append((done, self._clock())),
        )
        answering = _rate(marks) or self._again(bench, measurement, seed)
        subject = FewImages(session.config, bench, len(images), measurer=session.measurer)
        return Seen(subject, measurement, len(images), decoding, answering, doubts=())

    def _again(self, bench: Bench, measurement: Measurement, seed: int) -> float:
        """Return seconds per image from a second run if all images fit into one batch.

        The first batch of a run also includes the choice of the fastest engine settings.
        """
        began = self._clock()
        bench.measure(measurement.condition, seed)
        return (self._clock() - began) / len(measurement.records)


def _spread(images: ImageSet, count: int) -> ImageSet:
    """Return `count` images of a data set, evenly spread."""
    from pytest_failaware.measure.images.subset import Subset

    last, steps = len(images) - 1, max(1, count - 1)
    return Subset(images, sorted({last * step // steps for step in range(count)}))


def _rate(marks: list[tuple[int, float]]) -> float | None:
    """Return seconds per image after the first batch, or None if there was only one batch."""
    if len(marks) < 2:
        return None
    (first, began), (last, ended) = marks[0], marks[-1]
    return (ended - began) / (last - first)


def _making(bench: Bench, condition: Condition, seed: int, clock: Clock) -> float:
    """Return the seconds that the degradation of one image takes, without the costs of its first run."""
    loader = bench.loader(condition, seed)
    rows = slice(0, min(_TIMED, bench.runner.batch_size, len(bench.store.labels)))
    times = list(_times(lambda: loader.images(rows), clock))
    return min(times) / (rows.stop - rows.start)


def _times(work: Callable[[], object], clock: Clock) -> Iterator[float]:
    for _ in range(2):
        began = clock()
        work()
        yield clock() - began

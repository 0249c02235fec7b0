"""What is under test: a model that runs here on images, or what one predicted elsewhere. It measures conditions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.measurement import Measurement, ModelFacts
from pytest_failaware.core.pictures import Thumbnail
from pytest_failaware.core.result import Reuse

Typed = Callable[[str], str]
"""The text that was typed for an option, as the summary shows it."""

Taken = tuple[Measurement, tuple[Reuse, ...]]
"""A measurement, and whether its records were in the cache: nothing on that without a cache."""


class Subject(ABC):
    """What is under test. It says what it is, and measures conditions."""

    @property
    @abstractmethod
    def facts(self) -> ModelFacts:
        """What identifies it; known before anything is measured."""

    @property
    @abstractmethod
    def own_notes(self) -> tuple[str, ...]:
        """Lines for the summary on the model, or on the file of predictions."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the summary on the images, on the inputs and on the measuring."""
        return ()

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences on the outputs that make every number doubtful, as far as they are known."""
        return ()

    @property
    def is_misfit(self) -> bool:
        """Whether the inputs are not what the model was trained on."""
        return False

    @property
    def alarm(self) -> str:
        """What a few clean images say if the set-up is almost surely wrong, else ""."""
        return ""

    @property
    def right_of_few(self) -> tuple[int, int] | None:
        """How many of a few clean images are right, and how many these are; None if no image is here."""
        return None

    @abstractmethod
    def measure(self, condition: Condition, seed: int) -> Taken:
        """Measure a condition, or take its records from the cache.

        Raises:
            FailAwareError: the subject does not have the condition, or cannot be used.
        """

    @abstractmethod
    def names(self, sample_ids: Sequence[int]) -> dict[int, str]:
        """Return how the data set, or the file of predictions, names these samples; a sample may have no name."""

    def thumbnails(self, condition: Condition, seed: int, sample_ids: Sequence[int]) -> Iterable[Thumbnail]:
        """Return a small picture of each of these samples, if there are images."""
        return ()

    def published(self, measurement: Measurement) -> tuple[str, float] | None:
        """Return the weights that the preprocessing names with their published accuracy, None if nothing is known."""
        return None

    @abstractmethod
    def lines(self, measurement: Measurement, typed: Typed, other: OtherSide | None) -> Iterator[Fact]:
        """Yield the lines of the summary: what it is, on which samples, and what is to be known of both.

        Args:
            measurement: of the subject.
            typed: the text of an option.
            other: what it is compared with, if that is no stored baseline.
        """


class OtherSide(ABC):
    """What the reference of a run with two sides says of itself in the lines of the first side."""

    name: str

    @property
    @abstractmethod
    def own_notes(self) -> tuple[str, ...]:
        """Lines for the summary on this side's model, or on its file of predictions."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """Lines for the summary on the images, on the inputs and on the measuring of this side."""

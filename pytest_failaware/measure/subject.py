"""The subject of a run: what it tests, a model that runs in this process or stored predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.fact import Fact
from pytest_failaware.core.measurement import Measurement, ModelFacts
from pytest_failaware.core.pictures import Thumbnail
from pytest_failaware.core.result import Reuse
from pytest_failaware.core.rule_columns import Rules

Typed = Callable[[str], str]
"""A function from the name of an option to its typed text, as the summary shows it."""

Taken = tuple[Measurement, tuple[Reuse, ...]]
"""A measurement, and the origin of its records; no origin without a cache."""


class Subject(ABC):
    """A model or stored predictions under test; it describes itself and measures conditions."""

    @property
    @abstractmethod
    def facts(self) -> ModelFacts:
        """The identity of the model, known before anything is measured."""

    @property
    @abstractmethod
    def own_notes(self) -> tuple[str, ...]:
        """The notes on the model, or on the file of predictions."""

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on the images, on the inputs and on the measuring."""
        return ()

    @property
    def doubts(self) -> tuple[str, ...]:
        """The known reasons to doubt every number, from the outputs of the model."""
        return ()

    @property
    def is_misfit(self) -> bool:
        """Whether the inputs differ from those of the training."""
        return False

    @property
    def alarm(self) -> str:
        """The alarm if a few clean images show that the set-up is almost surely wrong, else ""."""
        return ""

    @property
    def right_of_few(self) -> tuple[int, int] | None:
        """The numbers of right images and of all images in the look at a few clean images; None without images."""
        return None

    @abstractmethod
    def measure(self, condition: Condition, seed: int, rules: Rules) -> Taken:
        """Measure a condition, or take its records from the cache; they have the columns of these rules.

        Raises:
            FailAwareError: the subject does not have the condition, or cannot be used.
        """

    @abstractmethod
    def names(self, sample_ids: Sequence[int]) -> dict[int, str]:
        """Return the names of these samples in the data set or in the file of predictions; some may have no name."""

    def thumbnails(self, condition: Condition, seed: int, sample_ids: Sequence[int]) -> Iterable[Thumbnail]:
        """Return a small picture of each of these samples, if there are images."""
        return ()

    def published(self, measurement: Measurement) -> tuple[str, float] | None:
        """Return the weights that the preprocessing names with their published accuracy, None if nothing is known."""
        return None

    @abstractmethod
    def lines(self, measurement: Measurement, typed: Typed, other: OtherSide | None) -> Iterator[Fact]:
        """Yield the lines of the summary on the subject and its samples, with their notes.

        Args:
            measurement: a measurement of the subject.
            typed: returns the typed text of an option.
            other: the second side of the run, None if the reference is a stored baseline.
        """


class OtherSide(ABC):
    """The second side of a run, as far as the lines of the first side describe it."""

    name: str

    @property
    @abstractmethod
    def own_notes(self) -> tuple[str, ...]:
        """The notes on the model of this side, or on its file of predictions."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """The notes on the images, on the inputs and on the measuring of this side."""

"""The second side of --failaware-against: a second model on the same images, or its stored predictions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.request import RunConfig, Source, SourceKind, SubjectKind
from pytest_failaware.core.to_measure import ToMeasure
from pytest_failaware.measure.live_subject import LiveSubject
from pytest_failaware.measure.subject import OtherSide, Subject, Taken

if TYPE_CHECKING:
    from pytest_failaware.measure.models.loading import LoadedModel
    from pytest_failaware.measure.predictions.predictions import Predictions

_SUFFIXES: Final = (".npz", ".csv", ".parquet")
"""The suffixes by which the file of a second side is a file of predictions, if the first side is a model."""


def read_file(option: str, source: Source, config: RunConfig) -> Predictions:
    """Return the predictions in the file that an option names.

    Raises:
        ConfigError: the option does not name a file.
        DataError: the file cannot be used.
    """
    from pytest_failaware.measure.predictions.predictions import read_predictions

    if source.kind is not SourceKind.FILE:
        raise ConfigError(f"--failaware-{option}={source}: no file of predictions; give npz, csv or parquet")
    return read_predictions(Path(source.target), config.group, f"--failaware-{option}", config.rename)


class SecondSide(OtherSide):
    """The reference of a run with two sides, opened on first use; `name` is the text of the option."""

    def __init__(self, config: RunConfig, source: Source, *, load: Callable[[str, Source], LoadedModel]) -> None:
        self.name = config.origins["against"].text
        self._config, self._source, self._load = config, source, load
        self._subjects: list[tuple[Subject, Subject]] = []  # the first side, and this side on its samples

    @property
    def _is_predicted(self) -> bool:
        is_file = self._source.kind is SourceKind.FILE
        return self._config.subject is SubjectKind.PREDICTIONS or (
            is_file and Path(self._source.target).suffix in _SUFFIXES
        )

    @cached_property
    def _model(self) -> LoadedModel:
        return self._load("against", self._source)

    @cached_property
    def _predictions(self) -> Predictions:
        return read_file("against", self._source, self._config)

    @property
    def sha256(self) -> str:
        """The hash of the weights of this side, or of its file of predictions."""
        return self._predictions.sha256 if self._is_predicted else self._model.facts.sha256

    @property
    def own_notes(self) -> tuple[str, ...]:
        """The notes on the model of this side, or on its file of predictions."""
        return self._predictions.notes if self._is_predicted else self._model.notes

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on the images, on the inputs and on the measuring."""
        return tuple(note for _, mine in self._subjects for note in mine.notes)

    def open(self, condition: Condition) -> None:
        """Load the model, or check that the predictions have the condition.

        Raises:
            FailAwareError: the model or the predictions cannot be used.
        """
        if self._is_predicted:
            self._predictions.measurement(condition, 0)
        else:
            _ = self._model

    def measure(self, first: Subject, wanted: ToMeasure, preprocessing: str) -> Taken:
        """Measure this side on the samples of the first side.

        Args:
            first: the first side.
            wanted: the condition to measure, its seed, and the rules whose columns are needed.
            preprocessing: that of the first side; stored predictions are assumed to share it.
        """
        return self._beside(first, preprocessing).measure(*wanted)

    def _beside(self, first: Subject, preprocessing: str) -> Subject:
        """Return this side on the samples of the first side."""
        known = next((mine for other, mine in self._subjects if other is first), None)
        if known is None:
            known = self._new(first, preprocessing)
            self._subjects.append((first, known))
        return known

    def _new(self, first: Subject, preprocessing: str) -> Subject:
        if self._is_predicted or not isinstance(first, LiveSubject):
            from pytest_failaware.measure.predictions.subject import PredictedSubject

            return PredictedSubject(self._predictions, preprocessing)
        return first.beside(self._model, f" of {self.name}")

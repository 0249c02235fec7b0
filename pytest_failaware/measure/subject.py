"""The other side of --failaware-against: a second model on the same images, or what it predicted elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_failaware.core.condition import Condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.measurement import Measurement
from pytest_failaware.core.request import RunConfig, Source, SourceKind
from pytest_failaware.core.result import Reuse
from pytest_failaware.measure.cache.measurer import Measurer

if TYPE_CHECKING:
    from pytest_failaware.measure.live import Bench
    from pytest_failaware.measure.models.loading import LoadedModel
    from pytest_failaware.measure.predictions.predictions import Predictions

_SUFFIXES: Final = (".npz", ".csv", ".parquet")
"""What makes a second model's file one of predictions beside a model that is run here."""


def read_file(option: str, source: Source, config: RunConfig) -> Predictions:
    """The predictions in the file that an option names.

    Raises:
        ConfigError: it names no file.
        DataError: it cannot be used.
    """
    from pytest_failaware.measure.predictions.predictions import read_predictions

    if source.kind is not SourceKind.FILE:
        raise ConfigError(f"--failaware-{option}={source}: no file of predictions; give npz, csv or parquet")
    return read_predictions(Path(source.target), config.group, f"--failaware-{option}", config.rename)


class SecondModel:
    """Opened on first use; `name` is the text that was typed."""

    def __init__(
        self,
        config: RunConfig,
        source: Source,
        *,
        load: Callable[[str, Source], LoadedModel],
        measurer: Measurer,
    ) -> None:
        self.name = config.origins["against"].text
        self._config, self._source, self._load, self._measurer = config, source, load, measurer
        self._benches: dict[int, Bench] = {}

    @property
    def _is_predicted(self) -> bool:
        is_file = self._source.kind is SourceKind.FILE
        return self._config.predictions is not None or (is_file and Path(self._source.target).suffix in _SUFFIXES)

    @cached_property
    def _model(self) -> LoadedModel:
        return self._load("against", self._source)

    @cached_property
    def _predictions(self) -> Predictions:
        return read_file("against", self._source, self._config)

    @property
    def sha256(self) -> str:
        """Of its weights, or of its file of predictions."""
        return self._predictions.sha256 if self._is_predicted else self._model.facts.sha256

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the summary."""
        return self._predictions.notes if self._is_predicted else self._model.notes

    @property
    def benches(self) -> tuple[Bench, ...]:
        """Those that it was measured on."""
        return tuple(self._benches.values())

    def open(self, condition: Condition) -> None:
        """Load it, and see that predictions have the condition.

        Raises:
            FailAwareError: it cannot be used.
        """
        if self._is_predicted:
            self._predictions.measurement(condition, 0)
        else:
            _ = self._model

    def measure(
        self, bench: Bench | None, condition: Condition, seed: int, preprocessing: str
    ) -> tuple[Measurement, list[Reuse]]:
        """What it makes of the samples that the first side has, on that one's bench where there is one.

        Args:
            bench: of the first side; None where that was predicted elsewhere.
            condition: what was done to the samples.
            seed: of its randomness.
            preprocessing: of the first side, which predictions are taken to share.
        """
        if bench is None or self._is_predicted:
            return self._predictions.measurement(condition, seed, preprocessing), []
        return self._measurer.measure(self._bench(bench), condition, seed, f"{condition.key} of {self.name}")

    def _bench(self, bench: Bench) -> Bench:
        """The second model on the images of a bench, built once."""
        if id(bench) not in self._benches:
            self._benches[id(bench)] = bench.of(self._model)
        return self._benches[id(bench)]

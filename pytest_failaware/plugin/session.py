"""The state of one process's run: what was opened, each thing once, and measuring with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_failaware.config.vocabulary import Vocabulary
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import ELSEWHERE, Measurement
from pytest_failaware.core.request import ModelOutputs, RunConfig, Source
from pytest_failaware.core.result import Reuse
from pytest_failaware.measure.cache.measurer import Measurer
from pytest_failaware.measure.requirements import known_name
from pytest_failaware.measure.subject import SecondModel, read_file
from pytest_failaware.plugin.early import EarlyWord
from pytest_failaware.plugin.user_code import contained

if TYPE_CHECKING:
    import torch

    from pytest_failaware.judge.evaluation import Evaluation
    from pytest_failaware.measure.images.data import ImageSet
    from pytest_failaware.measure.live import Bench
    from pytest_failaware.measure.models.loading import LoadedModel
    from pytest_failaware.measure.predictions.predictions import Predictions


FROM_FIXTURES: Final = {"model": "model", "dataset": "images"}
"""The options that a user's own fixture can replace -> the attribute of the session that holds what they name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedCondition:
    """What one test item gates: a condition under a gate, which was built from these markers of its function."""

    condition: Condition
    gate: Gate
    markers: tuple[Any, ...] = ()  # Any: pytest's, which this module does not know


class Measured(NamedTuple):
    """One condition as the model and, where there is one, the second model see it."""

    measurement: Measurement
    against: Measurement | None
    reuse: tuple[Reuse, ...]
    bench: Bench | None = None  # None where it was predicted elsewhere, and there are no images


LoadModel = Callable[[str, Any], Any]
"""The hook pytest_failaware_load_model: spec, device -> a module or None. Any: torch stays out of here."""


class Session:
    """Opens each thing once, on first use; torch is imported only when a model or an image is needed.

    `worker` is the number of an xdist worker, None in a process of its own; it spreads workers over the GPUs.
    """

    def __init__(
        self,
        config: RunConfig,
        vocabulary: Vocabulary,
        *,
        load_model: LoadModel,
        measurer: Measurer,
        early: EarlyWord | None = None,
        worker: int | None = None,
    ) -> None:
        self.config = config
        self.early = early or EarlyWord()
        self.vocabulary = vocabulary
        self.worker = worker
        self.collected: list[Any] = []  # the marked items. Any: pytest's, which this module does not know
        self.measures_clean = True  # whether a marked item that runs has the condition clean
        self.torn: Mapping[str, str] = {}  # why a test cannot update the entry it shares with another, by test id
        self.measurer = measurer
        self._load_model = load_model
        self._models: dict[int, LoadedModel] = {}
        self._benches: dict[tuple[int, int], tuple[Bench, object]] = {}
        source = config.against
        self.second = None if source is None else SecondModel(config, source, load=self._load, measurer=measurer)

    @cached_property
    def device(self) -> torch.device:
        """The device the model runs on."""
        from pytest_failaware.measure.models.loading import choose_device

        return choose_device(self.config.device, worker=self.worker)

    @cached_property
    def model(self) -> LoadedModel:
        """The configured model."""
        if self.config.model is None:
            raise ConfigError("no model given; pass --failaware-model=FILE")
        return self._remember(self._load("model", self.config.model))

    @cached_property
    def predictions(self) -> Predictions:
        """The configured predictions."""
        if self.config.predictions is None:
            raise ConfigError("no predictions given; pass --failaware-predictions=FILE")
        found = read_file("predictions", self.config.predictions, self.config)
        if self.config.model_outputs is ModelOutputs.PROBABILITIES and found.kind == "logits":
            raise ConfigError(
                f"{found.place}: its scores are named logits, and failaware_outputs says probabilities; rename the "
                "columns to probability_NAME (or probabilities), or take failaware_outputs out of the ini"
            )
        return found

    @cached_property
    def images(self) -> ImageSet:
        """The configured data set."""
        from pytest_failaware.measure.opening import adopt_images, open_images

        with contained("the data set"):
            return adopt_images(self.config, open_images(self.config))

    def _load(self, option: str, source: Source) -> LoadedModel:
        """What the hook makes of an option's text, else what it names."""
        from pytest_failaware.measure.models.loading import adopt_model, load_model

        text = self.config.origins[option].text
        with contained(f"{text}: loading it"):
            own = self._load_model(text, self.device)
            if own is None:
                return load_model(source, self.config.arch, self.device, self.config.loading)
            return adopt_model(own, self.device, code="the hook pytest_failaware_load_model")

    def measure(self, bench: Bench | None, condition: Condition, seed: int) -> Measured:
        """What the model, and a second one where there is one, make of the images under a condition.

        Without a bench it is what was predicted elsewhere.
        """
        with contained(f"measuring {condition.key}: the model, the data set or a hook"):
            return self._measure(bench, condition, seed)

    def _measure(self, bench: Bench | None, condition: Condition, seed: int) -> Measured:
        if bench is None:
            preprocessing = ELSEWHERE if self.config.preprocess is None else str(self.config.preprocess)
            measurement, reuse = self.predictions.measurement(condition, seed, preprocessing), list[Reuse]()
        else:
            measurement, reuse = self.measurer.measure(bench, condition, seed, condition.key)
        self._say_early(measurement, bench)
        if self.second is None:
            return Measured(measurement, None, tuple(reuse), bench)
        against, also = self.second.measure(bench, condition, seed, measurement.provenance.preprocessing)
        return Measured(measurement, against, (*reuse, *also), bench)

    def _say_early(self, measurement: Measurement, bench: Bench | None) -> None:
        """Say at once what makes the numbers doubtful: the scale of the outputs, or an alarm of clean."""
        from pytest_failaware.judge.alarm import clean_alarm

        doubts = self.predictions.doubts if bench is None else bench.runner.doubts
        alarm = clean_alarm(measurement, is_misfit=bench is not None and bench.is_misfit)
        for sentence in filter(None, (*doubts, alarm)):
            self.early.say(sentence)

    def open_second(self, second: SecondModel, condition: Condition, candidate: str) -> None:
        """Open the reference before the candidate is measured, for nothing is worth measuring without it.

        Args:
            second: the reference.
            condition: what will be measured.
            candidate: the hash of the first model, or of its file of predictions.
        """
        with contained("the second model"):
            second.open(condition)
        if self.config.strict and second.sha256 == candidate:
            raise ConfigError(
                f"{second.name}: the reference is the candidate itself (sha256 {candidate[:8]}), so "
                "nothing could fail a strict run; name another model in failaware_against"
            )

    def names(self, measured: Measured, sample_ids: Sequence[int]) -> dict[int, str]:
        """How the data set, or the file of predictions, names these samples; without those that have no name."""
        named = self.predictions if measured.bench is None else measured.bench.store
        return named.names(sample_ids)

    def bench(self, module: Any, dataset: Any) -> Bench:  # Any: whatever the user's fixtures return
        """The bench of a model and a data set, built once for each pair."""
        key = (id(module), id(dataset))
        if key not in self._benches:
            # The data set is kept beside its bench: an id is only unique among living objects.
            with contained("the model or the data set"):
                self._benches[key] = (self._open_bench(module, dataset), dataset)
        return self._benches[key][0]

    def loaded(self, module: Any) -> LoadedModel:  # Any: whatever the fixture failaware_model returns
        """A model of a fixture, with what is known of it."""
        from pytest_failaware.measure.models.loading import adopt_model

        known = self._models.get(id(module))
        if known is not None:
            return known
        with contained("the model"):
            return self._remember(adopt_model(module, self.device, code="the fixture failaware_model"))

    def _open_bench(self, module: Any, dataset: Any) -> Bench:  # Any: as `bench` takes them
        from pytest_failaware.measure.opening import open_bench

        loaded = self.loaded(module)
        with self.measurer.follow("decoding") as tell:
            bench = open_bench(self.config, loaded, dataset, self.vocabulary.kernels, tell)
        for doubt in bench.doubts:
            self.early.say(doubt)
        return bench

    def evaluation(self, measured: Measured, gate: Gate) -> Evaluation:
        """The measurement as the `reliability` fixture hands it to a test."""
        from pytest_failaware.judge.evaluation import Evaluation

        names = partial(self.names, measured)
        return Evaluation(measurement=measured.measurement, rule=gate.rule, table=gate.table, names=names)

    @property
    def benches(self) -> tuple[Bench, ...]:
        """Those that were built, of either model."""
        return (*(bench for bench, _ in self._benches.values()), *(self.second.benches if self.second else ()))

    @property
    def model_notes(self) -> tuple[str, ...]:
        """Lines for the summary on the models that were loaded."""
        return tuple(note for loaded in self._models.values() for note in loaded.notes)

    def typed(self, option: str) -> str:
        """The text of an option; of a model or a data set that a user's own fixture replaced, the fixture's name."""
        is_replaced = option in FROM_FIXTURES and option not in self.opened
        return f"of the fixture failaware_{option}" if is_replaced else self.config.origins[option].text

    @property
    def opened(self) -> tuple[str, ...]:
        """Which of the configured model and data set this process has opened so far."""
        return tuple(option for option, name in FROM_FIXTURES.items() if name in vars(self))

    def close(self) -> None:
        """Remove the temporary files of memory-mapped images."""
        for bench, _ in self._benches.values():
            bench.close()

    def _remember(self, loaded: LoadedModel) -> LoadedModel:
        self._models[id(loaded.module)] = loaded
        return loaded


def baseline_name(measurement: Measurement, gate: Gate) -> str:
    """The name of the baseline that a measurement is compared with."""
    return known_name(measurement.provenance.model.architecture, gate)

"""The session of one process: it opens model, images and predictions once each, and measures with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_failaware.config.vocabulary import Vocabulary
from pytest_failaware.core.condition import Condition
from pytest_failaware.core.errors import ConfigError
from pytest_failaware.core.gate import Gate
from pytest_failaware.core.measurement import ELSEWHERE, Measurement
from pytest_failaware.core.request import ModelOutputs, RunConfig, Source, SubjectKind
from pytest_failaware.core.result import Reuse
from pytest_failaware.core.to_measure import ToMeasure
from pytest_failaware.measure.cache.measurer import Measurer
from pytest_failaware.measure.live_subject import LiveSubject
from pytest_failaware.measure.requirements import check_torch, known_name
from pytest_failaware.measure.second_side import SecondSide, read_file
from pytest_failaware.measure.subject import Subject
from pytest_failaware.plugin.early import EarlyWord
from pytest_failaware.plugin.entry_rules import EntryRules
from pytest_failaware.plugin.user_code import contained

if TYPE_CHECKING:
    import torch

    from pytest_failaware.judge.evaluation import Evaluation
    from pytest_failaware.measure.images.data import ImageSet
    from pytest_failaware.measure.live import Bench
    from pytest_failaware.measure.models.loading import LoadedModel
    from pytest_failaware.measure.predictions.predictions import Predictions


FROM_FIXTURES: Final = {"model": "model", "dataset": "images"}
"""The options that a user's fixture can replace -> the attribute of the session with the opened model or images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedCondition:
    """A condition that one item gates, with the gate and the markers from which the gate was built."""

    condition: Condition
    gate: Gate
    markers: tuple[Any, ...] = ()  # Any: pytest's, which this module does not know


class Measured(NamedTuple):
    """The measurement of one condition and, if the run has a second model, that of the second model."""

    subject: Subject
    measurement: Measurement
    against: Measurement | None = None
    reuse: tuple[Reuse, ...] = ()


LoadModel = Callable[[str, Any], Any]
"""The hook pytest_failaware_load_model: spec, device -> a module or None. Any: torch stays out of here."""


class Session:
    """The opened model, images and predictions of this process, each opened on first use.

    torch is imported only when a model or an image is needed. `loads_models` says whether a hook of the user may load
    the model. `worker` is the number of an xdist worker, None without xdist; it spreads workers over the GPUs.
    """

    def __init__(
        self,
        config: RunConfig,
        vocabulary: Vocabulary,
        *,
        load_model: LoadModel,
        loads_models: Callable[[], bool] = lambda: False,
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
        self.entry_rules = EntryRules()
        self.torn: Mapping[str, str] = {}  # why a test cannot update the entry it shares with another, by test id
        self.measurer = measurer
        self._load_model, self._loads_models = load_model, loads_models
        self._is_kept = False  # whether an item had what an earlier run opened
        self._models: list[LoadedModel] = []
        self._lives: list[tuple[LiveSubject, object]] = []  # each with its data set
        source = config.against
        self.second = None if source is None else SecondSide(config, source, load=self._load)

    @cached_property
    def device(self) -> torch.device:
        """The device on which the model runs."""
        check_torch()
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
        predictions = read_file("predictions", self.config.predictions, self.config)
        if self.config.model_outputs is ModelOutputs.PROBABILITIES and predictions.kind == "logits":
            raise ConfigError(
                f"{predictions.place}: its scores are named logits, and failaware_outputs says probabilities; rename "
                "the columns to probability_NAME (or probabilities), or take failaware_outputs out of the ini"
            )
        return predictions

    @cached_property
    def images(self) -> ImageSet:
        """The configured data set."""
        check_torch()
        from pytest_failaware.measure.opening import adopt_images, open_images

        with contained("the data set"):
            return adopt_images(self.config, open_images(self.config))

    def _load(self, option: str, source: Source) -> LoadedModel:
        """Return the model that the hook makes of an option's text, or else load the file that the text names."""
        from pytest_failaware.measure.models.loading import adopt_model, load_model

        text = self.config.origins[option].text
        with contained(f"{text}: loading it"):
            module = self._load_model(text, self.device)
            if module is None:
                return load_model(source, self.config.arch, self.device, self.config.loading)
            return adopt_model(module, self.device, code="the hook pytest_failaware_load_model")

    @cached_property
    def predicted(self) -> Subject:
        """The configured predictions as the subject under test."""
        from pytest_failaware.measure.predictions.subject import PredictedSubject

        preprocessing = ELSEWHERE if self.config.preprocess is None else str(self.config.preprocess)
        return PredictedSubject(self.predictions, preprocessing)

    def subject(
        self, gated: GatedCondition, parts: Callable[[], tuple[Any, Any]], *, from_options: bool
    ) -> Subject:  # Any: users' fixtures return any type
        """Return the subject that an item tests.

        Args:
            gated: the condition, and the seed of its randomness.
            parts: returns the model and the data set; called only if a model runs here.
            from_options: whether model and data set are those that the options name.
        """
        if self.config.subject is SubjectKind.PREDICTIONS:
            return self.predicted
        kept = self._kept(gated) if from_options else None
        return self.live(*parts()) if kept is None else kept

    def _kept(self, gated: GatedCondition) -> Subject | None:
        """Return the subject that an earlier run measured from the same files, or None if there is no such subject."""
        if self._loads_models() or gated.condition.name in self.vocabulary.kernels:
            return None
        kept = self.measurer.kept(self.config, gated.condition, gated.gate.seed)
        if kept is None:
            return None
        from pytest_failaware.measure.kept_subject import KeptSubject

        self._is_kept = True
        return KeptSubject(self.config, *kept, open_live=self._configured)

    def _configured(self) -> LiveSubject:
        """Return the subject with the model and the images that the options name."""
        images = self.images
        return self.live(self.model.module, images)

    def measure(self, subject: Subject, wanted: ToMeasure) -> Measured:
        """Measure the subject, and the second model if there is one, under a condition."""
        with contained(f"measuring {wanted.condition.key}: the model, the data set or a hook"):
            return self._measure(subject, wanted)

    def _measure(self, subject: Subject, wanted: ToMeasure) -> Measured:
        measurement, reuse = subject.measure(*wanted)
        if isinstance(subject, LiveSubject) and self._is_configured(subject):
            self.measurer.remember(subject.bench, wanted.condition, wanted.seed)
        self._say_early(measurement, subject)
        if self.second is None:
            return Measured(subject, measurement, None, reuse)
        against, also = self.second.measure(subject, wanted, measurement.provenance.preprocessing)
        return Measured(subject, measurement, against, (*reuse, *also))

    def _say_early(self, measurement: Measurement, subject: Subject) -> None:
        """Report at once what makes the numbers doubtful: the scale of the outputs, or an alarm of clean."""
        from pytest_failaware.judge.alarm import clean_alarm

        alarm = clean_alarm(measurement, is_misfit=subject.is_misfit)
        for sentence in filter(None, (*subject.doubts, alarm)):
            self.early.say(sentence)

    def open_second(self, second: SecondSide, condition: Condition, candidate: str) -> None:
        """Open the second model before the candidate is measured, because no measurement is useful without it.

        Args:
            second: the second model.
            condition: the condition that will be measured.
            candidate: the hash of the candidate, or of its file of predictions.
        """
        with contained("the second model"):
            second.open(condition)
        if self.config.strict and second.sha256 == candidate:
            raise ConfigError(
                f"{second.name}: the reference is the candidate itself (sha256 {candidate[:8]}), so "
                "nothing could fail a strict run; name another model in failaware_against"
            )

    def live(self, module: Any, dataset: Any) -> LiveSubject:  # Any: users' fixtures return any type
        """Return the subject of a model on a data set; each pair has one subject."""
        known = next((live for live, data in self._lives if live.model.module is module and data is dataset), None)
        if known is None:
            model = self.loaded(module)
            known = LiveSubject(self.config, model, lambda: self._opened_bench(model, dataset), measurer=self.measurer)
            self._lives.append((known, dataset))
        return known

    def loaded(self, module: Any) -> LoadedModel:  # Any: the fixture failaware_model returns any type
        """Return the loaded model of a module that a fixture gave."""
        from pytest_failaware.measure.models.loading import adopt_model

        known = next((model for model in self._models if model.module is module), None)
        if known is not None:
            return known
        with contained("the model"):
            return self._remember(adopt_model(module, self.device, code="the fixture failaware_model"))

    def _opened_bench(self, model: LoadedModel, dataset: Any) -> Bench:  # Any: as `live` takes it
        with contained("the model or the data set"):
            return self._open_bench(model, dataset)

    def _open_bench(self, model: LoadedModel, dataset: Any) -> Bench:  # Any: as `live` takes it
        from pytest_failaware.measure.opening import open_bench

        with self.measurer.follow("decoding") as progress:
            bench = open_bench(self.config, model, dataset, self.vocabulary.kernels, progress)
        for doubt in bench.doubts:
            self.early.say(doubt)
        return bench

    def evaluation(self, measured: Measured, gate: Gate) -> Evaluation:
        """Return the evaluation that the `reliability` fixture gives to a test."""
        from pytest_failaware.judge.evaluation import Evaluation

        return Evaluation(
            measurement=measured.measurement, rule=gate.rule, table=gate.table, names=measured.subject.names
        )

    def typed(self, option: str) -> str:
        """Return the text of an option, or the name of the user's fixture that replaced its model or data set."""
        is_replaced = option in FROM_FIXTURES and option not in self.opened
        return f"of the fixture failaware_{option}" if is_replaced else self.config.origins[option].text

    @property
    def opened(self) -> tuple[str, ...]:
        """The options of model and data set that this process has opened so far."""
        return tuple(option for option, name in FROM_FIXTURES.items() if self._is_kept or name in vars(self))

    def _is_configured(self, subject: LiveSubject) -> bool:
        """Return whether the model and the images of a subject are those that the options name."""
        has_both = all(name in vars(self) for name in FROM_FIXTURES.values())
        return has_both and subject is self.live(self.model.module, self.images)

    def close(self) -> None:
        """Remove the temporary files of memory-mapped images."""
        for live, _ in self._lives:
            live.close()

    def _remember(self, loaded: LoadedModel) -> LoadedModel:
        self._models.append(loaded)
        return loaded


def baseline_name(measurement: Measurement, gate: Gate) -> str:
    """Return the name of the baseline with which a measurement is compared."""
    return known_name(measurement.provenance.model.architecture, gate)

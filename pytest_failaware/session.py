"""The state of one process's run: the opened model and images, the baselines read, and the judging of an item."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_failaware.errors import ConfigError
from pytest_failaware.report.document import measurement_to_plain, result_to_plain
from pytest_failaware.report.drawn import pictures_to_plain
from pytest_failaware.reuse import Measurer
from pytest_failaware.schema import (
    ELSEWHERE,
    Baseline,
    Condition,
    Gate,
    ItemResult,
    Measurement,
    Pictures,
    Records,
    Reuse,
    RunConfig,
    Source,
    SourceKind,
    UpdateMode,
    Verdict,
)
from pytest_failaware.vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

    from pytest_failaware.measure.bench import Bench
    from pytest_failaware.measure.data import ImageSet
    from pytest_failaware.measure.models import LoadedModel
    from pytest_failaware.predictions import Predictions
    from pytest_failaware.run import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedCondition:
    """What one test item gates: a condition under a gate."""

    condition: Condition
    gate: Gate


class Measured(NamedTuple):
    """One condition as the model and, where there is one, the second model see it."""

    measurement: Measurement
    against: Measurement | None
    reuse: tuple[Reuse, ...]
    bench: Bench | None = None  # None where it was predicted elsewhere, and there are no images


class _Reference(NamedTuple):
    """What an item is compared with; the golden records only where they are not the stored ones themselves."""

    name: str
    baseline: Baseline | None
    records: Records | None = None
    golden: Records | None = None

    @property
    def first(self) -> Records | None:
        """The records that drift is measured from once the stored ones are replaced."""
        return self.records if self.golden is None else self.golden


_SUFFIXES_OF_PREDICTIONS: Final = (".npz", ".csv", ".parquet")
"""What makes a second model's file one of predictions beside a model that is run here."""

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
        worker: int | None = None,
    ) -> None:
        self.config = config
        self.vocabulary = vocabulary
        self.worker = worker
        self.deselected: list[str] = []  # marked items that the run leaves out
        self.collected: list[Any] = []  # the marked items. Any: pytest's, which this module does not know
        self.measurer = measurer
        self._load_model = load_model
        self._models: dict[int, LoadedModel] = {}
        self._benches: dict[tuple[int, int], tuple[Bench, object]] = {}
        self._second_benches: dict[int, Bench] = {}
        self.read_baseline = cache(self._read_baseline)

    @cached_property
    def device(self) -> torch.device:
        """The device the model runs on."""
        from pytest_failaware.measure.models import choose_device

        return choose_device(self.config.device, worker=self.worker)

    @cached_property
    def model(self) -> LoadedModel:
        """The configured model."""
        return self._remember(self._load("model", self.config.model))

    @cached_property
    def predictions(self) -> Predictions:
        """The configured predictions."""
        return self._read_predictions("predictions", self.config.predictions)

    @cached_property
    def predictions_against(self) -> Predictions:
        """The predictions of a second model, which this run compares with."""
        return self._read_predictions("against", self.config.against)

    def _read_predictions(self, option: str, source: Source | None) -> Predictions:
        from pytest_failaware.predictions import read_predictions

        if source is None or source.kind is not SourceKind.FILE:
            raise ConfigError(f"--failaware-{option}={source}: no file of predictions; give npz, csv or parquet")
        return read_predictions(Path(source.target), self.config.group, f"--failaware-{option}")

    def predicted(self, condition: Condition, seed: int) -> Measured:
        """What was predicted elsewhere under a condition, and what a second model predicted where there is one."""
        preprocessing = ELSEWHERE if self.config.preprocess is None else str(self.config.preprocess)
        measurement = self.predictions.measurement(condition, seed, preprocessing)
        if self.config.against is None:
            return Measured(measurement, None, ())
        return Measured(measurement, self.predictions_against.measurement(condition, seed, preprocessing), ())

    @cached_property
    def images(self) -> ImageSet:
        """The configured data set."""
        from pytest_failaware.run import open_images

        return open_images(self.config)

    @cached_property
    def against(self) -> LoadedModel:
        """The second model, which this run compares with."""
        return self._load("against", self.config.against)

    def _load(self, option: str, source: Source | None) -> LoadedModel:
        """What the hook makes of an option's text, else what it names."""
        from pytest_failaware.measure.models import adopt_model, load_model

        if source is None:
            raise ConfigError(f"no model given; pass --failaware-{option}=FILE")
        own = self._load_model(self._typed(option), self.device)
        if own is None:
            return load_model(source, self.config.arch, self.device, self.config.loading)
        return adopt_model(own, self.device, code="the hook pytest_failaware_load_model")

    def measure(self, bench: Bench, condition: Condition, seed: int) -> Measured:
        """What the model, and a second one where there is one, make of the images under a condition."""
        measurement, reuse = self.measurer.measure(bench, condition, seed, condition.key)
        if self.config.against is None:
            return Measured(measurement, None, tuple(reuse), bench)
        if self._is_against_predictions:
            against = self.predictions_against.measurement(condition, seed, measurement.provenance.preprocessing)
            return Measured(measurement, against, tuple(reuse), bench)
        called = f"{condition.key} of {self._typed('against')}"
        against, reuse_against = self.measurer.measure(self._bench_against(bench), condition, seed, called)
        return Measured(measurement, against, (*reuse, *reuse_against), bench)

    @property
    def _is_against_predictions(self) -> bool:
        source = self.config.against
        return (
            source is not None
            and source.kind is SourceKind.FILE
            and Path(source.target).suffix in _SUFFIXES_OF_PREDICTIONS
        )

    def _bench_against(self, bench: Bench) -> Bench:
        """The second model on the images of a bench, built once."""
        if id(bench) not in self._second_benches:
            self._second_benches[id(bench)] = bench.of(self.against)
        return self._second_benches[id(bench)]

    def bench(self, module: Any, dataset: Any) -> Bench:  # Any: whatever the user's fixtures return
        """The bench of a model and a data set, built once for each pair."""
        from pytest_failaware.measure.models import adopt_model
        from pytest_failaware.run import open_bench

        key = (id(module), id(dataset))
        if key not in self._benches:
            loaded = self._models.get(id(module))
            if loaded is None:
                loaded = self._remember(adopt_model(module, self.device, code="the fixture failaware_model"))
            # The data set is kept beside its bench: an id is only unique among living objects.
            with self.measurer.follow("decoding") as tell:
                opened = open_bench(self.config, loaded, dataset, self.vocabulary.kernels, tell)
            self._benches[key] = (opened, dataset)
        return self._benches[key][0]

    def evaluation(self, measurement: Measurement, gate: Gate) -> Evaluation:
        """The measurement as the `reliability` fixture hands it to a test."""
        from pytest_failaware.run import Evaluation

        return Evaluation(
            condition=measurement.condition, records=measurement.records, rule=gate.rule, table=gate.table
        )

    def judge(
        self,
        measured: Measured,
        gate: Gate,
        nodeid: str,
        *,
        location: tuple[str, int] = ("", 0),
    ) -> ItemResult:
        """The verdict on one item at a file and line; in an updating run, what the update makes of it."""
        from pytest_failaware.judge.acceptance import accepted
        from pytest_failaware.judge.compare import Terms, judge
        from pytest_failaware.judge.power import sights

        writing, measurement, reference = self.config.writing, measured.measurement, self._reference(measured, gate)
        result = judge(
            measurement,
            gate,
            nodeid=nodeid,
            name=reference.name,
            baseline=reference.baseline,
            reference=reference.records,
            golden=reference.first if writing.update is UpdateMode.ALL else reference.golden,
            terms=Terms(dataset_change=self.config.dataset_change, drift_budget=self.config.drift_budget),
        )
        judged = accepted(result, writing.update, reset_golden=writing.reset_golden)
        recorded = judged.verdict is Verdict.RECORDED
        judged = dataclasses.replace(
            judged,
            location=location,
            is_against=measured.against is not None,
            reuse=measured.reuse,
            sights=tuple(sights(gate, judged.stats.rates)) if recorded else (),
        )
        return self._with_suggestion(judged) if judged.verdict is Verdict.MISSING else judged

    def _reference(self, measured: Measured, gate: Gate) -> _Reference:
        """What an item is compared with: the stored baseline, or the second model."""
        if measured.against is not None:
            return self._of_second_model(measured.against, gate)
        return self._stored(baseline_name(measured.measurement, gate), measured.measurement.condition.key)

    def _stored(self, name: str, key: str) -> _Reference:
        """The baseline `name` with the records of one condition."""
        from pytest_failaware.judge.samples import read_golden, read_records

        folder, baseline = self.config.baseline_dir, self.read_baseline(name)
        entry = baseline.entries.get(key) if baseline else None
        if baseline is None or entry is None:
            return _Reference(name=name, baseline=baseline)
        return _Reference(
            name=name,
            baseline=baseline,
            records=read_records(folder, baseline, entry),
            golden=None if self.config.writing.reset_golden else read_golden(folder, baseline, entry),
        )

    def _of_second_model(self, measurement: Measurement, gate: Gate) -> _Reference:
        """What another model made of the same images, as if it were stored."""
        from pytest_failaware.judge.update import baseline_of

        name = self._typed("against")
        return _Reference(name=name, baseline=baseline_of(measurement, gate.rule, name), records=measurement.records)

    def entry(self, measured: Measured, gate: Gate, result: ItemResult) -> dict[str, Any]:  # Any: plain data
        """What an item attaches to its report; what it measured, and what is drawn, only where a file will hold it."""
        from pytest_failaware.judge.acceptance import accepted, drifts

        update, measurement = self.config.writing.update, measured.measurement
        write = update is UpdateMode.ALL or (update is UpdateMode.MISSING and result.verdict is Verdict.RECORDED)
        bent = self.config.limit or self.config.overrides or self.config.against  # never accepted afterwards
        keep = write or (not bent and self.config.outputs.json is not None)
        first = self._stored(result.baseline, result.stats.condition).first if keep else None
        return {
            "result": result_to_plain(result),
            "facts": list(self.facts(measurement, gate)),
            "rule": str(gate.rule),
            "write": write,
            "acceptable": not accepted(result, UpdateMode.ALL, reset_golden=True).verdict.fails,
            "drifts": drifts(result, gate, first, measurement, self.config.drift_budget),
            **({"measurement": measurement_to_plain(measurement)} if keep else {}),
            **({"pictures": pictures_to_plain(self._pictures(measured, gate, result))} if self._draws else {}),
        }

    @property
    def _draws(self) -> bool:
        return self.config.outputs.html is not None

    def _pictures(self, measured: Measured, gate: Gate, result: ItemResult) -> Pictures:
        """What the HTML report draws of an item; nothing of a reference that is not comparable."""
        from pytest_failaware.judge.pictures import pictures_of

        measurement, reference = measured.measurement, self._reference(measured, gate)
        entry = reference.baseline.entries.get(measurement.condition.key) if reference.baseline else None
        comparable = entry is not None and not result.differences
        drawn = pictures_of(
            measurement,
            gate,
            reference.records if comparable else None,
            entry.cells if entry is not None and comparable else None,
        )
        flips = () if result.change is None else result.change.worst[: self.config.outputs.html_images]
        if measured.bench is None or not flips:
            return drawn
        from pytest_failaware.measure.thumbnails import thumbnails

        seen = thumbnails(measured.bench, measurement.condition, gate.seed, [flip.sample_id for flip in flips])
        return dataclasses.replace(drawn, thumbnails=tuple(seen))

    def facts(self, measurement: Measurement, gate: Gate) -> tuple[str, ...]:
        """What is known after loading, in lines for the summary."""
        dead = gate.rule.dead_part(len(measurement.provenance.data.classes))
        return (
            *(self._facts_of_model(measurement) if self.config.predictions is None else self._facts_of_predictions()),
            *(() if self.config.limit is None else (self._limit_fact(measurement),)),
            f"rule {gate.rule}; {self._reference_fact(measurement, gate)}",
            *(() if dead is None else (f"note: {dead}",)),
        )

    def _facts_of_model(self, measurement: Measurement) -> tuple[str, ...]:
        opened, provenance = vars(self), measurement.provenance  # what the user's own fixtures replace is never opened
        model, data = provenance.model, provenance.data
        return (
            f"model {self._typed('model') if 'model' in opened else 'of the fixture failaware_model'} "
            f"({f'{model.architecture} {model.sha256[:8]}'.strip()}) on {provenance.environment['device']}",
            *(note for loaded in self._models.values() for note in loaded.notes),
            *(f"{self._typed('against')}: {note}" for note in self._notes_against),
            *(f"note: {note}" for bench in self._all_benches() for note in bench.notes),
            f"data {self._typed('dataset') if 'images' in opened else 'of the fixture failaware_dataset'}: "
            f"{data.samples:,} images, {len(data.classes)} classes; preprocess {provenance.preprocessing}",
        )

    @property
    def _notes_against(self) -> tuple[str, ...]:
        if self.config.against is None:
            return ()
        predicted = self.config.predictions is not None or self._is_against_predictions
        return self.predictions_against.notes if predicted else self.against.notes

    def _facts_of_predictions(self) -> tuple[str, ...]:
        found = self.predictions
        notes = dict.fromkeys((*found.notes, *self._notes_against))
        return (
            f"predictions {self._typed('predictions')} (sha256 {found.sha256[:8]}): {found.data.samples:,} samples, "
            f"{len(found.data.classes)} classes",
            *(f"note: {note}" for note in notes),
        )

    def _all_benches(self) -> list[Bench]:
        return [*(bench for bench, _ in self._benches.values()), *self._second_benches.values()]

    def _typed(self, option: str) -> str:
        return self.config.origins[option].text

    def _reference_fact(self, measurement: Measurement, gate: Gate) -> str:
        if self.config.against is not None:
            predicted = self.config.predictions is not None or self._is_against_predictions
            sha256 = self.predictions_against.sha256 if predicted else self.against.facts.sha256
            return f"against {self._typed('against')} (sha256 {sha256[:8]})"
        return f"baseline {baseline_name(measurement, gate)} in {self.config.baseline_dir}"

    def _limit_fact(self, measurement: Measurement) -> str:
        measured, known = len(measurement.records), measurement.provenance.data.samples
        return f"note: --failaware-limit measures {measured:,} of the {known:,} images, those with the smallest ids"

    def close(self) -> None:
        """Remove the temporary files of memory-mapped images."""
        for bench, _ in self._benches.values():
            bench.close()

    def _remember(self, loaded: LoadedModel) -> LoadedModel:
        self._models[id(loaded.module)] = loaded
        return loaded

    def _read_baseline(self, name: str) -> Baseline | None:
        from pytest_failaware.judge.baseline import read_baseline

        return read_baseline(self.config.baseline_dir, name)

    def _with_suggestion(self, result: ItemResult) -> ItemResult:
        """A missing baseline with the names of those that exist."""
        from pytest_failaware.judge.baseline import baseline_names

        names = baseline_names(self.config.baseline_dir)
        where = f"in {self.config.baseline_dir}"
        if result.baseline in names:
            return result
        note = f"baselines {where}: {', '.join(names)}" if names else f"there is no baseline {where} yet"
        return dataclasses.replace(result, notes=(*result.notes, note))


def baseline_name(measurement: Measurement, gate: Gate) -> str:
    """The marker's or the configured name, else the architecture's; never the file's, which is what changes."""
    name = gate.baseline or measurement.provenance.model.architecture
    if not name:
        raise ConfigError(
            "no name for the baseline: the model comes without an architecture's name; give --failaware-baseline=NAME, "
            "failaware_baseline in the ini, or baseline=… in the marker"
        )
    return name
